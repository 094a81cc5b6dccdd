"""Index and database put in place together, so that a kill leaves the old gallery or the new."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sbir_cli import __version__
from sbir_cli.config import IndexConfig
from sbir_cli.encoder import PhotoEncoder
from sbir_cli.gallery.background import Background, Measured
from sbir_cli.gallery.files import pending_index
from sbir_cli.gallery.flat import Embedded, write_flat
from sbir_cli.gallery.index import build_index, flat_by_size
from sbir_cli.gallery.manifest import (
    FORMAT_VERSION,
    Manifest,
    PhotoRow,
    database_path,
    file_digest,
    write_database,
)
from sbir_cli.gallery.tuning import QUERIES
from sbir_cli.imaging.remote import is_remote
from sbir_cli.storage.glance import sample


def commit(
    index: Path,
    embeddings: Embedded,
    good: list[PhotoRow],
    bad: list[PhotoRow],
    encoder: PhotoEncoder,
    storage: IndexConfig,
    root: Path,
    portable: bool,
    imported_from: str | None = None,
    background: Background | None = None,
) -> Manifest:
    """Write both files beside the old ones and rename them into place.

    Args:
        embeddings: (N, D), in the order of `good`.
        good, bad: rows of the photos that were embedded and of those that were skipped.
        imported_from: see `Manifest`.
        background: held by the gallery; its best scores are measured where it has none.

    Raises:
        OSError, sqlite3.Error: a file cannot be written; the old gallery is as it was.
    """
    pending = pending_index(index)
    database = database_path(index)
    pending_database = database.with_name(database.name + ".new")
    relative, absolute = stored_roots(index, root, portable)
    measured = Measured(background, embeddings) if background and not background.best else None
    embeddings = embeddings if measured is None else measured.embeddings
    try:
        built = flat_by_size(embeddings.shape[0], storage)
        if built is not None:
            write_flat(pending, embeddings)
        else:
            built = build_index(embeddings.whole(), storage)
            _write_index(built.index, pending)
        manifest = Manifest(
            format_version=FORMAT_VERSION,
            sbir=__version__,
            encoder=encoder.name,
            fingerprint=encoder.photo_fingerprint,
            dimension=embeddings.shape[1],
            index_type=built.type,
            index_choice=storage.type or "auto",
            recall_at_10=built.recall_at_10,
            recall_queries=None if built.type == "flat" else QUERIES,
            index_reason=built.reason,
            photos=len(good),
            skipped=len(bad),
            root=relative,
            root_absolute=absolute,
            index_bytes=pending.stat().st_size,
            index_digest=file_digest(pending),
            index_sample=sample(pending),
            imported_from=imported_from,
        )
        known = background if measured is None else measured.background()
        write_database(pending_database, manifest, [*good, *bad], known)
        _flush(pending_database)
    except BaseException:
        pending_database.unlink(missing_ok=True)
        pending.unlink(missing_ok=True)
        raise
    pending_database.replace(database)  # the commit: from here on the new gallery is read
    pending.replace(index)
    _flush(index.absolute().parent)
    return manifest


def stored_roots(index: Path, root: Path, portable: bool) -> tuple[str, str | None]:
    """A root as the manifest holds it: relative to the index's folder, and as it is here; an
    address is the same everywhere."""
    if is_remote(root):
        return str(root), str(root)
    relative = os.path.relpath(root, index.absolute().parent).replace(os.sep, "/")
    return relative, None if portable else str(root)


def _write_index(index: Any, path: Path) -> None:
    """Through a Python file: FAISS's own writer lets a failing close pass."""
    import faiss

    failure: list[OSError] = []

    with path.open("wb") as file:

        def write(data: bytes) -> int:
            try:
                return file.write(data)
            except OSError as error:  # FAISS would drop the exception
                failure.append(error)
                return 0

        try:
            python_faiss: Any = faiss  # its type stubs lack the callbacks
            faiss.write_index(index, python_faiss.PyCallbackIOWriter(write))
        except RuntimeError as error:
            raise (failure[0] if failure else OSError(f"FAISS: {error}")) from error
        file.flush()
        os.fsync(file.fileno())


def _flush(path: Path) -> None:
    """fsync a file or, where the system can, a folder."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folder
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
