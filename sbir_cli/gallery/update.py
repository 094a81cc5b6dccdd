"""Photos into a gallery: incremental, resumable after any kill, atomic.

1. Scan the folders and compare size and modification time with the gallery: what to embed.
2. Embed it in batches; each batch goes into the journal in one transaction.
3. Write the new index and database beside the old ones, then rename the database (the commit)
   and the index, and delete the journal.

Photos are kept in the order of their paths, so a run that was interrupted and resumed writes the
same bytes as one that was not.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from filelock import Timeout

from sbir_cli.config import EmbedConfig, IndexConfig
from sbir_cli.embedding import Progress
from sbir_cli.encoder import PhotoEncoder
from sbir_cli.errors import GalleryError, SbirError, UsageError
from sbir_cli.gallery.commit import commit, stored_roots
from sbir_cli.gallery.filling import embed_photos
from sbir_cli.gallery.index import Matrix, is_index
from sbir_cli.gallery.journal import Journal
from sbir_cli.gallery.manifest import Manifest, PhotoRow, database_path
from sbir_cli.gallery.previous import OldGallery
from sbir_cli.imaging.images import FoundPhotos
from sbir_cli.storage.locks import locked


@dataclass(frozen=True)
class Report:
    """What a run did."""

    embedded: int
    """Photos that are new or changed."""
    removed: int
    manifest: Manifest
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    """Files and folders among the inputs that could not be read, and why."""


def update_gallery(
    index: Path,
    found: FoundPhotos,
    encoder: PhotoEncoder,
    *,
    embed: EmbedConfig | None = None,
    storage: IndexConfig | None = None,
    root: Path | None = None,
    portable: bool = False,
    rebuild: bool = False,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Make or update the gallery at `index`.

    Args:
        index: the index file; its database lies beside it.
        found: the photos, from `images.find_photos`.
        encoder: embeds (N, 3, H, W) float32 pixels as (N, D) unit vectors.
        root: folder that paths are stored relative to (default: the folder that holds all inputs;
            for a gallery that exists, the folder where its photos are now).
        portable: leave out where the root was on this machine; for a gallery that is given away.
        rebuild: embed everything anew and keep nothing of the old gallery.
        progress: told after every batch.

    Raises:
        SbirError: no photo could be read, the target cannot be written, or another run is at work.
        MismatchError: the gallery was embedded by another encoder.
    """
    embed, storage = embed or EmbedConfig(), storage or IndexConfig()
    require_target(index)
    try:
        index.absolute().parent.mkdir(parents=True, exist_ok=True)
        with locked(index.with_name(index.name + ".lock")):
            old = OldGallery() if rebuild else OldGallery.read(index, encoder)
            place, old = _place(old, found, root)
            run = _Run(index, place, found, old, encoder, embed, storage, portable)
            return run.update(progress)
    except Timeout as error:
        raise GalleryError(
            "another run is at work on this gallery", where=index, remedy="wait for it to end"
        ) from error
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[-1]
        raise GalleryError(
            f"cannot be written ({reason.lower()})",
            where=index,
            remedy="the old gallery is untouched; make room or choose another -o, and run again",
        ) from error


def _place(old: OldGallery, found: FoundPhotos, root: Path | None) -> tuple[Path, OldGallery]:
    """The folder that paths are relative to, and the old gallery with its paths below it."""
    if root is None and old.manifest is not None and not old.photos_found:
        raise UsageError(
            f"none of the gallery's photos is below {old.root} any more",
            remedy="give --root where they are now, or --rebuild to embed PHOTOS alone",
        )
    folders = [path if path.is_dir() else path.parent for path in found.inputs]
    try:
        above = os.path.commonpath([*folders, old.root] if old.manifest else folders)
    except ValueError as error:  # two drives
        raise UsageError("the photos share no folder; make one gallery per drive") from error
    place = root.absolute() if root is not None else Path(above)
    return place, old.rooted_at(place) if old.manifest is not None else old


def require_target(index: Path) -> None:
    """Refuse to write over what is no index.

    Raises:
        GalleryError: the target is a folder, or a file of another kind.
    """
    if index.is_dir() or not index.name:
        raise GalleryError("is a folder", where=index, remedy="name the index file in it")
    if index.exists() and not database_path(index).exists() and not is_index(index):
        raise GalleryError(
            "exists and is no index", where=index, remedy="choose another name for -o"
        )


