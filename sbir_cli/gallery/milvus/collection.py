"""One Milvus collection: its schema, and the few calls that a gallery makes of it.

A row is a photo, or a file that was skipped (with a reason and no place in a search). `version`
says since which version of the gallery it counts, `until` up to which: an update adds rows of the
version to be, marks those that leave, and then makes the new version the one that is read, by one
change of the collection's properties.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from sbir_cli.errors import GalleryError, SbirError
from sbir_cli.gallery.manifest import PhotoRow, leads_out, remake
from sbir_cli.gallery.milvus.address import MilvusAddress
from sbir_cli.gallery.milvus.names import to_bytes, to_text

FOREVER = 1 << 62
HIDDEN = 0
"""`until` of a skipped file's row, which no search may find."""
MOST = 16_384
"""Rows that a server gives for one question."""
_SECONDS = 20.0  # until a server that does not answer is given up
_AT_A_TIME = 500  # rows written, or ids named, in one message
_PREFIX = "sbir."
_COLUMNS = ["id", "path", "size", "mtime_ns", "reason", "version", "until"]


@dataclass(frozen=True)
class StoredRow:
    """A photo's row as the collection holds it."""

    id: int
    photo: PhotoRow
    version: int
    until: int


def connect(address: MilvusAddress) -> Any:
    """A client of the server, or of Milvus Lite in this process.

    Raises:
        SbirError: pymilvus is not installed.
        GalleryError: the server does not answer or lets nobody in.
    """
    try:
        from pymilvus import MilvusClient

        if address.lite is not None:
            import milvus_lite  # noqa: F401
    except ImportError as error:
        raise SbirError(
            f"a gallery in Milvus needs an extra ({error.name} is missing)",
            where=address,
            remedy="pip install 'sbir[milvus]'",
        ) from error
    # what fails is told once, in one sentence; and Milvus Lite, in this process, logs that it has
    # not all of a server's calls
    lite = () if address.lite is None else ("milvus_lite", "grpc._server")
    for name in ("pymilvus", *lite):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with answering(address):
        return MilvusClient(uri=address.uri, token=address.token, timeout=_SECONDS)


@contextmanager
def answering(address: MilvusAddress) -> Iterator[None]:
    """Turn what a client raises into a sentence."""
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except MilvusException as error:
        reason = " ".join(str(error.message or error).split())[:200]
        remedy = "check address, name and password, and that the server runs; then run this again"
        if address.lite is not None:
            remedy = "one process at a time can use a Milvus Lite file; wait for it to end"
        raise GalleryError(
            f"Milvus does not answer as it should ({reason})", where=address, remedy=remedy
        ) from error


