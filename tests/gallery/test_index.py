"""The types of the FAISS index."""

from __future__ import annotations

from pathlib import Path

import pytest

from sbir_cli.config import IndexConfig
from sbir_cli.gallery import update_gallery
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo
from tests.gallery.queries import nearest


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_approximate_indexes_are_measured_and_updated(tmp_path: Path, kind: str) -> None:
    photos = tmp_path / "photos"
    for i in range(300):
        draw_photo(photos / f"{i:03}.png", seed=i, size=(16, 16))
    storage = IndexConfig(type=kind)  # type: ignore[arg-type]
    index = tmp_path / "idx.faiss"
    manifest = update_gallery(index, find_photos([photos]), FakeEncoder(), storage=storage).manifest
    assert manifest.index_type == kind and 0.95 <= (manifest.recall_at_10 or 0) <= 1
    draw_photo(photos / "new.png", seed=1000, size=(16, 16))
    assert (
        update_gallery(index, find_photos([photos]), FakeEncoder(), storage=storage).embedded == 1
    )
    hits = nearest(index, photos / "new.png", top=1)
    assert hits[0].path == photos / "new.png"


def test_auto_takes_a_graph_beyond_the_exact_limit(photos: Path, tmp_path: Path) -> None:
    storage = IndexConfig(exact_limit=9)
    report = update_gallery(
        tmp_path / "idx.faiss", find_photos([photos]), FakeEncoder(), storage=storage
    )
    assert report.manifest.index_type == "hnsw" and report.manifest.index_choice == "auto"
