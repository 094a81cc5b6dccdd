"""The published splits into seen and unseen classes, with their counts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, get_args

from sbir_cli.config import DatasetName
from sbir_cli.errors import UsageError

DATASETS = tuple(name for name in get_args(DatasetName) if name != "folder")
"""Those that have published splits."""
_TWICE = {("sketchy", "paper21"): 100}  # photos a class that the published list counts twice


@dataclass(frozen=True)
class Split:
    """Which classes of a data set training may see, and which it is tested on."""

    dataset: str
    name: str
    source: str
    """Who published it."""
    seen: list[str]
    unseen: list[str]
    photos_per_class: dict[str, int] = field(default_factory=dict)
    """Gallery photos of each unseen class in the published list, where one exists."""
    sketches_per_class: dict[str, int] = field(default_factory=dict)
    """Queries of each unseen class, likewise."""
    absent: list[str] = field(default_factory=list)
    """Unseen classes of the published split that a folder lacks (`resolve_split`)."""

    @property
    def different_photos_per_class(self) -> dict[str, int]:
        """`photos_per_class` without those that the published list counts twice."""
        twice = _TWICE.get((self.dataset, self.name), 0)
        return {name: count - twice for name, count in self.photos_per_class.items()}

    @property
    def gallery_size(self) -> int:
        """Different photos of the published unseen classes together; 0 where it is not known."""
        return sum(self.different_photos_per_class.values())

    @property
    def queries(self) -> int:
        """Sketches of the published unseen classes together; 0 where it is not known."""
        return sum(self.sketches_per_class.values())


def load_split(dataset: str, name: str | None = None) -> Split:
    """A published split of `sketchy`, `tuberlin` or `quickdraw`; without a name the first, which
    is the one the paper used or, for TU-Berlin, the most used.

    Raises:
        UsageError: no such data set or split.
    """
    found = _published(dataset)
    splits = found["splits"]
    chosen = name or next(iter(splits))
    if chosen not in splits:
        raise UsageError(f"{dataset} has no split `{chosen}`", remedy=f"use {', '.join(splits)}")
    split = splits[chosen]
    return Split(
        dataset=dataset,
        name=chosen,
        source=split["source"],
        seen=sorted(set(found["classes"]) - set(split["unseen"])),
        unseen=sorted(split["unseen"]),
        photos_per_class=split.get("photos_per_class", {}),
        sketches_per_class=split.get("sketches_per_class", {}),
    )


@dataclass(frozen=True)
class Totals:
    """How large a published data set is."""

    classes: int
    sketches: int
    photos: int
    paired_photos: int
    """Photos that sketches were drawn from; 0 where none were."""
    rounded: bool
    """Sketches and photos are round numbers."""


def published_totals(dataset: str) -> Totals:
    """The size of `sketchy` (extended), `tuberlin` or `quickdraw`, as published."""
    found = _published(dataset)
    return Totals(
        len(found["classes"]),
        found["sketches"],
        found["photos"],
        found.get("paired_photos", 0),
        found.get("counts_are_rounded", False),
    )


def published_classes(dataset: str) -> list[str]:
    """All class names of `sketchy`, `tuberlin` or `quickdraw`, as published."""
    return sorted(_published(dataset)["classes"])


def _published(dataset: str) -> dict[str, Any]:
    if dataset not in DATASETS:
        raise UsageError(f"no data set is called `{dataset}`", remedy=f"use {', '.join(DATASETS)}")
    text = (files("sbir_cli") / "datasets" / "splits" / f"{dataset}.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
