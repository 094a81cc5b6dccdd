"""The gallery as it was before an update."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sbir_cli.encoder import PhotoEncoder
from sbir_cli.errors import GalleryError, MismatchError, UsageError
from sbir_cli.gallery.background import Background
from sbir_cli.gallery.files import (
    committed_index,
    find_root,
    holds_photos,
    pending_index,
    possible_roots,
)
from sbir_cli.gallery.flat import Ids, Matrix, read_flat
from sbir_cli.gallery.index import read_index, require_header, stored_embeddings
from sbir_cli.gallery.manifest import Database, Manifest, PhotoRow, database_path
from sbir_cli.storage import resources


def stored_manifest(index: Path, rebuild: bool = False) -> Manifest | None:
    """The manifest of the gallery at `index`, if there is one: what an update keeps.

    Args:
        rebuild: a damaged one counts as none.

    Raises:
        GalleryError: it is damaged.
    """
    if not _exists(index):
        return None
    try:
        with closing(Database(index)) as database:
            return database.manifest()
    except GalleryError:
        if rebuild:
            return None
        raise


def shipped_background() -> Background | None:
    """That of the prebuilt gallery: a gallery of the bundled model need not embed it again."""
    with suppress(GalleryError), closing(Database(resources.bundled_index())) as database:
        return database.background()
    return None


def _exists(index: Path) -> bool:
    """Whether a gallery is there; one file alone is what a killed first run left behind."""
    return index.exists() or (pending_index(index).exists() and database_path(index).exists())


@dataclass(frozen=True)
class PreviousGallery:
    """Rows by path, and where their embeddings are; without arguments there was none."""

    manifest: Manifest | None = None
    root: Path = Path()
    photos_found: bool = False
    """Whether photos are there, below `root`."""
    rows: dict[bytes, PhotoRow] = field(default_factory=dict)
    ids: dict[bytes, int] = field(default_factory=dict)
    embeddings: Callable[[Ids], Matrix] | None = None
    """(N, D) of N photos by their ids."""
    fixed: bool = False
    """Whether its paths cannot be made relative to a folder above their root."""
    background: Background | None = None

    @classmethod
    def read(cls, index: Path, encoder: PhotoEncoder) -> PreviousGallery:
        """The gallery at `index`, if there is one.

        Raises:
            GalleryError: it is damaged.
            MismatchError: another encoder made it.
        """
        if not _exists(index):
            return cls()
        with closing(Database(index)) as database:
            manifest = database.manifest()
            if manifest.fingerprint != encoder.photo_fingerprint:
                raise MismatchError(
                    f"the gallery was embedded by {manifest.encoder}, not by this {encoder.name}",
                    where=index,
                    remedy=f"add `--model {manifest.encoder}`, or `--rebuild` to embed it all anew",
                )
            file = committed_index(index, manifest)
            if file != index:  # a run was killed between its two renames: finish them
                file = file.replace(index)
            embeddings = _reader(file, manifest)
            rows = database.rows()
            sample, background = database.sample(manifest.photos), database.background()
        root = find_root(possible_roots(index, manifest), sample)
        there = holds_photos(root, sample)
        ids = {row.path: i for i, row in rows.items() if row.reason is None}
        by_path = {row.path: row for row in rows.values()}
        return cls(manifest, root, there, by_path, ids, embeddings, background=background)

    def rooted_at(self, root: Path, there: bool) -> PreviousGallery:
        """The same gallery with its paths relative to another root: a folder above its own, or
        the folder that its photos were moved to.

        Args:
            there: whether its own root is where they are, or were until now.

        Raises:
            UsageError: it is neither.
        """
        if there and self.root.is_relative_to(root):
            folder = self.root.relative_to(root)
            if folder == Path():
                return self
            if self.fixed:
                raise UsageError(
                    f"the gallery's photos are below {self.root}, and others lie outside it",
                    remedy=f"embed all of them anew with --rebuild and --root {root}",
                )
            prefix = os.fsencode(folder.as_posix()) + b"/"
            rows = {prefix + path: r._replace(path=prefix + path) for path, r in self.rows.items()}
            ids = {prefix + path: i for path, i in self.ids.items()}
            return replace(self, root=root, rows=rows, ids=ids)
        if any((root / os.fsdecode(path)).exists() for path in self.rows):
            return replace(self, root=root)
        raise UsageError(
            f"none of the gallery's photos is below {root}",
            remedy="give --root where they are now, or --rebuild to embed PHOTOS alone",
        )


def _reader(index: Path, manifest: Manifest) -> Callable[[Ids], Matrix]:
    """What gives a gallery's embeddings by their ids; a flat one's are read as they are asked for,
    so that its file is never open when a new one takes its place.

    Raises:
        GalleryError: the index is damaged.
    """
    if manifest.index_type == "flat":
        require_header(index, manifest)
        return lambda ids: read_flat(index, ids, manifest.dimension)
    matrix = stored_embeddings(read_index(index, manifest))
    return lambda ids: np.asarray(matrix[ids])
