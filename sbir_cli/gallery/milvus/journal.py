"""What an update has sent already, kept in the collection itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from sbir_cli.embedding import Embeddings
from sbir_cli.gallery.manifest import PhotoRow
from sbir_cli.gallery.milvus.collection import FOREVER, HIDDEN, Collection, StoredRow
from sbir_cli.gallery.milvus.lease import Lease


class CollectionJournal:
    """Rows of the version to be; see `AnyJournal`."""

    def __init__(
        self,
        collection: Collection,
        lease: Lease,
        version: int,
        pending: list[StoredRow],
        first: int,
    ) -> None:
        self.rows = {row.photo.path: row for row in pending}
        self._collection, self._lease = collection, lease
        self._version, self._next = version, first

    def known(self) -> dict[bytes, PhotoRow]:
        """See `AnyJournal`."""
        return {path: row.photo for path, row in self.rows.items()}

    def add(self, rows: Sequence[PhotoRow], embeddings: Sequence[Embeddings | None]) -> None:
        """See `AnyJournal`."""
        self._lease.renew()
        stored = [self._stored(row) for row in rows]
        (length,) = {len(e) for e in embeddings if e is not None} or {self._dimension}
        blank = np.zeros(length, dtype=np.float32)
        self._collection.put(stored, [blank if e is None else e for e in embeddings])
        self.rows.update({row.photo.path: row for row in stored})

    @cached_property
    def _dimension(self) -> int:
        return int(self._collection.notes()["vector"])

    def _stored(self, row: PhotoRow) -> StoredRow:
        known = self.rows.get(row.path)
        if known is None:
            self._next += 1
        number = known.id if known else self._next - 1
        return StoredRow(number, row, self._version, HIDDEN if row.reason else FOREVER)

    def clear(self) -> None:
        """See `AnyJournal`."""
        self._collection.remove(row.id for row in self.rows.values())
        self.rows.clear()

    def close(self) -> None:
        """See `AnyJournal`: nothing is open."""

    def delete(self) -> None:
        """See `AnyJournal`: its rows are the gallery's now."""
