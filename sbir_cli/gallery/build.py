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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from sbir_cli.config import EmbedConfig, IndexConfig
from sbir_cli.errors import GalleryError, SbirError, UsageError
from sbir_cli.gallery.commit import commit
from sbir_cli.gallery.embedding import PhotoEncoder, Progress, embed_photos
from sbir_cli.gallery.gallery import find_root
from sbir_cli.gallery.index import Matrix
from sbir_cli.gallery.journal import Journal
from sbir_cli.gallery.manifest import Manifest, PhotoRow
from sbir_cli.gallery.old import OldGallery
from sbir_cli.images import FoundPhotos


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
    try:
        index.absolute().parent.mkdir(parents=True, exist_ok=True)
        with _locked(index.with_name(index.name + ".lock")):
            old = OldGallery() if rebuild else OldGallery.read(index, encoder)
            place, old = _place(index, old, found.inputs, root)
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


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with FileLock(path, timeout=0):
        try:
            yield
        finally:
            with suppress(OSError):  # filelock notices a lock file that was removed under it
                path.unlink()


def _place(
    index: Path, old: OldGallery, inputs: Sequence[Path], root: Path | None
) -> tuple[Path, OldGallery]:
    """The folder that paths are relative to, and the old gallery with its paths below it."""
    if root is not None:
        return root.absolute(), old
    before = find_root(index, old.manifest) if old.manifest else None
    folders = [path if path.is_dir() else path.parent for path in inputs]
    try:
        place = Path(os.path.commonpath([*folders, before] if before else folders))
    except ValueError as error:  # two drives
        raise UsageError("the photos share no folder; make one gallery per drive") from error
    return place, old.moved_below(before.relative_to(place)) if before else old


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
        given = [self._key(path) for path in self.found.inputs] if self.embed.prune else []
        for path in self.old.rows.keys() - scanned.keys():
            if any(g == b"." or path == g or path.startswith(g + b"/") for g in given):
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
            example = f", for example {os.fsdecode(bad[0].path)}: {bad[0].reason}" if bad else ""
            raise SbirError(f"no photo could be read{example}", where=self.root)
        matrix = self._embeddings([row.path for row in good], changed, journal)
        return commit(
            self.index, matrix, good, bad, self.encoder, self.storage, self.root, self.portable
        )

    def _asks_for_the_same(self, old: Manifest) -> bool:
        return (
            old.index_choice == self.storage.type
            and find_root(self.index, old) == self.root
            and (old.root_absolute is None) == self.portable
        )

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
