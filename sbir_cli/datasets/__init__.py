"""Data sets: the published splits into seen and unseen classes, with their counts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files

from sbir_cli.errors import UsageError

DATASETS = ("sketchy", "tuberlin", "quickdraw")


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


def load_split(dataset: str, name: str | None = None) -> Split:
    """A published split of `sketchy`, `tuberlin` or `quickdraw`; without a name the first, which
    is the one the paper used or, for TU-Berlin, the most used.

    Raises:
        UsageError: no such data set or split.
    """
    if dataset not in DATASETS:
        raise UsageError(f"no data set is called `{dataset}`", remedy=f"use {', '.join(DATASETS)}")
    text = (files("sbir_cli") / "datasets" / "splits" / f"{dataset}.json").read_text("utf-8")
    found = json.loads(text)
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
