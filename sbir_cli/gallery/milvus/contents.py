"""What a gallery in Milvus holds: `Contents`, by a server's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sbir_cli.embedding import Embeddings
from sbir_cli.errors import UsageError
from sbir_cli.gallery.flat import Ids
from sbir_cli.gallery.manifest import PhotoRow
from sbir_cli.gallery.milvus.address import MilvusAddress
from sbir_cli.gallery.milvus.collection import HIDDEN, MOST, Collection, among, answering, visible
from sbir_cli.gallery.milvus.kinds import to_search
from sbir_cli.gallery.milvus.names import to_text
from sbir_cli.gallery.milvus.patterns import matches, quoted
from sbir_cli.gallery.milvus.versions import (
    Notes,
    begun,
    client_for_reading,
    committed,
    manifest_from,
    no_gallery,
    unfinished,
)
from sbir_cli.imaging.remote import root_path

_COLUMNS = ["id", "path", "size", "mtime_ns", "reason", "version", "until"]
_KEPT = 100_000  # rows that came with answers and may be asked for by id
_FEW = 5


@dataclass(frozen=True)
class Matching:
    """The photos for which an expression is true."""

    where: str
    count: int

    def __len__(self) -> int:
        return self.count


class CollectionContents:
    """One version of a gallery in Milvus; see `Contents`."""

    most = MOST

    def __init__(self, collection: Collection, notes: Notes) -> None:
        self.manifest = manifest_from(collection, notes)
        self._collection, self._last = collection, int(notes["last_id"])
        self._version = int(notes["version"])
        self._visible = visible(self._version)
        self._rows: dict[int, PhotoRow] = {}
        collection.load()

    @classmethod
    def open(cls, address: MilvusAddress) -> CollectionContents:
        """The gallery of that address.

        Raises:
            GalleryError: the server does not answer, or there is no gallery, or it is not whole.
        """
        client = client_for_reading(address)
        collection = committed(client, address)
        if collection is None:
            raise unfinished(address) if begun(client, address) else no_gallery(address)
        return cls(collection, collection.notes())

    def search(
        self, embeddings: Embeddings, count: int, among: Matching | None
    ) -> tuple[npt.NDArray[np.float32], Ids]:
        """See `Contents`."""
        if len(self._rows) > _KEPT:
            self._rows.clear()
        collection = self._collection
        with answering(collection.address):
            answers = collection.client.search(
                collection.name,
                data=[vector.tolist() for vector in embeddings],
                limit=count,
                filter=self._visible if among is None else among.where,
                output_fields=_COLUMNS,
                search_params={
                    "metric_type": "IP",
                    "params": to_search(self.manifest.index_type, count),
                },
            )
        scores = np.full((len(embeddings), count), np.finfo(np.float32).min, dtype=np.float32)
        ids = np.full((len(embeddings), count), -1, dtype=np.int64)
        for place, found in enumerate(answers):
            for rank, hit in enumerate(found):
                scores[place, rank], ids[place, rank] = hit["distance"], hit["id"]
                self._keep(hit["entity"])
        return scores, ids

    def _keep(self, values: Any) -> tuple[int, PhotoRow]:
        row = self._collection.row_of(values)
        self._rows[row.id] = row.photo
        return row.id, row.photo

    def order(self, photo: int) -> bytes:
        """See `Contents`."""
        return self.row(photo).path

    def matching(self, pattern: str) -> Matching:
        """See `Contents`."""
        where = f"{self._visible} and {matches(pattern)}"
        return Matching(where, self._collection.count(where))

    def stored(self, ids: Ids) -> Embeddings:
        """See `Contents`."""
        wanted = ids.tolist()
        found = dict(self._collection.embeddings(among(wanted)))
        return np.stack([found[photo] for photo in wanted])

    def evenly(self, count: int) -> Ids:
        """See `Contents`; photos that left between two others are passed over."""
        count = min(count, MOST)
        found: list[Any] = []
        if count < self.manifest.photos:
            ids = np.unique(np.linspace(0, self._last, count, dtype=np.int64))
            found = self._collection.query(f"{self._visible} and {among(ids.tolist())}", ["id"])
        if len(found) < count // 2:  # all are wanted, or most of the numbers are free
            found = self._collection.query(self._visible, ["id"], count)
        return np.array(sorted(row["id"] for row in found), dtype=np.int64)

    def embeddings(self) -> Embeddings:
        """See `Contents`."""
        found = sorted(self._collection.embeddings(self._visible), key=lambda pair: pair[0])
        return np.stack([vector for _, vector in found])

    def rows(self) -> dict[int, PhotoRow]:
        """See `Contents`."""
        photos = sorted((r.id, r.photo) for r in self._collection.rows(self._visible))
        hidden = self._collection.rows(f"until == {HIDDEN} and version <= {self._version}")
        skipped = sorted(((r.id, r.photo) for r in hidden), key=lambda pair: pair[1].path)
        return dict([*photos, *skipped])

    def row(self, photo: int) -> PhotoRow:
        """See `Contents`."""
        if photo not in self._rows:
            found = self._collection.query(f"{self._visible} and id == {photo}", _COLUMNS)
            if not found:
                raise UsageError(f"the gallery has no photo {photo}; `sbir index list` names them")
            self._keep(found[0])
        return self._rows[photo]

    def find(self, path: bytes) -> int | None:
        """See `Contents`."""
        where = f"{self._visible} and path == {quoted(to_text(path))}"
        found = self._collection.query(where, ["id"])
        return int(found[0]["id"]) if found else None

    def background(self) -> None:
        """See `Contents`: a server holds photos alone, so it is measured when it is asked."""

    def sample(self) -> list[bytes]:
        """See `Contents`."""
        found = self._collection.query(self._visible, _COLUMNS, _FEW)
        return [self._keep(values)[1].path for values in found]

    def roots(self) -> Sequence[Path]:
        """See `Contents`."""
        return [root_path(self.manifest.root_absolute or self.manifest.root).absolute()]

    def close(self) -> None:
        """See `Contents`: connections are the client library's, and shared."""


def newest_version(address: MilvusAddress) -> str | None:
    """What differs whenever a gallery that is open was updated; None where there is none.

    Raises:
        GalleryError: the server does not answer.
    """
    collection = committed(client_for_reading(address), address)
    return None if collection is None else str(collection.notes().get("index_digest"))