class Collection:
    """A collection by its own name (not an alias of it)."""

    def __init__(self, client: Any, address: MilvusAddress, name: str) -> None:
        self.client, self.address, self.name = client, address, name

    @classmethod
    def create(
        cls,
        client: Any,
        address: MilvusAddress,
        name: str,
        dimension: int,
        notes: Mapping[str, Any],
    ) -> Collection:
        """A new, empty one.

        Args:
            notes: see `note`.
        """
        from pymilvus import DataType

        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        for text in ("path", "reason"):
            schema.add_field(text, DataType.VARCHAR, max_length=65_535)
        for number in ("size", "mtime_ns", "version", "until"):
            schema.add_field(number, DataType.INT64)
        schema.add_field("embedding", DataType.FLOAT_VECTOR, dim=dimension)
        with answering(address):
            client.create_collection(
                name,
                schema=schema,
                index_params=_index(client, "FLAT", {}),
                properties=_as_properties(notes),
                consistency_level="Strong",  # a run reads what it has just written
            )
        return cls(client, address, name)

    def notes(self) -> dict[str, Any]:
        """What `note` wrote, and `dimension`; empty for a collection that sbir did not make.

        Raises:
            GalleryError: a value is damaged.
        """
        with answering(self.address):
            facts = self.client.describe_collection(self.name)
        try:
            notes = {
                key.removeprefix(_PREFIX): json.loads(value)
                for key, value in facts["properties"].items()
                if key.startswith(_PREFIX)
            }
        except (ValueError, TypeError) as error:
            raise self.damaged(str(error)) from error
        (vector,) = (f for f in facts["fields"] if f["name"] == "embedding") if notes else ({},)
        return {**notes, "vector": vector["params"]["dim"]} if notes else {}

    def note(self, notes: Mapping[str, Any]) -> None:
        """Write values as the collection's properties, all at once."""
        with answering(self.address):
            self.client.alter_collection_properties(self.name, _as_properties(notes))

    def damaged(self, why: str) -> GalleryError:
        """The error for what sbir did not write like this."""
        return GalleryError(
            f"not a gallery, or damaged ({why})", where=self.address, remedy=remake(self.address)
        )

    def load(self) -> None:
        """Have the server bring it into memory, if it is not there."""
        with answering(self.address):
            self.client.load_collection(self.name)

    def build(self, kind: str, params: Mapping[str, int]) -> None:
        """Write everything to disk, index it so, and load it."""
        with answering(self.address):
            self.client.flush(self.name)
            (index,) = self.client.list_indexes(self.name, field_name="embedding")
            if self.client.describe_index(self.name, index)["index_type"] != kind:
                self.client.release_collection(self.name)
                self.client.drop_index(self.name, index)
                self.client.create_index(self.name, _index(self.client, kind, params))
        self.load()

    def rows(self, where: str = "id >= 0") -> Iterator[StoredRow]:
        """All rows for which an expression is true, in no order."""
        for page in self._pages(where, _COLUMNS):
            yield from map(self.row_of, page)

    def row_of(self, values: Mapping[str, Any]) -> StoredRow:
        """A row of its columns."""
        path = to_bytes(values["path"])
        if leads_out(path):
            raise self.damaged(f"the path of photo {values['id']} leads out of its root")
        photo = PhotoRow(path, values["size"], values["mtime_ns"], values["reason"] or None)
        return StoredRow(values["id"], photo, values["version"], values["until"])

    def embeddings(self, where: str) -> Iterator[tuple[int, Any]]:
        """Id and (D,) embedding of all rows for which an expression is true, in no order."""
        for page in self._pages(where, ["id", "embedding"]):
            for values in page:
                yield values["id"], np.asarray(values["embedding"], dtype=np.float32)

    def _pages(self, where: str, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
        with answering(self.address):
            pages = self.client.query_iterator(
                self.name, batch_size=1000, filter=where, output_fields=columns
            )
            try:
                while page := pages.next():
                    yield page
            finally:
                pages.close()

    def query(self, where: str, columns: list[str], limit: int | None = None) -> list[Any]:
        """At most `MOST` rows for which an expression is true."""
        with answering(self.address):
            found = self.client.query(
                self.name, filter=where, output_fields=columns, limit=limit or MOST
            )
        return list(found)

    def count(self, where: str) -> int:
        """Rows for which an expression is true."""
        with answering(self.address):
            found = self.client.query(self.name, filter=where, output_fields=["count(*)"])
        return int(found[0]["count(*)"])

    def put(self, rows: Sequence[StoredRow], embeddings: Sequence[Any]) -> None:
        """Write rows with their (D,) embeddings in place of those of the same ids."""
        values = [
            {
                "id": row.id,
                "path": to_text(row.photo.path),
                "reason": (row.photo.reason or "").encode("utf-8", "replace").decode(),
                "size": row.photo.size,
                "mtime_ns": row.photo.mtime_ns,
                "version": row.version,
                "until": row.until,
                "embedding": vector,
            }
            for row, vector in zip(rows, embeddings, strict=True)
        ]
        for part in _parts(values):
            with answering(self.address):
                self.client.upsert(self.name, part)

    def end(self, rows: Iterable[StoredRow], until: int) -> None:
        """Change up to which version some rows count."""
        for part in _parts(list(rows)):
            vectors = dict(self.embeddings(among([row.id for row in part])))
            self.put(
                [StoredRow(row.id, row.photo, row.version, until) for row in part],
                [vectors[row.id] for row in part],
            )

    def remove(self, ids: Iterable[int]) -> None:
        """Delete rows."""
        for part in _parts(list(ids)):
            with answering(self.address):
                self.client.delete(self.name, filter=among(part))


def visible(version: int) -> str:
    """The expression that is true for the photos of one version."""
    return f"version <= {version} and until > {version}"


def among(ids: Iterable[int]) -> str:
    """The expression that is true for some ids."""
    return f"id in [{', '.join(map(str, ids))}]"


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[i : i + _AT_A_TIME] for i in range(0, len(values), _AT_A_TIME))


def _as_properties(notes: Mapping[str, Any]) -> dict[str, str]:
    return {f"{_PREFIX}{key}": json.dumps(value) for key, value in notes.items()}


def _index(client: Any, kind: str, params: Mapping[str, int]) -> Any:
    index = client.prepare_index_params()
    index.add_index("embedding", index_type=kind, metric_type="IP", params=dict(params))
    return index
