from __future__ import annotations

import pytest

from sbir_cli.datasets import load_split
from sbir_cli.errors import UsageError


@pytest.mark.parametrize(
    ("dataset", "name", "seen", "unseen"),
    [
        ("sketchy", None, 104, 21),
        ("sketchy", "paper21", 104, 21),
        ("sketchy", "zsih25", 100, 25),
        ("sketchy", "sempcyc25", 100, 25),
        ("tuberlin", None, 220, 30),
        ("tuberlin", "sempcyc30", 220, 30),
        ("quickdraw", None, 80, 30),
    ],
)
def test_published_splits(dataset: str, name: str | None, seen: int, unseen: int) -> None:
    split = load_split(dataset, name)
    assert (len(split.seen), len(split.unseen)) == (seen, unseen)
    assert not set(split.seen) & set(split.unseen)
    for counts in (split.photos_per_class, split.sketches_per_class):
        assert not counts or sorted(counts) == split.unseen


def test_published_counts() -> None:
    assert sum(load_split("sketchy").sketches_per_class.values()) == 12_694
    assert sum(load_split("tuberlin").photos_per_class.values()) == 27_989
    assert sum(load_split("tuberlin").sketches_per_class.values()) == 2_400


@pytest.mark.parametrize(("dataset", "name"), [("imagenet", None), ("sketchy", "paper22")])
def test_a_wrong_name_gets_the_right_ones(dataset: str, name: str | None) -> None:
    with pytest.raises(UsageError, match=r"use (sketchy, tuberlin|paper21, zsih25)"):
        load_split(dataset, name)
