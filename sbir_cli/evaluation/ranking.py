"""Embeddings to rankings, rankings to values, in chunks of bounded memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbir_cli.config import Task
from sbir_cli.embedding import Embeddings
from sbir_cli.evaluation.embedded import Embedded
from sbir_cli.evaluation.metrics import Metric, Values, score

Indices = npt.NDArray[np.intp]

_CELLS = 1 << 22  # sketch x photo pairs ranked at once: about 120 MB
_HIGH = 1 if sys.byteorder == "little" else 0  # where a 64-bit word keeps its high half


@dataclass(frozen=True)
class Rankings:
    """The rankings of some sketches over one gallery."""

    sketches: Indices
    """(n,) indices in the data set."""
    gallery: Indices
    """(g,) indices in the data set of the photos that are ranked, ascending."""
    order: npt.NDArray[np.int32]
    """(n, g) indices in `gallery`, best first."""
    scores: Embeddings
    """(n, g) cosines, in the order of `gallery`."""
    relevant: npt.NDArray[np.bool_]
    """(n, g), best first."""

    def first(self, depth: int) -> tuple[Indices, Embeddings]:
        """(n, depth) data set indices of the best photos, and their scores."""
        order = self.order[:, :depth]
        return self.gallery[order], np.take_along_axis(self.scores, order, axis=1)


def rank(embedded: Embedded, task: Task) -> Iterator[Rankings]:
    """Rank the gallery for every sketch: at category level all photos, where those of the
    sketch's class are relevant; fine-grained the photos of its class, where its own one is.

    Photos are ordered by score, descending, and by path, ascending, where scores are equal.
    """
    dataset = embedded.dataset
    number = {name: i for i, name in enumerate(sorted({*dataset.sketch_classes}))}
    wanted = np.array([number[name] for name in dataset.sketch_classes], dtype=np.int32)
    labels = np.array([number.get(name, -1) for name in dataset.photo_classes], dtype=np.int32)
    blocks = [(np.arange(len(wanted)), np.arange(len(labels)))]
    if task == "fine-grained":
        classes = range(len(number))
        blocks = [(np.flatnonzero(wanted == c), np.flatnonzero(labels == c)) for c in classes]
        labels = np.arange(len(labels), dtype=np.int32)
        wanted = np.array([-1 if i is None else i for i in dataset.own_photo], dtype=np.int32)
    for queries, gallery in blocks:
        vectors = embedded.photos[gallery].T
        step = max(_CELLS // max(len(gallery), 1), 1)
        for start in range(0, len(queries), step):
            chunk = queries[start : start + step]
            scores = embedded.sketches[chunk] @ vectors
            order = best_first(scores)
            relevant = labels[gallery][order] == wanted[chunk][:, None]
            yield Rankings(chunk, gallery, order, scores, relevant)


def best_first(scores: Embeddings) -> npt.NDArray[np.int32]:
    """(n, g) order of each row's columns: score descending, equal scores by column ascending.

    One sort of 64-bit keys, the score's bits above the column's: several times as fast as a
    stable argsort. Scores must be finite.
    """
    bits = (scores + np.float32(0)).view(np.uint32)  # + 0 turns -0.0 into 0.0
    # Floats sort as integers do once the negative ones are flipped whole, the others in the sign;
    # flipped once more, the largest comes first
    bits ^= np.where(bits >> np.uint32(31), np.uint32(0), np.uint32(0x7FFFFFFF))
    keys = np.empty((*scores.shape, 2), dtype=np.uint32)
    keys[..., _HIGH] = bits
    keys[..., 1 - _HIGH] = np.arange(scores.shape[1], dtype=np.uint32)
    whole = keys.view(np.uint64)[..., 0]
    whole.sort(axis=1)
    return keys[..., 1 - _HIGH].astype(np.int32)


def relevant_ranks(relevant: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.intp]]:
    """The ranks (from 1) of the relevant photos of each of (n, g) rankings, ascending."""
    ranks = np.flatnonzero(relevant) % relevant.shape[1] + 1
    return np.split(ranks, np.cumsum(relevant.sum(axis=1))[:-1])


def score_queries(
    embedded: Embedded, task: Task, metrics: Sequence[Metric]
) -> tuple[Indices, Values]:
    """The sketches that have a relevant photo, (m,) indices in the data set, and their values,
    (m, M), of whole rankings as `rank` makes them."""
    found = [score_rankings(rankings, metrics) for rankings in rank(embedded, task)]
    queries = np.concatenate([indices for indices, _ in found])
    return queries, np.concatenate([values for _, values in found])


def score_rankings(rankings: Rankings, metrics: Sequence[Metric]) -> tuple[Indices, Values]:
    """The sketches that have a relevant photo, (m,), and their values, (m, M)."""
    there = np.flatnonzero(rankings.relevant.any(axis=1))
    ranks = relevant_ranks(rankings.relevant[there]) if len(there) else []
    return rankings.sketches[there], score(ranks, metrics)
