from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sbir_cli.config import TrainConfig
from sbir_cli.datasets import DataSet, read_dataset
from sbir_cli.errors import SbirError
from sbir_cli.training.sampler import Sampler, permutations
from tests.training.conftest import draw_classes

FINE = TrainConfig(task="fine-grained", batch_size=8, instances=2)


def test_a_category_batch_pairs_a_sketch_with_its_class_and_with_another(data: DataSet) -> None:
    steps = Sampler(data, TrainConfig(batch_size=8)).epoch(0)
    assert [len(step.sketches) for step in steps] == [8] * 4  # 36 sketches, the rest is dropped
    assert len({int(i) for step in steps for i in step.sketches}) == 32
    for step in steps:
        for s, p, n, c in zip(
            step.sketches, step.positives, step.negatives, step.labels, strict=True
        ):
            assert data.sketch_classes[s] == data.photo_classes[p] == data.classes[c]
            assert data.photo_classes[n] != data.sketch_classes[s]


def test_a_fine_grained_batch_is_p_classes_of_m_with_own_photos(data: DataSet) -> None:
    steps = Sampler(data, FINE).epoch(0)
    assert len(steps) == 4  # 6 classes of 3 groups: 18 groups, 4 a step
    for step in steps:
        assert sorted(np.bincount(step.labels, minlength=6).tolist()) == [0, 0, 2, 2, 2, 2]
        assert [data.own_photo[s] for s in step.sketches] == step.positives.tolist()
        for p, n in zip(step.positives, step.negatives, strict=True):
            assert p != n and data.photo_classes[p] == data.photo_classes[n]


@pytest.mark.parametrize("config", [TrainConfig(batch_size=8), FINE], ids=["category", "fine"])
def test_steps_follow_from_seed_and_epoch_alone(data: DataSet, config: TrainConfig) -> None:
    def numbers(seed: int, epoch: int) -> list[list[int]]:
        changed = TrainConfig(**{**vars(config), "seed": seed})
        steps = Sampler(data, changed).epoch(epoch)
        return [[*s.sketches, *s.positives, *s.negatives] for s in steps]

    assert numbers(0, 1) == numbers(0, 1)
    assert numbers(0, 1) != numbers(0, 2) and numbers(0, 1) != numbers(1, 1)


def test_fewer_sketches_than_a_batch_are_one_batch(data: DataSet) -> None:
    (step,) = Sampler(data, TrainConfig(batch_size=64)).epoch(0)
    assert len(step.sketches) == 36


def test_a_class_with_fewer_than_m_sketches_repeats_them(tmp_path: Path) -> None:
    data = read_dataset(draw_classes(tmp_path, classes=2, photos=2, sketches=1))
    (step,) = Sampler(data, TrainConfig(task="fine-grained", batch_size=8)).epoch(0)
    assert np.bincount(step.labels).tolist() == [4, 4]


def test_too_few_classes_for_p_is_told(data: DataSet) -> None:
    config = TrainConfig(task="fine-grained", batch_size=64, instances=4)
    with pytest.raises(SbirError, match=r"a batch takes 16 classes .* there are 6 to train on"):
        Sampler(data, config)


def test_the_two_permutations_of_a_sample_differ() -> None:
    first, second = permutations(500, 2, np.random.default_rng(0))
    assert (np.sort(first, axis=1) == np.arange(4)).all()
    assert (np.sort(second, axis=1) == np.arange(4)).all()
    assert (first != second).any(axis=1).all()