@dataclass(frozen=True)
class _Run:
    """One update under the lock."""

    index: Path
    root: Path
    found: FoundPhotos
    old: OldGallery
    encoder: PhotoEncoder
    embed: EmbedConfig
    storage: IndexConfig
    portable: bool

    def update(self, progress: Progress) -> Report:
        scanned = {row.path: row for row in map(self._stat, self.found.paths)}
        todo = [row for path, row in sorted(scanned.items()) if self.old.rows.get(path) != row]
        owner = f"{self.encoder.fingerprint} {self.root}".encode("utf-8", "backslashreplace")
        journal = Journal(self.index, owner.decode())
        try:
            embed_photos(todo, self.root, self.encoder, self.embed, journal, progress)
            fresh = journal.known()
            rows = self._merge(scanned, {row.path: fresh[row.path] for row in todo})
            manifest = self._write(rows, {row.path for row in todo}, journal)
        finally:
            journal.close()
        journal.delete()
        skipped = [
            (self.root / os.fsdecode(path), reason)
            for path in sorted(scanned)
            if (reason := rows[path].reason) is not None
        ]
        return Report(
            embedded=sum(fresh[row.path].reason is None for row in todo),
            removed=len(self.old.rows.keys() - rows.keys()),
            manifest=manifest,
            skipped=[*self.found.unreadable, *skipped],
        )

    def _key(self, path: Path) -> bytes:
        """A file's or folder's path relative to the root, as it is stored."""
        return os.fsencode(os.path.relpath(path, self.root).replace(os.sep, "/"))

    def _stat(self, path: Path) -> PhotoRow:
        key = self._key(path)
        if key.startswith(b"../"):
            raise UsageError(
                f"{path} is not below the root {self.root}",
                remedy="give --root a folder above all photos",
            )
        try:
            status = os.stat(path)
        except OSError:
            return PhotoRow(key, 0, 0)  # decoding it will tell why
        return PhotoRow(key, status.st_size, status.st_mtime_ns)

    def _merge(
        self, scanned: dict[bytes, PhotoRow], fresh: dict[bytes, PhotoRow]
    ) -> dict[bytes, PhotoRow]:
        """Rows by path of the gallery to be."""
        rows = dict(self.old.rows)
        if self.embed.prune:
            given = [self._key(path) for path in self.found.inputs]
            unreadable = [self._key(path) for path, _ in self.found.unreadable]
            for path in self.old.rows.keys() - scanned.keys():
                if _is_below(path, given) and not _is_below(path, unreadable):
                    del rows[path]
        return {**rows, **fresh}

    def _write(
        self, rows: dict[bytes, PhotoRow], changed: set[bytes], journal: Journal
    ) -> Manifest:
        old = self.old.manifest
        if old and rows == self.old.rows and self._asks_for_the_same(old):
            return old
        good = [row for _, row in sorted(rows.items()) if row.reason is None]
        bad = [row for _, row in sorted(rows.items()) if row.reason is not None]
        if not good:
            journal.clear()  # what cannot be read now may be readable at the next try
            example = f", for example {os.fsdecode(bad[0].path)}: {bad[0].reason}" if bad else ""
            raise SbirError(f"no photo could be read{example}", where=self.root)
        matrix = self._embeddings([row.path for row in good], changed, journal)
        return commit(
            self.index, matrix, good, bad, self.encoder, self.storage, self.root, self.portable
        )

    def _asks_for_the_same(self, old: Manifest) -> bool:
        wanted = (self.storage.type, *stored_roots(self.index, self.root, self.portable))
        return wanted == (old.index_choice, old.root, old.root_absolute)

    def _embeddings(self, paths: list[bytes], changed: set[bytes], journal: Journal) -> Matrix:
        """(N, D): the changed photos' from the journal, the others' from the old index."""
        matrix = np.empty((len(paths), self.encoder.dimension), dtype=np.float32)
        new = [i for i, path in enumerate(paths) if path in changed]
        for i, vector in zip(new, journal.embeddings(paths[i] for i in new), strict=True):
            matrix[i] = vector
        kept = [i for i, path in enumerate(paths) if path not in changed]
        if kept:
            matrix[kept] = self.old.embeddings_of([paths[i] for i in kept])
        return matrix


def _is_below(path: bytes, folders: Sequence[bytes]) -> bool:
    """Whether a stored path is, or lies below, one of some folders relative to the same root."""
    return any(
        folder == b"."
        or set(folder.split(b"/")) == {b".."}
        or (path + b"/").startswith(folder + b"/")
        for folder in folders
    )
