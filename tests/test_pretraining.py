"""The pretraining's rules on what takes part; the training itself is in making/pretraining."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(__file__).parents[1] / "making" / "pretraining"


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("packages")


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("prepare")


def test_pictures_of_unseen_and_validation_classes_take_no_part(packages: ModuleType) -> None:
    for name in (*packages.UNSEEN, *packages.VALIDATION):
        known = frozenset({name, "racket", "thing"})
        assert packages.resolve([name], known) is None
        assert packages.resolve([f"{name.title()}_2", "thing"], known) is None
        assert packages.resolve(["thing"], known, more=[f"a {name}"]) is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["snowman_without_snow"], "snowman"),
        (["zylophone", "Donuts"], "donut"),
        (["apple 12"], "apple"),
        (["baseball bat", "apple"], None),
        (["zylophone"], None),
    ],
)
def test_a_picture_shows_the_first_of_its_names_that_is_known(
    packages: ModuleType, names: list[str], expected: str | None
) -> None:
    assert packages.resolve(names, frozenset({"apple", "donut", "snowman"})) == expected


def test_a_cut_out_picture_is_set_whole_before_a_ground(prepare: ModuleType) -> None:
    picture = Image.new("RGBA", (100, 60))
    picture.paste((255, 0, 0, 255), (30, 20, 70, 40))
    grounds = [np.zeros((64, 64, 3), np.uint8)]
    rng = np.random.default_rng(0)
    for _ in range(20):
        photo = prepare.set_before(picture, grounds, rng).astype(int)
        red = (photo[..., 0] > 250) & (photo[..., 1:].max(axis=2) < 5)
        rows, columns = np.nonzero(red)
        width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
        assert photo.shape == (64, 64, 3)
        assert 0.55 * 64 <= width <= 64 and abs(width - 2 * height) <= 4
