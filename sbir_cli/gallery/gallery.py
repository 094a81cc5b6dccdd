"""An open gallery: what it holds, and the photos nearest to an embedding of its own encoder."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sbir_cli.config import QueryConfig
from sbir_cli.embedding import Embeddings
from sbir_cli.encoder import AnyEncoder
from sbir_cli.errors import GalleryError, MismatchError, UsageError
from sbir_cli.gallery.index import read_index
from sbir_cli.gallery.manifest import Database, Manifest, file_digest, reading, remake
from sbir_cli.storage import resources

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
    """A gallery opened for searching: one version of it, whatever an update does meanwhile.

    Attributes:
        path: the index file.
        manifest: what it holds and who embedded it.
        root: absolute folder that the photos' paths are relative to.
        photos_found: whether photos are there, so that paths can be trusted.
    """

    def __init__(
        self, path: Path, database: Database, manifest: Manifest, root: Path | None, index: Any
    ) -> None:
        self.path, self.manifest = path, manifest
        self._database, self._index = database, index
        self.root = root.absolute() if root else find_root(path, database, manifest)
        self.photos_found = holds_photos(self.root, database)

    @classmethod
    def open(cls, path: Path, root: Path | None = None) -> Gallery:
        """Open `idx.faiss` and the `idx.faiss.db` beside it.

        Args:
            path: the index file.
            root: where the photos are now, if they moved without the index.

        Raises:
            GalleryError: missing, damaged, of another version, or two files that do not belong
                together.
            UsageError: the root is no folder.
        """
        if root is not None and not root.is_dir():
            raise UsageError(f"{root} is no folder; give --root the folder of the photos")
        try:
            return cls._open(path, root)
        except GalleryError:  # an update may have renamed one of the two files in between
            return cls._open(path, root)

    @classmethod
    def _open(cls, path: Path, root: Path | None) -> Gallery:
        require_index(path)
        database = Database(path)
        try:
            manifest = database.manifest()
            index = read_index(committed_index(path, manifest), manifest)
            return cls(path, database, manifest, root, index)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Close the database; the index needs no closing."""
        self._database.close()

    def require(self, encoder: AnyEncoder) -> None:
        """Refuse an encoder that did not make the gallery: its embeddings lie in another space,
        and would be ranked without any sign of it.

        Raises:
            MismatchError: it did not; the message has the command that mends it.
        """
        if encoder.fingerprint == self.manifest.fingerprint:
            return
        root, file, name = (shlex.quote(str(p)) for p in (self.root, self.path, encoder.name))
        remedy = f"`sbir embed-gallery {root} -o {file} --model {name} --rebuild` mends it"
        if resources.is_bundled(self.path):  # not to be overwritten: other models need it
            remedy = (
                f"`sbir embed-gallery {root} -o my.faiss --model {name}` makes one: -i my.faiss"
            )
        raise MismatchError(
            f"the gallery was not embedded by {encoder.name} as it is now",
            where=self.path,
            remedy=remedy,
        )

    def nearest(
        self, embeddings: Embeddings, encoder: AnyEncoder, config: QueryConfig
    ) -> list[list[Hit]]:
        """The best photos for each of (Q, D) unit-length embeddings; see `search.Searcher`, which
        makes them of sketches.

        Scores that agree to six decimals are ranked by path (the same picture twice differs in
        the last bits, by its place in a batch); a gallery smaller than `top` gives fewer hits.

        Args:
            encoder: what made the embeddings.

        Raises:
            MismatchError: another encoder made the gallery.
            GalleryError: the database turns out to be damaged.
        """
        self.require(encoder)
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
        found = sorted((-round(score, _DECIMALS), i) for score, i in pairs if i >= 0)[:want]
        least = -1.0 if config.min_score is None else config.min_score
        if config.min_share is not None and found:
            best = -found[0][0]  # a share of a negative score would drop the best photo itself
            least = max(least, best * config.min_share if best > 0 else best)
        kept = [(i, -minus) for minus, i in found if -minus >= least]
        return [
            Hit(rank, score, i, self.root / os.fsdecode(self._database.row(i).path))
            for rank, (i, score) in enumerate(kept, 1)
        ]


def require_index(path: Path) -> None:
    """Refuse a path where no gallery is; errors as `Gallery.open`."""
    if path.is_dir():
        raise GalleryError("is a folder", where=path, remedy="name the index file in it")
    if not path.is_file() and not pending_index(path).is_file():
        raise GalleryError(
            "no such index",
            where=path,
            remedy=f"make it with `sbir embed-gallery PHOTOS -o {path}`",
        )


def pending_index(path: Path) -> Path:
    """Where a new index waits for its database; see `commit`."""
    return path.with_name(path.name + ".new")


def committed_index(path: Path, manifest: Manifest) -> Path:
    """The index file that the manifest describes.

    The database is renamed into place first: a run killed right then leaves the new index under
    its temporary name, where it is as good.

    Raises:
        GalleryError: neither file is the one.
    """
    with reading(path):
        for candidate in (pending_index(path), path):
            if (
                candidate.is_file()
                and candidate.stat().st_size == manifest.index_bytes
                and file_digest(candidate) == manifest.index_digest
            ):
                return candidate
    raise GalleryError(
        "the index is damaged, or its .db belongs to another index",
        where=path,
        remedy=remake(path),
    )


def holds_photos(root: Path, database: Database) -> bool:
    """Whether any of a few photos of the gallery is found below `root`."""
    return any((root / os.fsdecode(path)).exists() for path in database.sample())


def find_root(path: Path, database: Database, manifest: Manifest) -> Path:
    """The folder where the photos are: beside the index as when it was written, beside the file
    that a link to the index leads to, or where it was on the machine that wrote it."""
    candidates = [
        Path(os.path.normpath(folder / manifest.root))
        for folder in (path.absolute().parent, path.resolve().parent)
    ]
    if manifest.root_absolute is not None:
        candidates.append(Path(manifest.root_absolute))
    return next((root for root in candidates if holds_photos(root, database)), candidates[0])
