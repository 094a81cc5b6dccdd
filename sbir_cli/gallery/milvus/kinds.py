"""Milvus's indexes under sbir's names."""

from __future__ import annotations

from sbir_cli.config import IndexConfig
from sbir_cli.errors import UsageError

_KINDS = {"flat": "FLAT", "hnsw": "HNSW", "ivf": "IVF_FLAT"}


def kind_for(photos: int, config: IndexConfig) -> str:
    """`flat`, `hnsw` or `ivf`.

    Raises:
        UsageError: it is one that Milvus has not.
    """
    wanted = config.type or "auto"
    if wanted == "auto":
        return "flat" if photos <= config.exact_limit else "hnsw"
    if wanted not in _KINDS:
        raise UsageError(
            f"--index-type {wanted} is for index files; a gallery in Milvus can be auto, "
            f"{', '.join(_KINDS)}"
        )
    return wanted


def to_build(kind: str, photos: int) -> tuple[str, dict[str, int]]:
    """Milvus's name and its parameters of building."""
    if kind == "hnsw":
        return _KINDS[kind], {"M": 32, "efConstruction": 200}
    if kind == "ivf":
        return _KINDS[kind], {"nlist": max(min(round(4 * photos**0.5), photos // 39, 65_536), 1)}
    return _KINDS[kind], {}


def to_search(kind: str, count: int) -> dict[str, int]:
    """Parameters of a search for so many photos."""
    if kind == "hnsw":
        return {"ef": max(256, count)}
    return {"nprobe": 128} if kind == "ivf" else {}
