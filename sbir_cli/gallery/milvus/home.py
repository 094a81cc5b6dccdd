"""Writing a gallery into Milvus: see `Home`, `collection` for its rows and `versions` for when it
is seen."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from sbir_cli import __version__
from sbir_cli.encoder import PhotoEncoder
from sbir_cli.errors import GalleryError, MismatchError
from sbir_cli.gallery.files import holds_photos
from sbir_cli.gallery.home import AnyJournal, NewVersion
from sbir_cli.gallery.manifest import FORMAT_VERSION, Manifest
from sbir_cli.gallery.milvus.address import MilvusAddress
from sbir_cli.gallery.milvus.collection import (
    FOREVER,
    HIDDEN,
    Collection,
    StoredRow,
    answering,
    connect,
)
from sbir_cli.gallery.milvus.journal import CollectionJournal
from sbir_cli.gallery.milvus.kinds import kind_for, to_build
from sbir_cli.gallery.milvus.lease import leased
from sbir_cli.gallery.milvus.versions import begun, client_for_reading, committed, manifest_from
from sbir_cli.gallery.previous import PreviousGallery
from sbir_cli.imaging.remote import is_remote, root_path


class CollectionHome:
    """A collection of a Milvus server; see `Home`."""

    def __init__(self, address: MilvusAddress) -> None:
        self.address = self.name = address
        self._target: Collection | None = None
        self._old: Collection | None = None

    @cached_property
    def _client(self) -> Any:
        return connect(self.address)

    def require_target(self) -> None:
        """Refuse a Milvus Lite file that is something else.

        Raises:
            GalleryError: it is.
        """
        lite = self.address.lite
        if lite is None:
            return
        if lite.is_file() or (lite.is_dir() and any(lite.iterdir()) and not _is_lite(lite)):
            raise GalleryError(
                "is no Milvus Lite file (a folder since version 3)",
                where=lite,
                remedy="choose another name for -o",
            )
        if not lite.parent.is_dir():
            raise GalleryError("no such folder", where=lite.parent, remedy="make it first")

    def stored_manifest(self, rebuild: bool = False) -> Manifest | None:
        """See `Home`."""
        if self.address.lite is not None and not self.address.lite.exists():
            return None
        collection = committed(client_for_reading(self.address), self.address)
        if collection is None:
            return None
        try:
            return manifest_from(collection, collection.notes())
        except GalleryError:
            if rebuild:
                return None
            raise

    @contextmanager
    def writing(self, encoder: PhotoEncoder, rebuild: bool) -> Iterator[None]:
        """See `Home`."""
        current = committed(self._client, self.address)
        if current is not None and not rebuild:
            self._target, self._old = current, None
        else:
            self._target, self._old = self._staging(current, encoder), current
        with leased(self._target) as self._lease:
            self._target.load()
            yield

    def _staging(self, current: Collection | None, encoder: PhotoEncoder) -> Collection:
        """A collection that is no gallery yet: what a run left behind, or a new one."""
        last = int(current.name.rpartition("_v")[2]) if current else 0
        for number in begun(self._client, self.address):
            if number <= last:
                continue
            found = Collection(self._client, self.address, self._versioned(number))
            notes = found.notes()
            if notes.get("fingerprint") == encoder.photo_fingerprint:
                return found
            if not notes:  # somebody else's, by chance of that name
                last = number
                continue
            with answering(self.address):
                self._client.drop_collection(found.name)
        notes = {"fingerprint": encoder.photo_fingerprint, "encoder": encoder.name, "version": 0}
        name = self._versioned(last + 1)
        return Collection.create(self._client, self.address, name, encoder.dimension, notes)

    def _versioned(self, number: int) -> str:
        return f"{self.address.collection}_v{number}"

    @property
    def _open(self) -> Collection:
        assert self._target is not None, "outside `writing`"
        return self._target

    @cached_property
    def _notes(self) -> dict[str, Any]:
        return self._open.notes()

    @property
    def _is_new(self) -> bool:
        """Whether the target is no gallery yet."""
        committed_now = committed(self._client, self.address)
        return committed_now is None or committed_now.name != self._open.name

    @cached_property
    def _version(self) -> int:
        """The version that is read now: 0 where there is none."""
        return 0 if self._is_new else int(self._notes["version"])

    @cached_property
    def _rows(self) -> list[StoredRow]:
        """All rows, those of an interrupted run too."""
        return list(self._open.rows())

    @cached_property
    def _current(self) -> dict[bytes, StoredRow]:
        """Rows by path of the version that is read; photos that an update has left are not of it,
        though a run that was killed may not have removed them."""
        read = [r for r in self._rows if r.version <= self._version]
        counted = [r for r in read if r.until == HIDDEN or r.until > self._version]
        return {r.photo.path: r for r in sorted(counted, key=lambda row: row.version)}

    def previous(self, encoder: PhotoEncoder) -> PreviousGallery:
        """See `Home`."""
        if self._is_new:
            return PreviousGallery()
        manifest = manifest_from(self._open, self._notes)
        if manifest.fingerprint != encoder.photo_fingerprint:
            raise MismatchError(
                f"the gallery was embedded by {manifest.encoder}, not by this {encoder.name}",
                where=self.address,
                remedy=f"add `--model {manifest.encoder}`, or `--rebuild` to embed it all anew",
            )
        rows = {path: row.photo for path, row in self._current.items()}
        root = root_path(manifest.root_absolute or manifest.root)
        there = holds_photos(root, list(rows)[:5])
        return PreviousGallery(manifest, root, there, rows, fixed=True)

    def journal(self, owner: str) -> CollectionJournal:
        """See `Home`: rows of the version to be, which no search finds yet."""
        pending = [row for row in self._rows if row.version > self._version]
        if pending and self._notes.get("owner") != owner:
            self._open.remove(row.id for row in pending)
            pending = []
        self._open.note({"owner": owner})
        last = int(self._notes.get("last_id", -1))  # an id once given is not given again
        first = max([last, *(row.id for row in self._rows)]) + 1
        return CollectionJournal(self._open, self._lease, self._version + 1, pending, first)

    def roots(self, root: Path, portable: bool) -> tuple[str, str | None]:
        """See `Home`."""
        return ".", None if portable and not is_remote(root) else str(root)

    def write(self, new: NewVersion, journal: AnyJournal) -> Manifest:
        """See `Home`."""
        assert isinstance(journal, CollectionJournal)
        target, version = self._open, self._version + 1
        kind = kind_for(len(new.good), new.storage)
        wanted = {row.path: row for row in [*new.good, *new.bad]}
        fresh = journal.rows
        useless = [r.id for path, r in fresh.items() if wanted.get(path) != r.photo]
        as_before = wanted.keys() - new.changed
        stays = [r for path, r in self._current.items() if path in as_before]
        leaves = [r for path, r in self._current.items() if path not in as_before]
        target.end([r for r in leaves if r.until == FOREVER], version)
        target.end([r for r in stays if r.until == version], FOREVER)  # marked by a killed run
        target.remove(useless)
        target.build(*to_build(kind, len(new.good)))
        manifest = self._manifest(new, kind, version)
        last = max([row.id for row in [*fresh.values(), *stays]] + [self._notes.get("last_id", 0)])
        target.note({**asdict(manifest), "version": version, "last_id": last})
        if self._is_new:
            self._show(target)
        kept = {row.id for row in stays}
        target.remove(r.id for r in self._rows if r.version < version and r.id not in kept)
        return manifest

    def _manifest(self, new: NewVersion, kind: str, version: int) -> Manifest:
        root, absolute = self.roots(new.root, new.portable)
        name = f"{self._open.name} {version} {time.time_ns()}"
        return Manifest(
            format_version=FORMAT_VERSION,
            sbir=__version__,
            encoder=new.encoder.name,
            fingerprint=new.encoder.photo_fingerprint,
            dimension=new.encoder.dimension,
            index_type=kind,
            index_choice=new.storage.type or "auto",
            recall_at_10=1.0 if kind == "flat" else None,
            photos=len(new.good),
            skipped=len(new.bad),
            root=root,
            root_absolute=absolute,
            index_bytes=0,
            index_digest=hashlib.sha256(name.encode()).hexdigest(),
        )

    def _show(self, target: Collection) -> None:
        """Make a collection the one that the gallery's name means; the old one goes."""
        with answering(self.address):
            if self._old is None:
                self._client.create_alias(target.name, self.address.collection)
            else:
                self._client.alter_alias(target.name, self.address.collection)
                self._client.drop_collection(self._old.name)


def _is_lite(folder: Path) -> bool:
    return (folder / "LOCK").exists()
