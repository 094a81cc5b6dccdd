from __future__ import annotations

import numpy as np
import pytest

from sbir_cli.datasets import DataSet
from sbir_cli.training.validation import acc_1, map_all


def _vectors(angles: list[float]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.array([[np.cos(a), np.sin(a)] for a in angles], dtype=np.float32)


@pytest.fixture
def two(data: DataSet) -> DataSet:
    """Two classes, three photos each, one sketch of the first photo of each."""
    part = data.only(["class_0", "class_1"])
    return part.keep([0, 6], range(6))


def test_map_by_hand(two: DataSet) -> None:
    """Sketch 0 ranks its photos 1st, 3rd and 5th, sketch 1 its own 1st, 2nd and 3rd."""
    photos = _vectors([0.1, 0.3, 0.5, 0.2, 0.4, 0.6])
    found = map_all(_vectors([0.0, 0.0]), photos, two)
    assert found == pytest.approx(((1 + 2 / 3 + 3 / 5) / 3 + (1 / 2 + 2 / 4 + 3 / 6) / 3) / 2)


def test_acc_1_by_hand(two: DataSet) -> None:
    """The own photo is the first of three in the one class, the second in the other."""
    photos = _vectors([0.1, 0.3, 0.5, 0.4, 0.2, 0.6])
    assert acc_1(_vectors([0.0, 0.0]), photos, two) == 0.5
    assert acc_1(_vectors([0.0, 0.45]), photos, two) == 1.0
