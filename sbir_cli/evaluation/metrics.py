"""Metrics of one ranking, vectorised over rankings; pure numpy.

Symbols: a ranking is given by `ranks`, the ranks (from 1) of its R relevant photos, ascending, as
a row of an (N, R) integer array of N rankings; UNRANKED stands for a relevant photo that the
ranking leaves out. k is the cut, None for the whole ranking. rel(i) is 1 where the i-th photo is
relevant, else 0, and P(i) = sum_{j<=i} rel(j) / i, the precision of the first i. At the rank of
the j-th relevant photo P is j / ranks[j].

Every function returns (N,) float64 in 0..1. "mAP@k" is the mean of AP@k over queries, and four
definitions of AP@k are in use that differ several times over: never name one without its protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ranks = npt.NDArray[np.integer]
Values = npt.NDArray[np.float64]

UNRANKED = np.iinfo(np.int32).max


def ap_trec(ranks: Ranks, k: int | None) -> Values:
    """AP@k = sum_{i<=k} P(i) rel(i) / R: trec_eval's `map_cut` and `map`, ranx."""
    return np.asarray(_precisions(ranks, k).sum(axis=1) / ranks.shape[1])


def ap_min(ranks: Ranks, k: int | None) -> Values:
    """AP@k = sum_{i<=k} P(i) rel(i) / min(R, k): a perfect first page scores 1."""
    return np.asarray(_precisions(ranks, k).sum(axis=1) / _reachable(ranks, k))


def ap_voc(ranks: Ranks, k: int | None) -> Values:
    """AP@k = sum_{i<=k} max_{i<=j<=k} P(j) rel(i) / min(R, k).

    PASCAL VOC's area under the interpolated precision-recall curve, recall over min(R, k). The
    largest later precision always stands at a relevant photo. Used by SAKE, ZSE-SBIR and MARL:
    the published tables of sketch-based retrieval.
    """
    falling = _precisions(ranks, k)[:, ::-1]
    envelope = np.maximum.accumulate(falling, axis=1) * (falling > 0)
    return np.asarray(envelope.sum(axis=1) / _reachable(ranks, k))


def ap_hits(ranks: Ranks, k: int | None) -> Values:
    """AP@k = sum_{i<=k} P(i) rel(i) / sum_{i<=k} rel(i), and 0 without a hit.

    What is missed does not count: one hit at rank 1 scores 1. Used by sem-pcyc, doodle2search,
    torchmetrics and the paper's released code.
    """
    precisions = _precisions(ranks, k)
    hits = (precisions > 0).sum(axis=1)
    return np.asarray(precisions.sum(axis=1) / np.maximum(hits, 1))


def precision_k(ranks: Ranks, k: int) -> Values:
    """P@k = sum_{i<=k} rel(i) / k, as in SAKE and trec_eval."""
    return np.asarray((ranks <= k).sum(axis=1) / k)


def precision_min(ranks: Ranks, k: int) -> Values:
    """P@k = sum_{i<=k} rel(i) / min(R, k), as in ZSE-SBIR: 1 can always be reached."""
    return np.asarray((ranks <= k).sum(axis=1) / _reachable(ranks, k))


def accuracy(ranks: Ranks, q: int) -> Values:
    """Acc@q = 1 where the sketch's own photo is among the first q, else 0.

    Args:
        ranks: (N, 1), the rank of the own photo.
    """
    return np.asarray(ranks[:, 0] <= q, dtype=np.float64)


def _precisions(ranks: Ranks, k: int | None) -> Values:
    """(N, R): P at each relevant photo of the first k, 0 at the others."""
    last = UNRANKED - 1 if k is None else k
    count = np.arange(1, ranks.shape[1] + 1)
    return np.where(ranks <= last, count / ranks, 0.0)


def _reachable(ranks: Ranks, k: int | None) -> int:
    """min(R, k): the relevant photos that the first k can hold."""
    relevant = int(ranks.shape[1])
    return relevant if k is None else min(relevant, k)


AP_PROTOCOLS: dict[str, Callable[[Ranks, int | None], Values]] = {
    "voc": ap_voc,
    "trec": ap_trec,
    "min": ap_min,
    "hits": ap_hits,
}
PRECISION_PROTOCOLS: dict[str, Callable[[Ranks, int], Values]] = {
    "k": precision_k,
    "min": precision_min,
}


@dataclass(frozen=True)
class Metric:
    """A metric at a cut, by one protocol."""

    name: str
    """As in papers: `mAP@200`, `mAP@all`, `P@100`, `Acc@1`."""
    protocol: str
    """`voc`, `trec`, `min` or `hits` for AP; the divisor, `k` or `min`, for P; `class mean`
    for Acc."""
    compute: Callable[[Ranks], Values]
    """(N, R) ranks to (N,) values."""

    @property
    def label(self) -> str:
        """Name and protocol, as in `mAP@200 voc`."""
        return f"{self.name} {self.protocol}"


def category_metrics(ap_cuts: Sequence[int | None], p_cuts: Sequence[int]) -> list[Metric]:
    """mAP at each cut (None: the whole gallery) and P at each cut, by every protocol."""

    def ap(protocol: str, k: int | None) -> Callable[[Ranks], Values]:
        return lambda ranks: AP_PROTOCOLS[protocol](ranks, k)

    def precision(protocol: str, k: int) -> Callable[[Ranks], Values]:
        return lambda ranks: PRECISION_PROTOCOLS[protocol](ranks, k)

    found = [
        Metric(f"mAP@{'all' if k is None else k}", protocol, ap(protocol, k))
        for k in ap_cuts
        for protocol in AP_PROTOCOLS
    ]
    return found + [
        Metric(f"P@{k}", protocol, precision(protocol, k))
        for k in p_cuts
        for protocol in PRECISION_PROTOCOLS
    ]


def accuracy_metrics(cuts: Sequence[int], protocol: str = "class mean") -> list[Metric]:
    """Acc at each cut; `protocol` says over what it is averaged."""

    def at(q: int) -> Callable[[Ranks], Values]:
        return lambda ranks: accuracy(ranks, q)

    return [Metric(f"Acc@{q}", protocol, at(q)) for q in cuts]


def score(ranks: Sequence[Ranks], metrics: Sequence[Metric]) -> Values:
    """(N, M) values of N rankings, each given by a row of ranks of its own length R >= 1."""
    lengths = np.array([len(row) for row in ranks])
    values = np.zeros((len(ranks), len(metrics)))
    for length in np.unique(lengths):
        at = np.flatnonzero(lengths == length)
        rows = np.stack([ranks[int(i)] for i in at])
        values[at] = np.stack([metric.compute(rows) for metric in metrics], axis=1)
    return values
