"""One update of a gallery under its lock: embed what is new, merge, commit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from pathlib import Path

from sbir_cli.config import EmbedConfig, IndexConfig
from sbir_cli.embedding import Progress
from sbir_cli.encoder import PhotoEncoder
from sbir_cli.encoder.loading import MakeEncoder
from sbir_cli.errors import MismatchError, SbirError, UsageError
from sbir_cli.gallery.filling import embed_photos
from sbir_cli.gallery.home import AnyJournal, Home, NewVersion
from sbir_cli.gallery.manifest import Manifest, PhotoRow
from sbir_cli.gallery.photo_source import PhotoSource
from sbir_cli.gallery.previous import PreviousGallery
from sbir_cli.gallery.timings import Timings, timed
from sbir_cli.imaging.folders import FoundPhotos, RemoteFile
from sbir_cli.imaging.left_out import LeftOut
from sbir_cli.storage.collector import uncollected

Introduce = Callable[[PhotoEncoder], None]

_FEW = 128
"""Photos that a graph embeds in less time than torch takes to load and embed them: the bundled
model on two cores 96 photos in 2.1 s instead of 2.5, but 192 in 3.9 s instead of 2.8."""


@dataclass(frozen=True)
class UpdateReport:
    """What an update did."""

    embedded: int
    """Photos that are new or changed."""
    removed: int
    manifest: Manifest
    seconds: float
    """Wall time of scanning, embedding and writing."""
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    """Files and folders among the inputs that could not be read, and why."""
    left_out: LeftOut = field(default_factory=LeftOut)
    """What was seen among the inputs and is no photo to embed."""


@dataclass(frozen=True)
class UpdateRun:
    """One update under the lock."""

    home: Home
    root: Path
    found: FoundPhotos
    before: PreviousGallery
    encoder: PhotoEncoder
    embed: EmbedConfig
    storage: IndexConfig
    portable: bool
    make_encoder: MakeEncoder | None = None
    """What loads the encoder again, for other processes; None: it is sent to them."""
    for_many: MakeEncoder | None = None
    """What loads an encoder that takes longer to start and less for a photo; None: there is none.
    """
    introduce: Introduce = lambda encoder: None
    """Told the encoder that embeds, before it does."""
    timings: Timings | None = None

    def update(self, progress: Progress) -> UpdateReport:
        """Embed, merge and commit; errors as `update_gallery`."""
        start = time.perf_counter()
        with timed(self.timings, "scan"):
            scanned = self._scanned()
        known = self.before.rows
        todo = [row for path, row in sorted(scanned.items()) if known.get(path) != row]
        encoder = self._encoder_for(len(todo))
        self.introduce(encoder)
        owner = f"{self.encoder.photo_fingerprint} {self.root}".encode("utf-8", "backslashreplace")
        journal = self.home.journal(owner.decode())
        try:
            self._fill(todo, encoder, journal, progress)
            fresh = journal.known()
            with timed(self.timings, "write"):
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
        return UpdateReport(
            embedded=sum(fresh[row.path].reason is None for row in todo),
            removed=len(self.before.rows.keys() - rows.keys()),
            manifest=manifest,
            seconds=time.perf_counter() - start,
            skipped=[*self.found.unreadable, *skipped],
            left_out=self.found.left_out,
        )

    def _encoder_for(self, count: int) -> PhotoEncoder:
        """The one that is done first with so many photos: the same one for a run that goes on.

        Raises:
            MismatchError: the model's files were changed meanwhile.
        """
        if self.for_many is None or count <= _FEW:
            return self.encoder
        with timed(self.timings, "load"):
            loaded = self.for_many()
        if loaded.photo_fingerprint != self.encoder.photo_fingerprint:
            raise MismatchError(f"{loaded.name} was changed meanwhile", remedy="start again")
        return loaded

    def _fill(
        self,
        todo: list[PhotoRow],
        encoder: PhotoEncoder,
        journal: AnyJournal,
        progress: Progress,
    ) -> None:
        remote = self.found.remote.items()
        starts = {self._key(path): f.start for path, f in remote if f.start is not None}
        source = PhotoSource(self.root, encoder.preprocess, starts, self.timings)
        if self.embed.ray is None:
            embed_photos(todo, source, encoder, self.embed, journal, progress)
            return
        from sbir_cli.gallery.ray_stages import embed_by_ray

        make = self.make_encoder or (lambda: encoder)  # sent to others: the encoder and no more
        embed_by_ray(todo, source, encoder, make, self.embed, journal, progress)

    def _key(self, path: str | Path) -> bytes:
        """A file's or folder's path relative to the root, as it is stored."""
        return os.fsencode(os.path.relpath(path, self.root).replace(os.sep, "/"))

    @uncollected()
    def _scanned(self) -> dict[bytes, PhotoRow]:
        """Rows by path of the photos that were found, as they are now."""
        remote, rows = self.found.remote, {}
        above = os.path.join(self.root, "")
        for name in self.found.names:
            if name.startswith(above):  # so nearly all: `relpath` takes longer than the disk
                key = os.fsencode(name[len(above) :].replace(os.sep, "/"))
            else:
                key = self._key(name)
            if key.startswith(b"../"):
                raise UsageError(
                    f"{name} is not below the root {self.root}",
                    remedy="give --root a folder above all photos",
                )
            rows[key] = _row_of(remote[name], key) if name in remote else _stat(name, key)
        return rows

    def _merge(
        self, scanned: dict[bytes, PhotoRow], fresh: dict[bytes, PhotoRow]
    ) -> dict[bytes, PhotoRow]:
        """Rows by path of the gallery to be."""
        rows = dict(self.before.rows)
        if self.embed.prune:
            given = {self._key(path) for path in self.found.inputs}
            unreadable = {self._key(path) for path, _ in self.found.unreadable}
            for path in self.before.rows.keys() - scanned.keys():
                if _is_below(path, given) and not _is_below(path, unreadable):
                    del rows[path]
        return {**rows, **fresh}

    def _write(
        self, rows: dict[bytes, PhotoRow], changed: set[bytes], journal: AnyJournal
    ) -> Manifest:
        manifest = self.before.manifest
        if manifest and rows == self.before.rows and self._asks_for_the_same(manifest):
            return manifest
        ordered = [row for _, row in sorted(rows.items())]
        good = [row for row in ordered if row.reason is None]
        bad = [row for row in ordered if row.reason is not None]
        if not good:
            if not bad and self.found.gone:
                raise SbirError(
                    "no photo would be left",
                    where=self.home.name,
                    remedy="name photos that are there, or delete the index and its .db",
                )
            journal.clear()  # what cannot be read now may be readable at the next try
            example = f", for example {os.fsdecode(bad[0].path)}: {bad[0].reason}" if bad else ""
            raise SbirError(f"no photo could be read{example}", where=self.root)
        new = NewVersion(
            good, bad, changed, self.before, self.encoder, self.storage, self.root, self.portable
        )
        return self.home.write(new, journal)

    def _asks_for_the_same(self, manifest: Manifest) -> bool:
        wanted = (self.storage.type, *self.home.roots(self.root, self.portable))
        return wanted == (manifest.index_choice, manifest.root, manifest.root_absolute)


def _row_of(file: RemoteFile, key: bytes) -> PhotoRow:
    return PhotoRow(key, file.size, file.mtime_ns)


def _stat(name: str, key: bytes) -> PhotoRow:
    try:
        status = os.stat(name)
    except OSError:
        return PhotoRow(key, 0, 0)  # decoding it will tell why
    return PhotoRow(key, status.st_size, status.st_mtime_ns)


def _is_below(path: bytes, folders: Set[bytes]) -> bool:
    """Whether a stored path is, or lies below, one of some folders relative to the same root."""
    if any(set(folder.split(b"/")) <= {b".", b".."} for folder in folders):
        return True
    parts = path.split(b"/")
    return any(b"/".join(parts[:i]) in folders for i in range(1, len(parts) + 1))
