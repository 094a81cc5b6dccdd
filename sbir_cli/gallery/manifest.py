"""`idx.faiss.db`: what an index holds, who embedded it, and one row per photo."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from sbir_cli.errors import GalleryError
from sbir_cli.gallery.background import Background
from sbir_cli.storage.collector import uncollected

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
CREATE TABLE background (       -- drawings of nothing (`Background`), one row or none
    maker TEXT PRIMARY KEY,
    embeddings BLOB NOT NULL,   -- float32, a drawing behind the other
    best BLOB NOT NULL          -- float64, the best score of each
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
    """Hash of the weights, prompts and preprocessing that photos are embedded by: what makes
    embeddings comparable (`photo_fingerprint` of the encoder)."""
    dimension: int
    index_type: str
    """flat, hnsw, ivf or ivf-rabitq."""
    index_choice: str
    """What was asked for: auto, or one of these."""
    recall_at_10: float | None
    """Measured against exact search; 1.0 for a flat index, None where it was not measured."""
    photos: int
    skipped: int
    root: str
    """Folder the paths are relative to, itself relative to the index's folder."""
    root_absolute: str | None
    """Where that folder was, for an index that is moved without its photos."""
    index_bytes: int
    index_digest: str
    """Ties the two files together (`file_digest`)."""
    imported_from: str | None = None
    """The file of another program that embeddings came from: they may differ a little from those
    that this one makes. None: all were made here."""
    recall_queries: str | None = None
    """The questions by which the recall was measured; None where it was not."""
    index_reason: str | None = None
    """Why the index is of its type."""
    index_sample: str | None = None
    """`sample` of the index: where that still holds, and the index is no newer than its database,
    the digest is not taken again."""


class PhotoRow(NamedTuple):
    """One photo: `path` relative to the root; `reason` says why it was skipped, None if not.

    A tuple, since there are as many as photos: it is made and compared in a third of the time of
    a frozen dataclass.
    """

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


def write_database(
    path: Path, manifest: Manifest, rows: Iterable[PhotoRow], background: Background | None = None
) -> None:
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
        if background is not None:
            embeddings, best = (
                np.asarray(values, dtype=kind).tobytes()
                for values, kind in ((background.embeddings, "<f4"), (background.best, "<f8"))
            )
            database.execute(
                "INSERT INTO background VALUES (?, ?, ?)", (background.maker, embeddings, best)
            )
        database.commit()


