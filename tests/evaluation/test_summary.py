from __future__ import annotations

import numpy as np
import pytest

from sbir_cli.evaluation.metrics import accuracy_metrics
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.evaluation.summary import by_class, intervals, mean, summarise

CLASSES = ["a", "a", "a", "b"]
VALUES = np.array([[1.0], [0.0], [0.5], [1.0]])


def test_means_over_queries_or_over_classes() -> None:
    assert mean(VALUES, CLASSES, "queries").tolist() == [0.625]
    assert mean(VALUES, CLASSES, "classes").tolist() == [0.75]


def test_intervals_are_repeatable_and_hold_the_mean() -> None:
    random = np.random.default_rng(1)
    values = random.random((400, 2))
    labels = [f"c{i % 3}" for i in range(400)]
    low, high = intervals(values, labels, "queries", seed=3, resamples=500)
    again = intervals(values, labels, "queries", seed=3, resamples=500)
    other = intervals(values, labels, "queries", seed=4, resamples=500)
    assert np.array_equal(low, again[0]) and not np.array_equal(low, other[0])
    # the normal approximation of the same interval
    half = 1.96 * values.std(axis=0) / 20
    assert np.allclose(low, values.mean(axis=0) - half, atol=0.01)
    assert np.allclose(high, values.mean(axis=0) + half, atol=0.01)


def test_one_query_has_no_spread() -> None:
    low, high = intervals(VALUES[:1], ["a"], "classes", seed=0, resamples=10)
    assert low == high == 1.0


def test_rows_and_values_carry_their_names() -> None:
    metrics = accuracy_metrics([1])
    (row, _) = by_class(VALUES, CLASSES, metrics)
    assert (row.name, row.sketches, row.values) == ("a", 3, {"Acc@1 class mean": 0.5})
    (value,) = summarise(VALUES, CLASSES, metrics, "classes", EvaluationConfig(resamples=50))
    assert (value.name, value.protocol, value.value) == ("Acc@1", "class mean", 0.75)
    assert value.low == pytest.approx(0.5, abs=0.3) and value.low <= 0.75 <= value.high
