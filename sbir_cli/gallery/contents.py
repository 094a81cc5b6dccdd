"""What a gallery holds, and what is asked of it wherever it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sbir_cli.embedding import Embeddings
from sbir_cli.errors import UsageError
from sbir_cli.gallery.background import Background
from sbir_cli.gallery.files import committed_index, possible_roots, require_index
from sbir_cli.gallery.flat import Ids
from sbir_cli.gallery.index import read_index, stored_embeddings
from sbir_cli.gallery.manifest import Database, Manifest, PhotoRow
from sbir_cli.gallery.narrowing import matching_ids, search_among, stored


class Selection(Protocol):
    """Some photos of a gallery, as its own kind of contents names them."""

    def __len__(self) -> int: ...


class Contents(Protocol):
    """Photos and their embeddings: one version, whatever an update does meanwhile."""

    manifest: Manifest
    most: int
    """Photos that one question can be given at most."""

    def search(
        self, embeddings: Embeddings, count: int, among: Any
    ) -> tuple[npt.NDArray[np.float32], Ids]:
        """(Q, count) scores and ids, best first; an id below 0 where there is no further photo.

        Args:
            among: what `matching` gave, or None for all photos.
        """

    def order(self, photo: int) -> Any:
        """What ranks photos of equal score: as their paths do."""

    def matching(self, pattern: str) -> Selection:
        """The photos whose path below the root matches a shell pattern; `*` crosses folders. A
        pattern that names a folder means what is in it.

        Raises:
            UsageError: such a pattern cannot be looked for here.
        """

    def stored(self, ids: Ids) -> Embeddings:
        """(N, D) embeddings of some photos."""

    def evenly(self, count: int) -> Ids:
        """Ids of up to `count` photos spread evenly over the gallery."""

    def embeddings(self) -> Embeddings:
        """(N, D) embeddings of all photos, by rising id."""

    def rows(self) -> dict[int, PhotoRow]:
        """All rows by id, photos by rising id first, then what was skipped."""

    def row(self, photo: int) -> PhotoRow:
        """The row of one photo.

        Raises:
            UsageError: there is no such photo.
        """

    def find(self, path: bytes) -> int | None:
        """The id of a photo by its path relative to the root."""

    def background(self) -> Background | None:
        """The drawings of nothing and what they reach here, if it holds them."""

    def sample(self) -> list[bytes]:
        """Paths of a few photos."""

    def roots(self) -> Sequence[Path]:
        """Folders that the photos may be below, the likeliest first."""

    def close(self) -> None:
        """Let go of files and connections."""


class FileContents:
    """`idx.faiss` and the `idx.faiss.db` beside it."""

    most = 2**31

    def __init__(self, path: Path, database: Database, manifest: Manifest) -> None:
        self.manifest = manifest
        self._path, self._database = path, database
        self._index = read_index(committed_index(path, manifest), manifest)

    @classmethod
    def open(cls, path: Path) -> FileContents:
        """The gallery at `path`; errors as `Gallery.open`."""
        require_index(path)
        database = Database(path)
        try:
            return cls(path, database, database.manifest())
        except BaseException:
            database.close()
            raise

    def search(
        self, embeddings: Embeddings, count: int, among: Ids | None
    ) -> tuple[npt.NDArray[np.float32], Ids]:
        """See `Contents`."""
        if among is not None:
            return search_among(self._index, embeddings, count, among)
        scores, ids = self._index.search(embeddings, count)
        return scores, ids

    def order(self, photo: int) -> int:
        """See `Contents`: photos are kept in the order of their paths."""
        return photo

    def matching(self, pattern: str) -> Ids:
        """See `Contents`."""
        return matching_ids(self._database, pattern)

    def stored(self, ids: Ids) -> Embeddings:
        """See `Contents`."""
        return stored(self._index, ids)

    def evenly(self, count: int) -> Ids:
        """See `Contents`."""
        total = self._index.ntotal
        return np.unique(np.linspace(0, total - 1, min(count, total), dtype=np.int64))

    def embeddings(self) -> Embeddings:
        """See `Contents`."""
        return stored_embeddings(self._index)

    def rows(self) -> dict[int, PhotoRow]:
        """See `Contents`."""
        return self._database.rows()

    def row(self, photo: int) -> PhotoRow:
        """See `Contents`."""
        last = self._index.ntotal - 1
        if not 0 <= photo <= last:
            raise UsageError(f"the gallery has no photo {photo}; ids are 0 to {last}")
        return self._database.row(photo)

    def find(self, path: bytes) -> int | None:
        """See `Contents`."""
        return self._database.find(path)

    def background(self) -> Background | None:
        """See `Contents`."""
        return self._database.background()

    def sample(self) -> list[bytes]:
        """See `Contents`."""
        return self._database.sample(self.manifest.photos)

    def roots(self) -> Sequence[Path]:
        """See `Contents`."""
        return possible_roots(self._path, self.manifest)

    def close(self) -> None:
        """Close the database; the index needs no closing."""
        self._database.close()
