"""Where galleries are: an index file, or a collection on a Milvus server."""

from __future__ import annotations

from pathlib import Path

from sbir_cli.gallery.milvus.address import SCHEMES, MilvusAddress

Place = Path | MilvusAddress


def place_of(name: str | Path | MilvusAddress) -> Place:
    """An index file's path, or what `milvus://HOST:PORT/COLLECTION` names.

    Raises:
        UsageError: it begins like a Milvus address and is none.
    """
    if isinstance(name, str) and name.startswith(SCHEMES):
        return MilvusAddress.parse(name)
    return name if isinstance(name, MilvusAddress) else Path(name)
