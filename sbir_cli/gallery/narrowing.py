"""Searching only some photos of a gallery, and seeing which are nearly the same picture."""

from __future__ import annotations

import fnmatch
from typing import Any

import numpy as np
import numpy.typing as npt

from sbir_cli.embedding import Embeddings
from sbir_cli.gallery.flat import HeldIndex, Ids, best_of
from sbir_cli.gallery.manifest import Database

NEARLY_THE_SAME = 0.04
"""Distance (1 - cosine) of near-duplicates, as a share of that of two photos taken at random."""
_AT_A_TIME = 65_536  # photos whose embeddings are read out of an index at a time


def matching_ids(database: Database, pattern: str) -> Ids:
    """Ids of the photos whose path below the root matches a shell pattern; `*` crosses folders.

    A pattern that names a folder means what is in it.
    """
    pattern = pattern.removeprefix("./").rstrip("/")
    patterns = (pattern, f"{pattern}/*")
    rows = database.searchable_paths()
    found = [i for i, path in rows if any(fnmatch.fnmatchcase(path, p) for p in patterns)]
    return np.array(found, dtype=np.int64)


def search_among(
    index: Any, embeddings: Embeddings, fetch: int, ids: Ids
) -> tuple[npt.NDArray[np.float32], Ids]:
    """Scores and ids of the best of some photos, best first, by exact search.

    Args:
        fetch: at most the number of ids.
    """
    exact = not any(hasattr(index, part) for part in ("hnsw", "nprobe", "base_index"))
    if exact and not isinstance(index, HeldIndex):
        import faiss

        python_faiss: Any = faiss  # its type stubs lack the selector
        only = python_faiss.SearchParameters(sel=faiss.IDSelectorBatch(ids))
        scores, found = index.search(embeddings, fetch, params=only)
        return scores, found
    parts = [  # a graph or lists walked for few of their photos would miss some of them
        embeddings @ stored(index, ids[start : start + _AT_A_TIME]).T
        for start in range(0, len(ids), _AT_A_TIME)
    ]
    scores, places = best_of(np.concatenate(parts, axis=1), fetch)
    return scores, ids[places]


def stored(index: Any, ids: Ids) -> Embeddings:
    """(N, D) embeddings that the index holds for some ids."""
    if hasattr(index, "nprobe"):
        index.make_direct_map()
    return np.asarray(index.reconstruct_batch(ids), dtype=np.float32)


def folded_into(embeddings: Embeddings, least: float) -> list[int]:
    """For each of (K, D) photos, best first, the place of the one that it is folded into.

    Args:
        least: distance (1 - cosine) from which on two photos are different pictures.

    A photo that nothing before it resembles stands for itself.
    """
    near = 1 - embeddings @ embeddings.T < least
    place = list(range(len(embeddings)))
    for i in range(len(embeddings)):
        before = [j for j in np.flatnonzero(near[i, :i]) if place[j] == j]
        if before:
            place[i] = int(before[0])
    return place
