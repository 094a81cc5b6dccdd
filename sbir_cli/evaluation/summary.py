"""Values of single queries to means with bootstrap intervals, in all and by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from sbir_cli.config import Task
from sbir_cli.evaluation.metrics import Metric, Values
from sbir_cli.evaluation.settings import EvaluationConfig

Average = Literal["queries", "classes"]
AVERAGES: dict[Task, Average] = {"category": "queries", "fine-grained": "classes"}
"""What a task's values are means over [paper]."""

LEVEL = 0.95
"""Of the intervals."""


@dataclass(frozen=True)
class Value:
    """A metric with its interval."""

    name: str
    protocol: str
    value: float
    low: float
    high: float
    """The bootstrap's 2.5 % and 97.5 % quantiles."""


@dataclass(frozen=True)
class ClassRow:
    """The mean values of the sketches of one class."""

    name: str
    sketches: int
    values: dict[str, float]
    """By `Metric.label`."""


def mean(values: Values, classes: Sequence[str], average: Average) -> Values:
    """(M,) means of (N, M) values: over queries, or over the means of their classes."""
    groups = _groups(classes, average)
    return np.asarray(np.mean([values[group].mean(axis=0) for group in groups], axis=0))


def intervals(
    values: Values, classes: Sequence[str], average: Average, *, seed: int, resamples: int
) -> tuple[Values, Values]:
    """(M,) ends of the percentile bootstrap interval of `mean`.

    N queries are drawn from the N with replacement; where classes are averaged, within each
    class. The interval speaks of other sketches of these classes over this gallery, and not of
    other classes, other photos or another training run.
    """
    random = np.random.default_rng(seed)
    groups = _groups(classes, average)
    total = np.zeros((resamples, values.shape[1]))
    for group in groups:
        part, count = values[group], len(group)
        for row in total:
            drawn = np.bincount(random.integers(0, count, count), minlength=count)
            row += drawn @ part / count
    low, high = np.quantile(total / len(groups), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def summarise(
    values: Values,
    classes: Sequence[str],
    metrics: Sequence[Metric],
    average: Average,
    config: EvaluationConfig,
) -> list[Value]:
    """A Value for each of the M metrics of (N, M) values."""
    low, high = intervals(values, classes, average, seed=config.seed, resamples=config.resamples)
    return [
        Value(metric.name, metric.protocol, float(value), float(bottom), float(top))
        for metric, value, bottom, top in zip(
            metrics, mean(values, classes, average), low, high, strict=True
        )
    ]


def by_class(values: Values, classes: Sequence[str], metrics: Sequence[Metric]) -> list[ClassRow]:
    """The means of each class, by name."""
    labels = np.array(classes)
    rows = []
    for name in sorted(set(classes)):
        part = values[labels == name]
        means = zip(metrics, part.mean(axis=0), strict=True)
        rows.append(ClassRow(name, len(part), {m.label: float(v) for m, v in means}))
    return rows


def _groups(classes: Sequence[str], average: Average) -> list[npt.NDArray[np.intp]]:
    if average == "queries":
        return [np.arange(len(classes))]
    labels = np.array(classes)
    return [np.flatnonzero(labels == name) for name in sorted(set(classes))]