class Database:
    """`idx.faiss.db`, opened for reading.

    It stays the version that was opened when an update renames a new one into place.

    Raises:
        GalleryError: it is missing or damaged, here or in any method.
    """

    def __init__(self, index: Path) -> None:
        self.index, self.path = index, database_path(index)
        if not self.path.is_file():
            raise GalleryError(
                f"{self.path.name}, which belongs to it, is missing",
                where=index,
                remedy=remake(index),
            )
        with reading(self.path):  # SQLite would only say that it cannot open it
            self.path.open("rb").close()
        # immutable: the file is only ever replaced as a whole, and its folder may be read-only
        uri = f"file:{quote(os.fsencode(self.path.absolute()))}?mode=ro&immutable=1"
        self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _select(self, query: str, *values: int | bytes) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, why: str) -> GalleryError:
        return GalleryError(
            f"not a gallery's database, or damaged ({why})",
            where=self.path,
            remedy=remake(self.index),
        )

    def manifest(self) -> Manifest:
        """The manifest, every value of its type; also refused when of another format version."""
        try:
            rows = self._select("SELECT key, value FROM manifest")
            values = {str(key): json.loads(value) for key, value in rows}
        except (ValueError, TypeError) as error:
            raise self._damaged(str(error)) from error
        return manifest_of(values, self.index, self._damaged)

    @uncollected()
    def rows(self) -> dict[int, PhotoRow]:
        """All photo rows by id."""
        columns = "id, path, size, mtime_ns, reason"
        return dict(map(self._row, self._select(f"SELECT {columns} FROM photo ORDER BY id")))

    def row(self, photo: int) -> PhotoRow:
        """The row of one photo by its id."""
        query = "SELECT id, path, size, mtime_ns, reason FROM photo WHERE id = ?"
        rows = self._select(query, photo)
        if not rows:
            raise self._damaged(f"no photo {photo}")
        return self._row(rows[0])[1]

    def searchable_paths(self) -> list[tuple[int, str]]:
        """Id and path, relative to the root, of every photo that the index holds."""
        rows = self._select("SELECT id, path FROM photo WHERE status = 'ok' ORDER BY id")
        return [(photo, os.fsdecode(path)) for photo, path in rows]

    def find(self, path: bytes) -> int | None:
        """The id of a photo that the index holds, by its path relative to the root."""
        query = "SELECT id FROM photo WHERE path = ? AND status = 'ok'"
        rows = self._select(query, path)
        return rows[0][0] if rows else None

    def sample(self, photos: int, count: int = 5) -> list[bytes]:
        """Paths of a few photos spread over the gallery's so many."""
        return [self.row(i * (photos - 1) // max(count - 1, 1)).path for i in range(count)]

    def background(self) -> Background | None:
        """The drawings of nothing, measured; None in a gallery that was built without them."""
        if not self._select("SELECT 1 FROM sqlite_master WHERE name = 'background'"):
            return None
        for maker, embeddings, best in self._select("SELECT * FROM background"):
            try:
                vectors = np.frombuffer(embeddings, dtype="<f4").astype(np.float32)
                vectors = vectors.reshape(-1, self.manifest().dimension)
                scores = np.frombuffer(best, dtype="<f8")
            except (ValueError, TypeError) as error:
                raise self._damaged("its background is not whole") from error
            if not (np.isfinite(vectors).all() and np.isfinite(scores).all()):
                raise self._damaged("its background is not finite")
            return Background(str(maker), vectors, tuple(scores.tolist()))
        return None

    def _row(self, values: tuple[Any, ...]) -> tuple[int, PhotoRow]:
        photo, path, size, mtime, reason = values
        if not isinstance(path, bytes) or leads_out(path):
            raise self._damaged(f"the path of photo {photo} leads out of its root")
        return photo, PhotoRow(path, size, mtime, reason)


def manifest_of(
    values: Mapping[str, Any], place: object, damaged: Callable[[str], GalleryError]
) -> Manifest:
    """The manifest that was read from a gallery, every value of its type.

    Raises:
        GalleryError: it is of another format version, or, by `damaged`, not complete.
    """
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise GalleryError(
            f"the gallery has format version {version}, this sbir reads {FORMAT_VERSION}",
            where=place,
            remedy=f"use the sbir that wrote it, or {remake(place)}",
        )
    for field in dataclasses.fields(Manifest):
        if not isinstance(values.get(field.name), _TYPES[str(field.type)]):
            raise damaged(f"no proper `{field.name}` in its manifest")
    known = [field.name for field in dataclasses.fields(Manifest) if field.name in values]
    return Manifest(**{name: values[name] for name in known})


def leads_out(path: bytes) -> bool:
    """Whether a stored path leads out of its root: a stranger's gallery must not."""
    return path.startswith(b"/") or (b".." in path and b".." in path.split(b"/"))


_TYPES: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "str": str,
    "float": (int, float),
    "str | None": (str, type(None)),
    "float | None": (int, float, type(None)),
}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an OSError at a gallery's file into its sentence; an unreadable file is not damaged."""
    try:
        yield
    except OSError as error:
        raise GalleryError(
            (error.strerror or "cannot be read").lower(),
            where=path,
            remedy="make it readable, or run as its owner",
        ) from error


def remake(index: object) -> str:
    """The remedy for a damaged gallery."""
    return f"restore it, or remake it with `sbir embed-gallery PHOTOS -o {index} --rebuild`"
