"""What lies behind the numbers, by hand and against the numbers themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sbir_cli.config import Task
from sbir_cli.datasets import DataSet, read_dataset
from sbir_cli.evaluation.details import RECALLS, details
from sbir_cli.evaluation.embedded import Embedded
from sbir_cli.evaluation.ranking import score_queries
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.evaluation.summary import AVERAGES, mean
from tests.trees import make_tree


@pytest.fixture
def data(tmp_path: Path) -> DataSet:
    """One sketch of each of two classes, with two and three photos."""
    return read_dataset(make_tree(tmp_path, {"ant": (1, 2), "bat": (1, 3)}))


def _embedded(data: DataSet, order: list[float]) -> Embedded:
    """Every sketch has the same ranking: photos by angle."""
    photos = np.array([[np.cos(a), np.sin(a)] for a in order], dtype=np.float32)
    sketches = np.array([[1.0, 0.0]] * len(data.sketches), dtype=np.float32)
    return Embedded(data, sketches, photos, [])


def test_curves_classes_and_mistakes_by_hand(data: DataSet) -> None:
    """The ranking is bat, ant, bat, bat, ant: the ant's photos are 2nd and 5th, the bat's 1st, 3rd
    and 4th. Interpolated, ant has precision 1/2 to recall 0.5 and 2/5 beyond; bat 1 to 1/3 and
    3/4 beyond."""
    found = details(_embedded(data, [0.2, 0.5, 0.1, 0.3, 0.4]), EvaluationConfig(resamples=5))
    ant = np.where(RECALLS <= 0.5, 1 / 2, 2 / 5)
    bat = np.where(RECALLS <= 1 / 3, 1.0, 3 / 4)
    assert found.class_curves["ant"] == pytest.approx(ant)
    assert found.class_curves["bat"] == pytest.approx(bat)
    assert found.curve == pytest.approx((ant + bat) / 2)
    assert found.first_right.tolist() == [2, 1]
    assert [(bar.name, bar.sketches) for bar in found.classes] == [("bat", 1), ("ant", 1)]
    assert found.classes[1].value == pytest.approx((1 / 2 + 2 / 5) / 2)
    assert found.taken_for["ant"] == pytest.approx({"bat": 3 / 5, "ant": 2 / 5})


def test_accuracy_by_place_by_hand(data: DataSet) -> None:
    """The ant's own photo is the second of two, the bat's the first of three."""
    config = EvaluationConfig(task="fine-grained", resamples=5)
    found = details(_embedded(data, [0.5, 0.2, 0.1, 0.3, 0.4]), config)
    assert found.curve.tolist() == [0.5, 1.0, 1.0] and not found.taken_for
    assert found.first_right.tolist() == [2, 1] and found.values.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("task", ["category", "fine-grained"])
def test_it_is_of_the_same_rankings_as_the_numbers(tmp_path: Path, task: Task) -> None:
    data = read_dataset(make_tree(tmp_path, dict.fromkeys("abcd", (3, 4))))
    random = np.random.default_rng(0)
    vectors = [
        (each / np.linalg.norm(each, axis=1, keepdims=True)).astype(np.float32)
        for each in (random.normal(size=(len(side), 5)) for side in (data.sketches, data.photos))
    ]
    embedded = Embedded(data, vectors[0], vectors[1], [])
    config = EvaluationConfig(task=task, resamples=50)
    found = details(embedded, config)
    queries, values = score_queries(embedded, task, config.metrics)
    assert (found.queries == queries).all() and (found.values == values[:, 0]).all()
    classes = [data.sketch_classes[i] for i in queries]
    whole = mean(values, classes, AVERAGES[task])[0]
    assert np.mean([bar.value for bar in found.classes]) == pytest.approx(whole)
    assert all(bar.low <= bar.value <= bar.high for bar in found.classes)
    if task == "fine-grained":
        assert found.curve[0] == pytest.approx(whole)
    best, worst = found.extremes(data.sketch_classes, 3)
    assert len({data.sketch_classes[i] for i in best}) == 3 and not set(best) & set(worst)
    score = dict(zip(queries.tolist(), found.values.tolist(), strict=True))
    assert score[best[0]] == max(score.values()) and score[worst[0]] == min(score.values())


def test_few_sketches_are_shown_once(data: DataSet) -> None:
    found = details(_embedded(data, [0.2, 0.5, 0.1, 0.3, 0.4]), EvaluationConfig(resamples=5))
    assert found.extremes(data.sketch_classes) == ([1, 0], [])
    assert found.extremes(data.sketch_classes, 1) == ([1], [0])
