"""How widely an approximate index is searched: until questions like sketches find what exact search
finds.

Photos of the gallery would be too easy questions: each finds itself, and a graph that reaches a
recall@10 of .987 for them gave .957 for questions that lie where sketches lie. So a question here
is a photo of the gallery that is moved as drawings are: towards all photos' mean, by the difference
of two other photos (what the drawing shows otherwise), and by one direction that all drawings have
in common. How far, the bundled model's pairs of example sketch and photo tell
(`benchmarks/sketch_shift.py` prints the four numbers).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sbir_cli.config import IndexConfig

Matrix = npt.NDArray[np.float32]

QUERIES = "photos moved as drawings are"
OWN, OTHERS, BESIDE, COMMON = 0.61, 0.53, 0.60, 0.32
"""Lengths by the spread of photos (root mean square distance from their mean): what is left of the
photo's own deviation, what comes of other photos, what lies outside of photos' directions, and the
offset of all drawings."""
_BREADTHS = (8, 16, 32, 64, 128, 256, 512, 1024)


def sketch_like(embeddings: Matrix, count: int) -> Matrix:
    """(count, D) unit-length questions like sketches to (N, D) embeddings of photos; the same ones
    for the same photos."""
    random = np.random.default_rng(0)
    total, dimension = embeddings.shape
    own, one, other = (embeddings[random.integers(0, total, count)] for _ in range(3))
    some = embeddings[random.integers(0, total, min(total, 4096))]
    mean = some.mean(axis=0)
    spread = float(np.sqrt(np.square(some - mean).sum(axis=1).mean()))
    beside = random.normal(size=(count, dimension)) / dimension**0.5
    common = random.normal(size=dimension) / dimension**0.5
    moved = mean + OWN * (own - mean) + OTHERS / 2**0.5 * (one - other)
    moved = moved + spread * (BESIDE * beside + COMMON * common)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


def tune(index: Any, exact: Any, embeddings: Matrix, config: IndexConfig) -> float:
    """Widen the search until the target recall@10 is met; returns the recall reached."""
    top = min(10, len(embeddings))
    questions = sketch_like(embeddings, config.sample)
    truth = exact.search(questions, top)[1]
    recall = 0.0
    for _ in _widening(index):
        found = index.search(questions, top)[1]
        recall = float(
            np.mean([len(set(f) & set(t)) / top for f, t in zip(found, truth, strict=True)])
        )
        if recall >= config.target_recall:
            break
    return recall


def _widening(index: Any) -> Iterator[None]:
    """Every breadth of search that the index has, set in turn; at least once."""
    import faiss

    inner: Any = faiss.downcast_index(index.base_index) if hasattr(index, "base_index") else index
    for breadth in _BREADTHS:
        if hasattr(inner, "hnsw"):
            inner.hnsw.efSearch = 2 * breadth
        elif hasattr(inner, "nprobe"):
            inner.nprobe = min(breadth, inner.nlist)
        yield
        if hasattr(inner, "nprobe") and inner.nprobe == inner.nlist:
            return  # all of it was searched
        if not hasattr(inner, "nprobe") and not hasattr(inner, "hnsw"):
            return
