"""Whether a data set is the published one: classes, counts and pairs, without opening an image."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from sbir_cli.datasets.dataset import DataSet
from sbir_cli.datasets.names import some_classes
from sbir_cli.datasets.pairs import paired_photos
from sbir_cli.datasets.published import DATASETS, Split, published_classes, published_totals

_ROUNDED = 0.02  # share by which a count may miss a round number


@dataclass(frozen=True)
class Count:
    """How many of a thing are there."""

    what: str
    found: int
    published: int | None = None
    """How many there should be; None where nobody said."""
    rounded: bool = False
    """`published` is a round number."""

    @property
    def as_published(self) -> bool:
        """Whether it is the published count, or there is none."""
        if self.published is None:
            return True
        tolerance = _ROUNDED * self.published if self.rounded else 0
        return abs(self.found - self.published) <= tolerance


@dataclass(frozen=True)
class Check:
    """A data set beside its publication."""

    dataset: str
    root: str
    folders: dict[str, list[str]]
    """Where the class folders of each side lie, relative to the root; empty with lists."""
    split: str
    split_source: str
    counts: list[Count]
    classes: list[Count]
    """Unseen classes whose sketches or photos are not as many as published."""
    notes: list[str]

    @property
    def as_published(self) -> bool:
        """Whether nothing differs from what was published, or listed."""
        return all(count.as_published for count in self.counts) and not self.classes

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; `schema` counts changes that a reader must know of."""
        return {"schema": 1, "as_published": self.as_published, **asdict(self)}


def check(dataset: DataSet, split: Split) -> Check:
    """Compare a data set and a split of it (`resolve_split`) with what was published.

    With lists, what they name is what should be there; a plain folder has nothing to compare with.
    """
    folders = {
        side: [top.relative_to(dataset.root).as_posix() for top in tops]
        for side, tops in dataset.tops.items()
    }
    return Check(
        dataset=dataset.name,
        root=str(dataset.root),
        folders=folders,
        split=split.name,
        split_source=split.source,
        counts=[*_totals(dataset), *_split_counts(dataset, split)],
        classes=_classes(dataset, split),
        notes=[*dataset.warnings, *_unlike_published(dataset)],
    )


def _totals(dataset: DataSet) -> list[Count]:
    sketches, photos, classes = len(dataset.sketches), len(dataset.photos), len(dataset.classes)
    paired = [own is not None for own in dataset.own_photo].count(True)
    originals = len({own for own in dataset.own_photo if own is not None})
    if dataset.split is not None or dataset.name not in DATASETS:
        listed = dataset.split and sketches + photos + len(dataset.missing)
        files = [Count("listed files", sketches + photos, listed)] if listed else []
        found = [Count("classes", classes), Count("sketches", sketches), Count("photos", photos)]
        return [*files, *found, Count("sketches whose own photo is there", paired)]
    known = published_totals(dataset.name)
    found = [
        Count("classes", classes, known.classes),
        Count("sketches", sketches, known.sketches, known.rounded),
        Count("photos", photos, known.photos, known.rounded),
    ]
    if known.paired_photos:
        drawn = len(paired_photos(list(zip(dataset.photos, dataset.photo_classes, strict=True))))
        found += [
            Count("photos, original", drawn, known.paired_photos),
            Count("photos that sketches were drawn from", originals, known.paired_photos),
            Count("sketches whose own photo is there", paired, known.sketches),
        ]
    return found


def _unlike_published(dataset: DataSet) -> list[str]:
    """Published classes that are not there, and classes that are not published."""
    if dataset.split is not None or dataset.name not in DATASETS:
        return []
    published = set(published_classes(dataset.name))
    there = set(dataset.sketch_classes) | set(dataset.photo_classes)
    return [
        f"{some_classes(names)} {what}"
        for names, what in (
            (published - there, "of the published ones missing"),
            (there - published, "not among the published ones"),
        )
        if names
    ]


def _split_counts(dataset: DataSet, split: Split) -> list[Count]:
    unseen = dataset.only(split.unseen)
    published = dataset.split is not None or dataset.name in DATASETS
    expected = len(split.unseen) + len(split.absent)
    return [
        Count("seen classes", len(split.seen)),
        Count("unseen classes", len(split.unseen), expected if published else None),
        Count("unseen sketches, the queries", len(unseen.sketches), split.queries or None),
        Count("unseen photos, the gallery", len(unseen.photos), split.gallery_size or None),
    ]


def _classes(dataset: DataSet, split: Split) -> list[Count]:
    found = []
    for what, labels, published in (
        ("sketches", dataset.sketch_classes, split.sketches_per_class),
        ("photos", dataset.photo_classes, split.different_photos_per_class),
    ):
        there = Counter(labels)
        for name, expected in sorted(published.items()):
            if there[name] != expected:
                found.append(Count(f"{name}, {what}", there[name], expected))
    return found
