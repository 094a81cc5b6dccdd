"""The FAISS index: built to the size, measured, checked before it is read."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sbir_cli.config import IndexConfig
from sbir_cli.errors import GalleryError
from sbir_cli.gallery.flat import (
    FOURCC,
    HEADER,
    INNER_PRODUCT,
    HeldIndex,
    Matrix,
    flat_bytes,
    read_flat,
)
from sbir_cli.gallery.manifest import Manifest, remake
from sbir_cli.gallery.tuning import tune

_HNSW_NEIGHBOURS = 32
_SCORED_EXACTLY = 100  # times as many photos as are asked for: codes of a bit are coarse
_SMALL = 64_000_000  # bytes that are read and searched before FAISS is imported
_LARGE = "ivf-rabitq"  # what auto takes where exact search is slow


@dataclass(frozen=True)
class BuiltIndex:
    """A FAISS index over inner products, its type, its recall@10 against exact search, and why it
    is of that type."""

    index: Any
    """None: it is flat, and its file needs no FAISS to be written."""
    type: str
    recall_at_10: float
    reason: str


def flat_by_size(count: int, config: IndexConfig) -> BuiltIndex | None:
    """What is said of the index of so many photos, where that is flat whatever they are."""
    if config.type == "flat":
        return BuiltIndex(None, "flat", 1.0, "as asked")
    if config.type in (None, "auto") and count <= config.exact_limit:
        limit = f"exact search is fast enough up to {config.exact_limit:,} photos"
        return BuiltIndex(None, "flat", 1.0, f"auto: {limit}")
    return None


def build_index(embeddings: Matrix, config: IndexConfig) -> BuiltIndex:
    """An index of (N, D) unit-length embeddings, N at least 1; id = row.

    All but `flat` are tuned by questions like sketches until recall@10 against exact search reaches
    `target_recall`, or the widest search setting is reached. `auto` takes none that stays below.
    """
    import faiss

    kind: str = config.type or "auto"
    exact = _flat(embeddings)
    flat = flat_by_size(len(embeddings), config)
    if flat is not None:
        return replace(flat, index=exact)
    chosen = _LARGE if kind == "auto" else kind
    index = _KINDS[chosen].build(embeddings)
    assert index.metric_type == faiss.METRIC_INNER_PRODUCT
    recall = tune(index, exact, embeddings, config)
    if kind != "auto":
        return BuiltIndex(index, kind, recall, "as asked")
    if recall < config.target_recall:
        why = f"auto: {chosen} found {recall:.3f} of what exact search finds, too little"
        return BuiltIndex(exact, "flat", 1.0, why)
    limit = f"exact search is fast enough up to {config.exact_limit:,} photos"
    return BuiltIndex(index, chosen, recall, f"auto: {len(embeddings):,} photos, and {limit}")


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

    dimension, lists = embeddings.shape[1], _lists(len(embeddings))
    quantizer = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFFlat(quantizer, dimension, lists, faiss.METRIC_INNER_PRODUCT)
    return _filled(index, index, embeddings)


def _ivf_rabitq(embeddings: Matrix) -> Any:
    """Lists of photos at a bit a dimension; the best of them are scored exactly."""
    import faiss

    dimension, lists = embeddings.shape[1], _lists(len(embeddings))
    quantizer = faiss.IndexFlatIP(dimension)
    coarse = faiss.IndexIVFRaBitQ(quantizer, dimension, lists, faiss.METRIC_INNER_PRODUCT)
    index = faiss.IndexRefineFlat(coarse)
    index.k_factor = _SCORED_EXACTLY
    return _filled(index, coarse, embeddings)


def _lists(count: int) -> int:
    return max(min(round(4 * math.sqrt(count)), count // 39), 1)  # FAISS wants 39 points a list


def _filled(index: Any, lists: Any, embeddings: Matrix) -> Any:
    # half as many passes and a quarter as many photos as FAISS takes: recall is measured anyway
    lists.cp.niter, lists.cp.max_points_per_centroid = 10, 64
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
    "flat": _Kind(_flat, FOURCC),
    "hnsw": _Kind(_hnsw, b"IHNf"),
    "ivf": _Kind(_ivf, b"IwFl"),
    "ivf-rabitq": _Kind(_ivf_rabitq, b"IxRF"),
}


def require_header(path: Path, manifest: Manifest) -> None:
    """Refuse a file that does not begin as the index that the manifest describes.

    Who reads it on trusts it, so type, dimension, count, metric and, for a flat index, the file's
    exact size are checked.

    Raises:
        GalleryError: it is another.
    """
    remedy = remake(path)
    if not is_index(path) or path.stat().st_size < HEADER.size:
        raise GalleryError("not a FAISS index that sbir wrote", where=path, remedy=remedy)
    with path.open("rb") as file:
        header = file.read(HEADER.size)
    fourcc, dimension, count, _, _, trained, metric = HEADER.unpack(header)
    flat_size = flat_bytes(manifest.photos, manifest.dimension)
    agrees = (
        manifest.index_type in _KINDS
        and fourcc == _KINDS[manifest.index_type].fourcc
        and (dimension, count) == (manifest.dimension, manifest.photos)
        and (trained, metric) == (1, INNER_PRODUCT)
        and (manifest.index_type != "flat" or path.stat().st_size == flat_size)
    )
    if not agrees:
        raise GalleryError("the index is not the one its .db describes", where=path, remedy=remedy)


def read_index(path: Path, manifest: Manifest) -> Any:
    """The FAISS index at `path`, memory-mapped, after `require_header`; a small flat one in memory.

    Raises:
        GalleryError: the file is not the index that the manifest describes.
    """
    require_header(path, manifest)
    count, dimension = manifest.photos, manifest.dimension
    if manifest.index_type == "flat" and flat_bytes(count, dimension) <= _SMALL:
        return HeldIndex(read_flat(path, np.arange(count), dimension))
    import faiss

    flag = faiss.IO_FLAG_MMAP if manifest.index_type == "ivf" else faiss.IO_FLAG_MMAP_IFC
    try:
        if not _faiss_can_name(path):
            python_faiss: Any = faiss  # its type stubs lack the callbacks
            with path.open("rb") as file:
                return faiss.read_index(python_faiss.PyCallbackIOReader(file.read))
        return faiss.read_index(str(path), flag)
    except RuntimeError as error:
        raise GalleryError("the index is damaged", where=path, remedy=remake(path)) from error


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
