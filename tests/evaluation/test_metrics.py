from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from sbir_cli.evaluation.metrics import (
    AP_PROTOCOLS,
    UNRANKED,
    accuracy,
    category_metrics,
    precision_k,
    precision_min,
    score,
)


def ranks_of(hits: list[int], relevant: int) -> npt.NDArray[np.int64]:
    """One ranking with hits at these ranks; the other relevant photos come after rank 10,000."""
    rest = range(10_001, 10_001 + relevant - len(hits))
    return np.array([[*hits, *rest]])


@pytest.mark.parametrize(
    ("hits", "relevant", "trec", "min_", "hits_", "voc"),
    [
        (list(range(1, 61)), 300, 0.2, 0.3, 1.0, 0.3),
        ([1, 4], 300, 0.005, 0.0075, 0.75, 0.0075),
        ([1, 2, 5], 3, 0.8667, 0.8667, 0.8667, 0.8667),
        ([21], 10, 0.0048, 0.0048, 0.0476, 0.0048),
    ],
)
def test_values_worked_by_pencil(
    hits: list[int], relevant: int, trec: float, min_: float, hits_: float, voc: float
) -> None:
    ranks = ranks_of(hits, relevant)
    found = {name: float(ap(ranks, 200)[0]) for name, ap in AP_PROTOCOLS.items()}
    expected = {"trec": trec, "min": min_, "hits": hits_, "voc": voc}
    assert found == pytest.approx(expected, abs=5e-5)


def test_voc_takes_the_best_later_precision() -> None:
    # hits at 3, 4: P = 1/3, 2/4, and 2/4 also stands for the first
    assert AP_PROTOCOLS["voc"](np.array([[3, 4]]), None)[0] == pytest.approx(0.5)
    assert AP_PROTOCOLS["trec"](np.array([[3, 4]]), None)[0] == pytest.approx((1 / 3 + 1 / 2) / 2)
    # but not one behind the cut
    assert AP_PROTOCOLS["voc"](np.array([[3, 4]]), 3)[0] == pytest.approx(1 / 6)


def by_definition(rel: npt.NDArray[np.bool_], k: int, relevant: int) -> dict[str, float]:
    """The formulas of the docstrings, term by term."""
    precision = [rel[: i + 1].sum() / (i + 1) for i in range(k)]
    hits = [i for i in range(k) if rel[i]]
    total = sum(precision[i] for i in hits)
    voc = sum(max(precision[j] for j in range(i, k)) for i in hits)
    return {
        "trec": total / relevant,
        "min": total / min(relevant, k),
        "hits": total / len(hits) if hits else 0.0,
        "voc": voc / min(relevant, k),
    }


@pytest.mark.parametrize("k", [1, 7, 40])
def test_equal_to_the_definition_on_random_rankings(k: int) -> None:
    random = np.random.default_rng(k)
    for _ in range(50):
        rel = random.random(40) < random.choice([0.05, 0.3, 0.9])
        rel[random.integers(40)] = True
        ranks = np.flatnonzero(rel)[None] + 1
        cut = None if k == 40 else k
        found = {name: float(ap(ranks, cut)[0]) for name, ap in AP_PROTOCOLS.items()}
        assert found == pytest.approx(by_definition(rel, k, int(rel.sum())))
        assert precision_k(ranks, k)[0] == pytest.approx(rel[:k].sum() / k)
        assert precision_min(ranks, k)[0] == pytest.approx(rel[:k].sum() / min(k, rel.sum()))


def test_map_is_never_above_p_by_the_published_protocols() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        ranks = np.sort(random.permutation(1000)[:300])[None] + 1
        for name in ("voc", "min", "trec"):
            assert AP_PROTOCOLS[name](ranks, 200)[0] <= precision_k(ranks, 200)[0] + 1e-12


def test_what_is_not_ranked_counts_as_relevant_and_never_as_found() -> None:
    ranks = np.array([[1, UNRANKED]])
    assert AP_PROTOCOLS["trec"](ranks, None)[0] == 0.5
    assert AP_PROTOCOLS["hits"](ranks, None)[0] == 1.0
    assert AP_PROTOCOLS["hits"](np.array([[UNRANKED]]), None)[0] == 0.0


def test_accuracy() -> None:
    assert accuracy(np.array([[1], [5], [6]]), 5).tolist() == [1, 1, 0]


def test_rankings_of_different_lengths_keep_their_order() -> None:
    metrics = category_metrics([None], [1])
    ranks = [np.array([2]), np.array([1, 2]), np.array([1]), np.array([3, 4])]
    values = score(ranks, metrics)
    assert values[:, 1].tolist() == pytest.approx([0.5, 1, 1, (1 / 3 + 1 / 2) / 2])
    names = [metric.label for metric in metrics]
    assert names == [*(f"mAP@all {p}" for p in ("voc", "trec", "min", "hits")), "P@1 k", "P@1 min"]
