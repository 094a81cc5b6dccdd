"""The FAISS index: built to the size, measured, checked before it is read."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sbir_cli.config import IndexConfig
from sbir_cli.errors import GalleryError
from sbir_cli.gallery.manifest import Manifest, remake

Matrix = npt.NDArray[np.float32]

_HNSW_NEIGHBOURS = 32
_INNER_PRODUCT = 0  # faiss.METRIC_INNER_PRODUCT
_HEADER = struct.Struct("<4siqqqBi")  # fourcc, dimension, count, 2 unused, trained, metric


@dataclass(frozen=True)
class BuiltIndex:
    """A FAISS index over inner products, its type, and its recall@10 against exact search."""

    index: Any
    type: str
    recall_at_10: float


def build_index(embeddings: Matrix, config: IndexConfig) -> BuiltIndex:
    """An index of (N, D) unit-length embeddings, N at least 1; id = row.

    `hnsw` and `ivf` are tuned on a sample of their own photos until recall@10 against exact
    search reaches `target_recall`, or the widest search setting is reached.
    """
    import faiss

    kind: str = config.type or "auto"
    if kind == "auto":
        kind = "flat" if len(embeddings) <= config.exact_limit else "hnsw"
    exact = _flat(embeddings)
    if kind == "flat":
        return BuiltIndex(exact, kind, 1.0)
    index = _KINDS[kind].build(embeddings)
    assert index.metric_type == faiss.METRIC_INNER_PRODUCT
    return BuiltIndex(index, kind, _tune(index, exact, embeddings, config))


def _flat(embeddings: Matrix) -> Any:
    import faiss

    index = faiss.IndexFlatIP(embeddings.shape[1])
    index.add(embeddings)
    return index


def _hnsw(embeddings: Matrix) -> Any:
    import faiss

    dimension, metric = embeddings.shape[1], faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexHNSWFlat(dimension, _HNSW_NEIGHBOURS, metric)
    index.hnsw.efConstruction = 100
    index.add(embeddings)
    return index


def _ivf(embeddings: Matrix) -> Any:
    import faiss

    count, dimension = embeddings.shape
    lists = max(min(round(4 * count**0.5), count // 39), 1)  # FAISS wants 39 points a list
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFFlat(quantizer, dimension, lists, faiss.METRIC_INNER_PRODUCT)
    index.train(embeddings)
    index.add(embeddings)
    return index


@dataclass(frozen=True)
class _Kind:
    """One index type."""

    build: Callable[[Matrix], Any]
    """(N, D) embeddings to a FAISS index of inner products, id = row."""
    fourcc: bytes
    """How its file begins."""


_KINDS = {
    "flat": _Kind(_flat, b"IxFI"),
    "hnsw": _Kind(_hnsw, b"IHNf"),
    "ivf": _Kind(_ivf, b"IwFl"),
}


def _tune(index: Any, exact: Any, embeddings: Matrix, config: IndexConfig) -> float:
    """Widen the search until the target recall@10 is met; returns the recall reached."""
    count = len(embeddings)
    sample = np.random.default_rng(0).choice(count, min(config.sample, count), replace=False)
    top = min(10, count)
    truth = exact.search(embeddings[sample], top)[1]
    recall = 0.0
    for breadth in (16, 32, 64, 128, 256, 512, 1024):
        if hasattr(index, "hnsw"):
            index.hnsw.efSearch = breadth
        elif hasattr(index, "nprobe"):
            index.nprobe = min(breadth, index.nlist)
        found = index.search(embeddings[sample], top)[1]
        recall = float(
            np.mean([len(set(f) & set(t)) / top for f, t in zip(found, truth, strict=True)])
        )
        if recall >= config.target_recall:
            break
    return recall


def read_index(path: Path, manifest: Manifest) -> Any:
    """The FAISS index at `path`, memory-mapped, after its header agreed with the manifest.

    FAISS's reader trusts its input, so type, dimension, count, metric and, for a flat index, the
    file's exact size are checked first.

    Raises:
        GalleryError: the file is not the index that the manifest describes.
    """
    import faiss

    remedy = remake(path)
    if not is_index(path) or path.stat().st_size < _HEADER.size:
        raise GalleryError("not a FAISS index that sbir wrote", where=path, remedy=remedy)
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    fourcc, dimension, count, _, _, trained, metric = _HEADER.unpack(header)
    flat_bytes = _HEADER.size + 8 + 4 * manifest.photos * manifest.dimension
    agrees = (
        manifest.index_type in _KINDS
        and fourcc == _KINDS[manifest.index_type].fourcc
        and (dimension, count) == (manifest.dimension, manifest.photos)
        and (trained, metric) == (1, _INNER_PRODUCT)
        and (manifest.index_type != "flat" or path.stat().st_size == flat_bytes)
    )
    if not agrees:
        raise GalleryError("the index is not the one its .db describes", where=path, remedy=remedy)
    flag = faiss.IO_FLAG_MMAP if manifest.index_type == "ivf" else faiss.IO_FLAG_MMAP_IFC
    try:
        if not _faiss_can_name(path):
            python_faiss: Any = faiss  # its type stubs lack the callbacks
            with path.open("rb") as file:
                return faiss.read_index(python_faiss.PyCallbackIOReader(file.read))
        return faiss.read_index(str(path), flag)
    except RuntimeError as error:
        raise GalleryError("the index is damaged", where=path, remedy=remedy) from error


def _faiss_can_name(path: Path) -> bool:
    """Whether a path is UTF-8, the only kind that FAISS opens by itself."""
    try:
        return os.fsencode(path) == str(path).encode()
    except UnicodeEncodeError:
        return False


def is_index(path: Path) -> bool:
    """Whether a file begins like an index that sbir writes."""
    with path.open("rb") as file:
        return file.read(4) in [kind.fourcc for kind in _KINDS.values()]


def stored_embeddings(index: Any) -> Matrix:
    """(N, D) embeddings that an index holds, by id."""
    if hasattr(index, "nprobe"):
        index.make_direct_map()
    return np.asarray(index.reconstruct_n(0, index.ntotal), dtype=np.float32)
