"""Where an update writes a gallery, and what a run hands over at its end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from filelock import Timeout

from sbir_cli.config import IndexConfig
from sbir_cli.embedding import Embeddings
from sbir_cli.encoder import PhotoEncoder, SketchEncoder
from sbir_cli.errors import GalleryError
from sbir_cli.gallery.background import WORTH_IT, Background, embedded, maker_of
from sbir_cli.gallery.commit import commit, stored_roots
from sbir_cli.gallery.flat import Embedded, Matrix
from sbir_cli.gallery.index import is_index
from sbir_cli.gallery.journal import Journal
from sbir_cli.gallery.manifest import Manifest, PhotoRow, database_path
from sbir_cli.gallery.previous import PreviousGallery, shipped_background, stored_manifest
from sbir_cli.storage import resources
from sbir_cli.storage.locks import locked


class AnyJournal(Protocol):
    """Photos embedded since the gallery was last written, kept whatever ends the run."""

    def known(self) -> dict[bytes, PhotoRow]:
        """Rows by path of all photos it holds."""

    def add(self, rows: Sequence[PhotoRow], embeddings: Sequence[Embeddings | None]) -> None:
        """Store one batch; a skipped photo has no embedding."""

    def clear(self) -> None:
        """Forget everything."""

    def close(self) -> None:
        """Close it and keep what it holds."""

    def delete(self) -> None:
        """Remove what the gallery now holds; it must be closed."""


@dataclass(frozen=True)
class NewVersion:
    """A gallery as a run wants it."""

    good: list[PhotoRow]
    """Photos in the order of their paths, at least one."""
    bad: list[PhotoRow]
    """What was skipped."""
    changed: set[bytes]
    """Paths whose embeddings the run's journal holds; the others' are in the gallery as it was."""
    before: PreviousGallery
    encoder: PhotoEncoder
    storage: IndexConfig
    root: Path
    portable: bool


class Home(Protocol):
    """A place for one gallery: its two files, or a collection of a server."""

    @property
    def name(self) -> object:
        """What messages call it."""

    def require_target(self) -> None:
        """Refuse to write over what is no gallery."""

    def stored_manifest(self, rebuild: bool = False) -> Manifest | None:
        """The manifest of the gallery there, if there is one; see `previous.stored_manifest`."""

    def writing(self, encoder: PhotoEncoder, rebuild: bool) -> AbstractContextManager[None]:
        """For as long as it is open no other run writes here, and failures are sentences.

        Raises:
            GalleryError: another run is at work, or it cannot be written.
        """

    def previous(self, encoder: PhotoEncoder) -> PreviousGallery:
        """The gallery there, if there is one; see `PreviousGallery.read`."""

    def journal(self, owner: str) -> AnyJournal:
        """What a run that was interrupted left behind, if it had the same owner."""

    def roots(self, root: Path, portable: bool) -> tuple[str, str | None]:
        """A root as the manifest holds it: `root` and `root_absolute`."""

    def write(self, new: NewVersion, journal: AnyJournal) -> Manifest:
        """Make it the gallery, at once: a kill leaves the old one or this."""


class FileHome:
    """`idx.faiss`, and its database, journal and lock beside it."""

    def __init__(self, index: Path) -> None:
        self.index = self.name = index

    def require_target(self) -> None:
        """Refuse to write over what is no index.

        Raises:
            GalleryError: the target is a folder, or a file of another kind.
        """
        index = self.index
        if index.is_dir() or not index.name:
            raise GalleryError("is a folder", where=index, remedy="name the index file in it")
        if index.exists() and not database_path(index).exists() and not is_index(index):
            raise GalleryError(
                "exists and is no index", where=index, remedy="choose another name for -o"
            )

    def stored_manifest(self, rebuild: bool = False) -> Manifest | None:
        """See `Home`."""
        return stored_manifest(self.index, rebuild)

    @contextmanager
    def writing(self, encoder: PhotoEncoder, rebuild: bool) -> Iterator[None]:
        """See `Home`."""
        index = self.index
        try:
            index.absolute().parent.mkdir(parents=True, exist_ok=True)
            with locked(index.with_name(index.name + ".lock")):
                yield
        except Timeout as error:
            raise GalleryError(
                "another run is at work on this gallery", where=index, remedy="wait for it to end"
            ) from error
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or str(error).splitlines()[-1]
            raise GalleryError(
                f"cannot be written ({reason.lower()})",
                where=index,
                remedy="the old gallery is untouched; make room or choose another -o, and run "
                "again",
            ) from error

    def previous(self, encoder: PhotoEncoder) -> PreviousGallery:
        """See `Home`."""
        return PreviousGallery.read(self.index, encoder)

    def journal(self, owner: str) -> Journal:
        """See `Home`."""
        return Journal(self.index, owner)

    def roots(self, root: Path, portable: bool) -> tuple[str, str | None]:
        """See `Home`."""
        return stored_roots(self.index, root, portable)

    def write(self, new: NewVersion, journal: AnyJournal) -> Manifest:
        """See `Home`."""
        assert isinstance(journal, Journal)
        return commit(
            self.index,
            _embeddings(new, journal),
            new.good,
            new.bad,
            new.encoder,
            new.storage,
            new.root,
            new.portable,
            new.before.manifest.imported_from if new.before.manifest else None,
            _grown(_background(new, resources.is_bundled(self.index)), new, journal),
        )


def _background(new: NewVersion, rebuilds_shipped: bool) -> Background | None:
    """The encoder's, where it is known or takes little beside the photos; else that of before."""
    if not hasattr(new.encoder, "encode_sketches"):
        return new.before.background
    encoder = cast("SketchEncoder", new.encoder)
    for known in (new.before.background, None if rebuilds_shipped else shipped_background()):
        if known is not None and known.maker == maker_of(encoder):
            return known
    return embedded(encoder) if len(new.changed) >= WORTH_IT else new.before.background


def _grown(known: Background | None, new: NewVersion, journal: Journal) -> Background | None:
    """With the best scores, where photos only came to those that they were measured on."""
    came = [row.path for row in new.good if row.path in new.changed]
    stay, before = len(new.good) - len(came), new.before.manifest
    if known is None or known is not new.before.background or not before or stay < before.photos:
        return known and replace(known, best=())
    return known.beside(np.stack(list(journal.embeddings(came)))) if came else known


def _embeddings(new: NewVersion, journal: Journal) -> Embedded:
    """The changed photos' from the journal, the others' from the index as it was."""
    paths, changed, before = [row.path for row in new.good], new.changed, new.before
    known = (-1 if path in changed else before.ids[path] for path in paths)
    ids = np.fromiter(known, dtype=np.int64, count=len(paths))

    def part(start: int, end: int) -> Matrix:
        stays = ids[start:end] >= 0
        kept = ids[start:end][stays]
        old = before.embeddings(kept) if before.embeddings and len(kept) else None
        if old is not None and len(old) == end - start:
            return old
        matrix = np.empty((end - start, new.encoder.dimension), dtype=np.float32)
        if old is not None:
            matrix[stays] = old
        fresh = np.flatnonzero(~stays)
        vectors = journal.embeddings(paths[start + i] for i in fresh)
        for i, vector in zip(fresh, vectors, strict=True):
            matrix[i] = vector
        return matrix

    return Embedded((len(paths), new.encoder.dimension), part)
