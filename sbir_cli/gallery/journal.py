"""`idx.faiss.journal`: embeddings as they come, so that an interrupted run can go on.

A SQLite file with one transaction per batch: whatever kills the run, the journal holds whole
batches. It is deleted when the gallery that contains them is in place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbir_cli.gallery.manifest import PhotoRow

Embedding = npt.NDArray[np.float32]

_SCHEMA = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS owner (name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS photo (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, reason TEXT, embedding BLOB
) WITHOUT ROWID;
"""


class Journal:
    """Photos embedded since the gallery was last written.

    Args:
        index: the gallery's index file; the journal lies beside it.
        owner: encoder and root; what a run with others left behind is dropped.

    Raises:
        sqlite3.Error: the file cannot be written (read-only folder, full disk).
    """

    def __init__(self, index: Path, owner: str) -> None:
        self.path = index.with_name(index.name + ".journal")
        try:
            self._database = self._open(owner)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self.delete()  # not a database: a leftover that holds nothing to go on from
            self._database = self._open(owner)

    def _open(self, owner: str) -> sqlite3.Connection:
        database = sqlite3.connect(self.path)
        try:
            database.executescript(_SCHEMA)
            if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("a damaged journal")
            if database.execute("SELECT name FROM owner").fetchall() != [(owner,)]:
                with database:
                    database.execute("DELETE FROM photo")
                    database.execute("DELETE FROM owner")
                    database.execute("INSERT INTO owner VALUES (?)", (owner,))
        except sqlite3.Error:
            database.close()
            raise
        return database

    def known(self) -> dict[bytes, PhotoRow]:
        """Rows by path of all photos it holds."""
        found = self._database.execute("SELECT path, size, mtime_ns, reason FROM photo")
        return {bytes(row[0]): PhotoRow(bytes(row[0]), *row[1:]) for row in found}

    def add(self, rows: Sequence[PhotoRow], embeddings: Sequence[Embedding | None]) -> None:
        """Store one batch in one transaction; a skipped photo has no embedding."""
        with self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO photo VALUES (?, ?, ?, ?, ?)",
                [
                    (r.path, r.size, r.mtime_ns, r.reason, None if e is None else e.tobytes())
                    for r, e in zip(rows, embeddings, strict=True)
                ],
            )

    def embeddings(self, paths: Iterable[bytes]) -> Iterable[Embedding]:
        """The stored (D,) embedding of each path, in the order given."""
        for path in paths:
            query = "SELECT embedding FROM photo WHERE path = ?"
            (blob,) = self._database.execute(query, (path,)).fetchone()
            yield np.frombuffer(blob, dtype=np.float32)

    def clear(self) -> None:
        """Forget everything."""
        with self._database:
            self._database.execute("DELETE FROM photo")

    def close(self) -> None:
        """Close the file and keep it."""
        self._database.close()

    def delete(self) -> None:
        """Remove the file and what SQLite puts beside it; the journal must be closed."""
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
