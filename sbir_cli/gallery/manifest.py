"""`idx.faiss.db`: what an index holds, who embedded it, and one row per photo."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sbir_cli.errors import GalleryError

FORMAT_VERSION = 1
_DIGEST_BLOCKS, _DIGEST_BLOCK_BYTES = 64, 1 << 20

_SCHEMA = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE photo (
    id INTEGER PRIMARY KEY,     -- position in the index; skipped photos come behind the last
    path BLOB NOT NULL UNIQUE,  -- relative to the root, '/' between folders, as bytes
    size INTEGER NOT NULL,      -- bytes
    mtime_ns INTEGER NOT NULL,  -- modification time
    status TEXT NOT NULL CHECK (status IN ('ok', 'skipped')),
    reason TEXT                 -- why it was skipped
);
"""


@dataclass(frozen=True)
class Manifest:
    """Facts about one gallery; a key of the table `manifest` each, JSON values."""

    format_version: int
    sbir: str
    """Version that wrote it."""
    encoder: str
    """What finds the model again (`--model`)."""
    fingerprint: str
    """Hash of weights, prompts and preprocessing: what makes embeddings comparable."""
    dimension: int
    index_type: str
    """flat, hnsw or ivf."""
    index_choice: str
    """What was asked for: auto, or one of these."""
    recall_at_10: float
    """Measured against exact search; 1.0 for a flat index."""
    photos: int
    skipped: int
    root: str
    """Folder the paths are relative to, itself relative to the index's folder."""
    root_absolute: str | None
    """Where that folder was, for an index that is moved without its photos."""
    index_bytes: int
    index_digest: str
    """Ties the two files together (`file_digest`)."""


@dataclass(frozen=True)
class PhotoRow:
    """One photo: `path` relative to the root; `reason` says why it was skipped, None if not."""

    path: bytes
    size: int
    mtime_ns: int
    reason: str | None = None


def database_path(index: Path) -> Path:
    """The SQLite file that belongs to an index file."""
    return index.with_name(index.name + ".db")


def file_digest(path: Path) -> str:
    """SHA-256 of a file's size and of 64 blocks of 1 MiB spread evenly over it.

    Files up to 64 MiB are hashed whole; beyond, a query must not wait for gigabytes.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    step = max(size // _DIGEST_BLOCKS, _DIGEST_BLOCK_BYTES)
    with path.open("rb") as file:
        for start in range(0, size, step):
            file.seek(start)
            digest.update(file.read(_DIGEST_BLOCK_BYTES))
    return digest.hexdigest()


def write_database(path: Path, manifest: Manifest, rows: Iterable[PhotoRow]) -> None:
    """Write a new database at `path`, rows numbered in the order given, and flush it to disk."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        # a new file that is renamed into place needs no journal of its own
        database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=FULL;" + _SCHEMA)
        database.executemany(
            "INSERT INTO manifest VALUES (?, ?)",
            [(k, json.dumps(v)) for k, v in dataclasses.asdict(manifest).items()],
        )
        database.executemany(
            "INSERT INTO photo VALUES (?, ?, ?, ?, ?, ?)",
            (
                (i, r.path, r.size, r.mtime_ns, "skipped" if r.reason else "ok", r.reason)
                for i, r in enumerate(rows)
            ),
        )
        database.commit()


def read_manifest(index: Path) -> Manifest:
    """The manifest of the gallery at `index`.

    Raises:
        GalleryError: the database is missing, damaged, or of another format version.
    """
    path = database_path(index)
    remake = "restore it, or remake the gallery with `sbir embed-gallery`"
    if not path.is_file():
        raise GalleryError(
            f"{path.name}, which belongs to it, is missing", where=index, remedy=remake
        )
    try:
        with closing(_open_readonly(path)) as database:
            found = dict(database.execute("SELECT key, value FROM manifest").fetchall())
            values = {key: json.loads(value) for key, value in found.items()}
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise GalleryError(
            f"not a gallery's database, or damaged ({error})", where=path, remedy=remake
        ) from error
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise GalleryError(
            f"the gallery has format version {version}, this sbir reads {FORMAT_VERSION}",
            where=index,
            remedy="use the sbir that wrote it, or remake it with `sbir embed-gallery`",
        )
    fields = {field.name for field in dataclasses.fields(Manifest)}
    if not fields <= values.keys():
        missing = ", ".join(sorted(fields - values.keys()))
        raise GalleryError(f"the manifest lacks {missing}", where=path, remedy=remake)
    return Manifest(**{name: values[name] for name in fields})


def read_rows(index: Path, ids: Iterable[int] | None = None) -> dict[int, PhotoRow]:
    """Photo rows by id: all of them, or those in `ids`."""
    columns = "SELECT id, path, size, mtime_ns, reason FROM photo"
    with closing(_open_readonly(database_path(index))) as database:
        if ids is None:
            found = database.execute(f"{columns} ORDER BY id").fetchall()
        else:
            found = [
                row
                for i in ids
                for row in database.execute(f"{columns} WHERE id = ?", (i,)).fetchall()
            ]
    return {i: PhotoRow(bytes(path), size, mtime, why) for i, path, size, mtime, why in found}


def _open_readonly(path: Path) -> sqlite3.Connection:
    from urllib.parse import quote

    # immutable: the file is only ever replaced as a whole, and its folder may be read-only
    return sqlite3.connect(f"file:{quote(os.fsencode(path.absolute()))}?immutable=1", uri=True)
