from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from sbir_cli.config import Task
from sbir_cli.datasets import DataSet
from sbir_cli.embedding import Embeddings
from sbir_cli.errors import SbirError
from sbir_cli.evaluation.embedded import Embedded
from sbir_cli.evaluation.ranking import score_queries
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.evaluation.summary import AVERAGES, summarise
from sbir_cli.training.validation import MEASURES, measure


def _vectors(angles: Iterable[float]) -> Embeddings:
    return np.array([[np.cos(a), np.sin(a)] for a in angles], dtype=np.float32)


@pytest.fixture
def two(data: DataSet) -> DataSet:
    """Two classes, three photos each, one sketch of the first photo of each."""
    part = data.only(["class_0", "class_1"])
    return part.keep([0, 6], range(6))


def _measure(
    data: DataSet, sketches: Sequence[float], photos: Sequence[float], task: Task
) -> float:
    return measure(Embedded(data, _vectors(sketches), _vectors(photos), []), task)


def test_map_by_hand(two: DataSet) -> None:
    """Sketch 0 ranks its photos 1st, 3rd and 5th, sketch 1 its own 2nd, 4th and 6th."""
    found = _measure(two, [0.0, 0.0], [0.1, 0.3, 0.5, 0.2, 0.4, 0.6], "category")
    assert found == pytest.approx(((1 + 2 / 3 + 3 / 5) / 3 + (1 / 2 + 2 / 4 + 3 / 6) / 3) / 2)


def test_acc_1_by_hand(two: DataSet) -> None:
    """The own photo is the first of three in the one class, the second in the other."""
    photos = [0.1, 0.3, 0.5, 0.4, 0.2, 0.6]
    assert _measure(two, [0.0, 0.0], photos, "fine-grained") == 0.5
    assert _measure(two, [0.0, 0.45], photos, "fine-grained") == 1.0


@pytest.mark.parametrize("task", ["category", "fine-grained"])
def test_equal_scores_do_not_favour_the_sketch(two: DataSet, task: Task) -> None:
    """Each sketch's own photo has the score of one whose path comes before it."""
    part = two.keep([0, 1], [1, 0, 2, 4, 3, 5])  # the own ones are second in their class
    photos = [0.1, 0.1, 0.5, 0.1, 0.1, 0.5]
    expected = {"category": (1 + 1 + 3 / 5 + 1 / 3 + 2 / 4 + 3 / 6) / 6, "fine-grained": 0.0}
    assert _measure(part, [0.1, 0.1], photos, task) == pytest.approx(expected[task])


@pytest.mark.parametrize("task", ["category", "fine-grained"])
def test_it_is_the_number_that_evaluate_prints(data: DataSet, task: Task) -> None:
    random = np.random.default_rng(0)
    angles = [random.uniform(0, 1, len(part)).round(1) for part in (data.sketches, data.photos)]
    embedded = Embedded(data, _vectors(angles[0]), _vectors(angles[1]), [])
    config = EvaluationConfig(task=task, resamples=1)
    queries, values = score_queries(embedded, task, config.metrics)
    classes = [data.sketch_classes[i] for i in queries]
    report = summarise(values, classes, config.metrics, AVERAGES[task], config)
    wanted = {(v.name, v.protocol): v.value for v in report}
    expected = wanted[MEASURES[task].name, MEASURES[task].protocol]
    assert measure(embedded, task) == pytest.approx(expected) and expected > 0


@pytest.mark.parametrize("noise", [0.0, 1e-8])
@pytest.mark.parametrize("task", ["category", "fine-grained"])
def test_photos_that_are_all_alike_score_nothing(data: DataSet, task: Task, noise: float) -> None:
    same = 0.7 + noise * np.random.default_rng(0).normal(size=len(data.photos))
    assert _measure(data, [0.7] * len(data.sketches), same.tolist(), task) == 0.0


def test_what_is_not_finite_is_one_sentence(two: DataSet) -> None:
    with pytest.raises(SbirError, match="are not finite; use smaller learning rates"):
        _measure(two, [0.0, np.nan], [0.1, 0.3, 0.5, 0.2, 0.4, 0.6], "category")
