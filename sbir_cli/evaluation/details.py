"""What lies behind an evaluation's numbers: curves, classes, and the rankings worth a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbir_cli.evaluation.embedded import Embedded
from sbir_cli.evaluation.metrics import Ranks, Values
from sbir_cli.evaluation.ranking import Indices, Rankings, rank, relevant_ranks, score_rankings
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.evaluation.summary import AVERAGES, intervals, mean

RECALLS: Values = np.linspace(0, 1, 101)
DEPTH = 10
"""First photos of a ranking whose classes are counted."""


@dataclass(frozen=True)
class ClassBar:
    """The headline metric over the sketches of one class."""

    name: str
    sketches: int
    value: float
    low: float
    high: float
    """Ends of its bootstrap interval, which speaks of other sketches of this class."""


@dataclass(frozen=True)
class Details:
    """Of every sketch that has a relevant photo, and of all of them together."""

    queries: Indices
    """(m,) indices in the data set."""
    values: Values
    """(m,) the headline metric of each."""
    first_right: npt.NDArray[np.intp]
    """(m,) rank of the best relevant photo of each, from 1."""
    curve: Values
    """Category level: (101,) precision at the recalls RECALLS. Fine-grained: (g,) Acc@q for q from
    1 to the size of the largest gallery."""
    class_curves: dict[str, Values]
    """The same of the sketches of each class."""
    classes: list[ClassBar]
    """Best first."""
    taken_for: dict[str, dict[str, float]]
    """Category level: for each class of sketches the share that each class of photos has of their
    first DEPTH photos, largest first."""

    def extremes(self, classes: Sequence[str], count: int = 5) -> tuple[list[int], list[int]]:
        """Indices in the data set of the best and of the worst ranked sketches, each of another
        class as far as there are so many.

        Args:
            classes: of all sketches of the data set.
        """
        order = np.lexsort((self.first_right, -self.values))
        best = self._of_different_classes(order, classes, count, set())
        return best, self._of_different_classes(order[::-1], classes, count, set(best))

    def _of_different_classes(
        self, order: Indices, classes: Sequence[str], count: int, taken: set[int]
    ) -> list[int]:
        free = [int(i) for i in self.queries[order] if int(i) not in taken]
        first: dict[str, int] = {}
        for index in free:
            first.setdefault(classes[index], index)
        chosen = list(first.values())[:count]
        more = [index for index in free if index not in chosen][: count - len(chosen)]
        return chosen + more


def details(embedded: Embedded, config: EvaluationConfig) -> Details:
    """Rank once more and look closer; the rankings are those that the report's numbers are of."""
    metric, fine = config.metrics[0], config.task == "fine-grained"
    dataset = embedded.dataset
    largest = max(map(dataset.photo_classes.count, set(dataset.photo_classes)))
    names = sorted({*dataset.sketch_classes, *dataset.photo_classes})
    counts = np.zeros((len(names), len(names)))
    queries: list[Indices] = []
    values: list[Values] = []
    curves: list[Values] = []
    firsts: list[int] = []
    for rankings in rank(embedded, config.task):
        found, scored = score_rankings(rankings, [metric])
        queries.append(found)
        values.append(scored[:, 0])
        there = rankings.relevant[rankings.relevant.any(axis=1)]
        ranks = relevant_ranks(there) if len(there) else []
        firsts += [int(row[0]) for row in ranks]
        curves += [_accuracies(row, largest) if fine else _precisions(row) for row in ranks]
        if not fine:
            _count_classes(counts, rankings, embedded, names)
    together, every = np.concatenate(queries), np.concatenate(values)
    labels = [dataset.sketch_classes[i] for i in together]
    rows, of_class = np.array(curves), np.array(labels)
    return Details(
        queries=together,
        values=every,
        first_right=np.array(firsts, np.intp),
        curve=mean(rows, labels, AVERAGES[config.task]),
        class_curves={name: rows[of_class == name].mean(axis=0) for name in sorted(set(labels))},
        classes=_class_bars(every, labels, config),
        taken_for={} if fine else _shares(counts, names),
    )


def _precisions(ranks: Ranks) -> Values:
    """(101,) the largest precision at any recall that is at least each of RECALLS."""
    count = len(ranks)
    precision = np.arange(1, count + 1) / ranks
    best_later = np.maximum.accumulate(precision[::-1])[::-1]
    needed = np.ceil(RECALLS * count - 1e-9).astype(int)
    return np.asarray(best_later[np.maximum(needed, 1) - 1])


def _accuracies(ranks: Ranks, largest: int) -> Values:
    """(largest,) Acc@q of one sketch, whose own photo has the rank `ranks[0]`."""
    return np.asarray(np.arange(1, largest + 1) >= ranks[0], dtype=np.float64)


def _count_classes(
    counts: Values, rankings: Rankings, embedded: Embedded, names: Sequence[str]
) -> None:
    """Add the classes of the first photos to a (C, C) table of sketches' and photos' classes."""
    number = {name: i for i, name in enumerate(names)}
    sketches = np.array([number[name] for name in embedded.dataset.sketch_classes])
    photos = np.array([number[name] for name in embedded.dataset.photo_classes])
    first, _ = rankings.first(DEPTH)
    np.add.at(counts, (sketches[rankings.sketches][:, None], photos[first]), 1)


def _shares(counts: Values, names: Sequence[str]) -> dict[str, dict[str, float]]:
    found = {}
    for name, row in zip(names, counts, strict=True):
        if row.any():
            order = [int(i) for i in np.argsort(-row, kind="stable") if row[i]]
            found[name] = {names[i]: float(row[i] / row.sum()) for i in order}
    return found


def _class_bars(values: Values, labels: Sequence[str], config: EvaluationConfig) -> list[ClassBar]:
    classes, bars = np.array(labels), []
    for name in sorted(set(labels)):
        part = values[classes == name][:, None]
        low, high = intervals(
            part, [name] * len(part), "queries", seed=config.seed, resamples=config.resamples
        )
        bars.append(ClassBar(name, len(part), float(part.mean()), float(low[0]), float(high[0])))
    return sorted(bars, key=lambda bar: (-bar.value, bar.name))
