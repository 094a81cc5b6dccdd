"""What a gallery finds, as the tests here ask it: by the fake encoder, for a photo."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from sbir_cli.config import QueryConfig
from sbir_cli.embedding import Embeddings
from sbir_cli.gallery import Gallery, Hit
from sbir_cli.gallery.manifest import Database
from sbir_cli.imaging.images import read_photo
from tests.fakes import FakeEncoder


def embed(photo: Path) -> Embeddings:
    """(1, D)."""
    encoder = FakeEncoder()
    return encoder.encode_photos(encoder.preprocess(read_photo(photo))[None])


def nearest(gallery: Gallery | Path, query: Path | Embeddings, **cut: Any) -> list[Hit]:
    """The photos nearest to a photo, or to its embedding."""
    opened = Gallery.open(gallery) if isinstance(gallery, Path) else gallery
    vectors = embed(query) if isinstance(query, Path) else query
    return opened.nearest(vectors, FakeEncoder(), QueryConfig(**cut))[0]


def stored_paths(index: Path) -> list[str]:
    """The photos' paths in the order of their rows."""
    with closing(Database(index)) as database:
        return [row.path.decode() for row in database.rows().values()]
