"""What a training run may see: seen classes only, some of them held out for validation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sbir_cli.config import Task, TrainConfig
from sbir_cli.datasets import DataSet, resolve_split
from sbir_cli.errors import SbirError, UsageError


@dataclass(frozen=True)
class Selection:
    """The two parts of the seen classes, and what was left out on the way."""

    train: DataSet
    validation: DataSet | None
    """Classes that are seen but not trained on; None where none are held out."""
    split: str
    """Name of the split."""
    notes: list[str]
    """A sentence for whatever was left out."""


def select(dataset: DataSet, split: str | Path | None, config: TrainConfig) -> Selection:
    """Leave out the unseen classes, hold some of the seen ones out, and take the asked-for part.

    A plain folder without a split is trained on whole. The held-out classes are named, or depend
    on the seed and the data alone, so that runs on fewer classes or a fraction validate on the
    same ones.

    Raises:
        SbirError: no seen class is there, a class to hold out is not among them, or what is left
            cannot be trained on.
        UsageError: more seen classes are asked for than there are.
    """
    dataset = dataset.for_task(config.task)
    seen, name = _seen(dataset, split)
    notes = list(dataset.warnings)
    usable = drop_unusable(dataset.only(seen), config.task, notes)
    held, kept = hold_out(usable.classes, config, notes, dataset.root)
    if config.seen_classes is not None:
        if config.seen_classes > len(kept):
            raise UsageError(
                f"--seen-classes {config.seen_classes} is more than the {len(kept)} classes that "
                "are left to train on"
            )
        random = np.random.default_rng([config.seed, 2])
        kept = sorted(random.permutation(kept)[: config.seen_classes].tolist())
    train = drop_unusable(_fraction(usable.only(kept), config), config.task, notes)
    return Selection(train, usable.only(held) if held else None, name, notes)


def _seen(dataset: DataSet, split: str | Path | None) -> tuple[list[str], str]:
    if split is None and dataset.name == "folder" and dataset.split is None:
        return dataset.classes, "all classes seen"
    found = resolve_split(dataset, split)
    seen = sorted(set(found.seen) & set(dataset.classes))
    if not seen:
        raise SbirError(
            f"no seen class of the split `{found.name}` is there",
            where=dataset.root,
            remedy="check that --lists has lists of both sides that end in _train.txt"
            if dataset.split
            else "check --dataset and --split",
        )
    return seen, found.name


def drop_unusable(dataset: DataSet, task: Task, notes: list[str]) -> DataSet:
    """Leave out what the task cannot train on, with a note.

    Category level: classes without sketches or without photos. Fine-grained: also classes with
    one photo, which have no negative, and sketches whose own photo is not there.

    Raises:
        SbirError: fewer than two classes are left.
    """
    found = dataset.only(dataset.classes)
    if task == "fine-grained":
        single = sorted(c for c in found.classes if found.photo_classes.count(c) < 2)
        if single:
            notes.append(
                f"left out for want of a second photo, the negative: {len(single)} of "
                f"{len(found.classes)} classes "
                f"({', '.join(single[:3])}{', ...' if len(single) > 3 else ''})"
            )
            found = found.only(set(found.classes) - set(single))
        paired = [i for i, own in enumerate(found.own_photo) if own is not None]
        if not paired:
            raise SbirError(
                "no sketch has its own photo there",
                where=dataset.root,
                remedy="name sketches after their photo (cup.jpg: cup-1.png), list them in "
                "pairs.csv, or train with --task category",
            )
        found = found.keep(paired, range(len(found.photos)))
        found = found.only(found.classes)
    if len(found.classes) < 2:
        raise SbirError(
            f"{len(found.classes)} class is left to train on, and at least 2 are needed",
            where=dataset.root,
            remedy="add sketches and photos of more classes",
        )
    return found


def hold_out(
    classes: list[str], config: TrainConfig, notes: list[str], root: Path
) -> tuple[list[str], list[str]]:
    """The classes held out for validation, and the others."""
    named = set(config.held_out_classes)
    if named and min(len(named), len(set(classes) - named)) < 2:
        raise UsageError(
            "--held-out-classes must name at least 2 classes and leave at least 2 to train on"
        )
    if named - set(classes):
        raise SbirError(
            f"to be held out, but no seen class that can be used: "
            f"{', '.join(sorted(named - set(classes)))}",
            where=root,
            remedy="name seen classes with sketches and photos in --held-out-classes",
        )
    if named:
        return sorted(named), sorted(set(classes) - named)
    count = round(config.held_out * len(classes))
    if count < 2 or len(classes) - count < 2:
        if config.held_out:
            notes.append(
                f"{len(classes)} seen classes are too few to hold some out for validation: the "
                "last epoch is kept"
            )
        return [], classes
    mixed = np.random.default_rng([config.seed, 1]).permutation(classes).tolist()
    return sorted(mixed[:count]), sorted(mixed[count:])


def _fraction(dataset: DataSet, config: TrainConfig) -> DataSet:
    """A seeded part of each class's photos and sketches; at least two photos and one sketch.

    Fine-grained, photos that have a sketch go first and all their sketches stay with them.
    """
    if config.fraction == 1:
        return dataset
    random = np.random.default_rng([config.seed, 3])
    drawn = {i for i in dataset.own_photo if i is not None}
    photos: set[int] = set()
    for name in dataset.classes:
        own = [i for i, c in enumerate(dataset.photo_classes) if c == name]
        mixed = random.permutation(own).tolist()
        if config.task == "fine-grained":
            mixed.sort(key=lambda i: i not in drawn)
        photos.update(mixed[: max(2, round(config.fraction * len(own)))])
    sketches = list(range(len(dataset.sketches)))
    if config.task == "fine-grained":
        sketches = [i for i in sketches if dataset.own_photo[i] in photos]
    else:
        sketches = _part_of_each(dataset.sketch_classes, config.fraction, random)
    return dataset.keep(sketches, sorted(photos))


def _part_of_each(labels: list[str], share: float, random: np.random.Generator) -> list[int]:
    kept: list[int] = []
    for name in sorted(set(labels)):
        own = [i for i, label in enumerate(labels) if label == name]
        kept += random.permutation(own).tolist()[: max(1, round(share * len(own)))]
    return sorted(kept)
