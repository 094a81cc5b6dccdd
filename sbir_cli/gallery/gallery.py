"""Open a gallery and search it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sbir_cli.config import QueryConfig
from sbir_cli.errors import GalleryError
from sbir_cli.gallery.index import read_index
from sbir_cli.gallery.manifest import Manifest, file_digest, read_manifest, read_rows

_DECIMALS = 6  # of a score


@dataclass(frozen=True)
class Hit:
    """One photo found for a sketch."""

    rank: int
    """From 1, by falling score, then by rising path."""
    score: float
    """Cosine similarity, larger is better."""
    id: int
    """Position in this version of the index; the path is the lasting name."""
    path: Path
    """Absolute."""


class Gallery:
    """A gallery opened for searching.

    Attributes:
        path: the index file.
        manifest: what it holds and who embedded it.
        root: absolute folder that the photos' paths are relative to.
    """

    def __init__(self, path: Path, manifest: Manifest, root: Path, index: Any) -> None:
        self.path, self.manifest, self.root, self._index = path, manifest, root, index

    @classmethod
    def open(cls, path: Path, root: Path | None = None) -> Gallery:
        """Open `idx.faiss` and the `idx.faiss.db` beside it.

        Args:
            path: the index file.
            root: where the photos are now, if they moved without the index.

        Raises:
            GalleryError: missing, damaged, of another version, or two files that do not belong
                together.
        """
        manifest = read_manifest_of(path)
        found = root.absolute() if root else find_root(path, manifest)
        return cls(path, manifest, found, read_index(committed_index(path, manifest), manifest))

    def search(self, embeddings: npt.NDArray[np.float32], config: QueryConfig) -> list[list[Hit]]:
        """The best photos for each of (Q, D) unit-length sketch embeddings.

        Scores that agree to six decimals are ranked by path (the same picture twice differs in
        the last bits, by its place in a batch); a gallery smaller than `top` gives fewer hits.
        """
        want = min(config.top, self._index.ntotal)
        fetch = want
        while True:  # go on while photos beyond the cut score like the last one before it
            fetch = min(fetch + 16, self._index.ntotal)
            scores, ids = self._index.search(embeddings, fetch)
            tied = scores[:, want - 1] - scores[:, fetch - 1] < 10**-_DECIMALS
            if fetch == self._index.ntotal or not tied.any():
                break
        return [self._hits(s, i, want, config) for s, i in zip(scores, ids, strict=True)]

    def _hits(
        self,
        scores: npt.NDArray[np.float32],
        ids: npt.NDArray[np.int64],
        want: int,
        config: QueryConfig,
    ) -> list[Hit]:
        pairs = zip(scores.tolist(), ids.tolist(), strict=True)
        found = sorted((-round(score, _DECIMALS), i) for score, i in pairs if i >= 0)
        least = -1.0 if config.min_score is None else config.min_score
        if config.min_share is not None and found:
            least = max(least, -found[0][0] * config.min_share)
        kept = [(i, -minus) for minus, i in found[:want] if -minus >= least]
        rows = read_rows(self.path, [i for i, _ in kept])
        return [
            Hit(rank, score, i, self.root / os.fsdecode(rows[i].path))
            for rank, (i, score) in enumerate(kept, 1)
        ]


def read_manifest_of(path: Path) -> Manifest:
    """The manifest of a gallery that must exist; errors as `Gallery.open`."""
    if path.is_dir():
        raise GalleryError("is a folder", where=path, remedy="name the index file in it")
    if not path.is_file() and not pending_index(path).is_file():
        raise GalleryError(
            "no such index",
            where=path,
            remedy=f"make it with `sbir embed-gallery PHOTOS -o {path}`",
        )
    return read_manifest(path)


def pending_index(path: Path) -> Path:
    """Where a new index waits for its database; see `build`."""
    return path.with_name(path.name + ".new")


def committed_index(path: Path, manifest: Manifest) -> Path:
    """The index file that the manifest describes.

    The database is renamed into place first: a run killed right then leaves the new index under
    its temporary name, where it is as good.

    Raises:
        GalleryError: neither file is the one.
    """
    for candidate in (path, pending_index(path)):
        if (
            candidate.is_file()
            and candidate.stat().st_size == manifest.index_bytes
            and file_digest(candidate) == manifest.index_digest
        ):
            return candidate
    raise GalleryError(
        "the index is damaged, or its .db belongs to another index",
        where=path,
        remedy="restore both files, or remake the gallery with `sbir embed-gallery`",
    )


def find_root(path: Path, manifest: Manifest) -> Path:
    """The photos' folder: beside the index as when it was written, else where it was then."""
    relative = Path(os.path.normpath(path.absolute().parent / manifest.root))
    if relative.is_dir() or manifest.root_absolute is None:
        return relative
    return Path(manifest.root_absolute)
