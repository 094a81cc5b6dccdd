"""A data set from a folder: sketch/<class>/* beside photo/<class>/*."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from sbir_cli.config import DatasetName
from sbir_cli.datasets.listing import class_key, drawings, list_side
from sbir_cli.datasets.pairs import own_photos
from sbir_cli.datasets.published import Split, load_split, published_classes
from sbir_cli.errors import SbirError, UsageError

__all__ = ["DataSet", "read_dataset", "resolve_split"]


@dataclass(frozen=True)
class DataSet:
    """Sketches and photos by class; all lists in the byte order of their paths."""

    name: str
    """`folder`, `sketchy`, `tuberlin` or `quickdraw`."""
    root: Path
    sketches: list[Path]
    """A line of an ndjson file is `path#3`; `read_sketch` reads any of them."""
    sketch_classes: list[str]
    """Parallel to `sketches`; published spelling where the data set has one."""
    photos: list[Path]
    photo_classes: list[str]
    own_photo: list[int | None]
    """For each sketch the index in `photos` of the one it was drawn from, where that is known."""

    @property
    def classes(self) -> list[str]:
        """Sorted names of the classes that have both sketches and photos."""
        return sorted(set(self.sketch_classes) & set(self.photo_classes))

    @property
    def warnings(self) -> list[str]:
        """What is probably not as it was meant, a sentence each."""
        found = []
        with_sketches, with_photos = set(self.sketch_classes), set(self.photo_classes)
        for classes, lacks in (
            (with_sketches - with_photos, "photos"),
            (with_photos - with_sketches, "sketches"),
        ):
            if classes:
                found.append(f"{_some(classes)} without {lacks}")
        lost = [s for s, own in zip(self.sketches, self.own_photo, strict=True) if own is None]
        if lost and len(lost) < len(self.sketches):
            first = lost[0].relative_to(self.root)
            found.append(f"{len(lost):,} sketches whose own photo is missing (first: {first})")
        return found

    def only(self, classes: Collection[str]) -> DataSet:
        """The part with these classes, in the same order."""
        wanted = set(classes)
        return self.keep(
            [i for i, name in enumerate(self.sketch_classes) if name in wanted],
            [i for i, name in enumerate(self.photo_classes) if name in wanted],
        )

    def keep(self, sketches: Sequence[int], photos: Sequence[int]) -> DataSet:
        """The part with these indices (ascending) of sketches and photos."""
        new = {old: i for i, old in enumerate(photos)}
        own = [self.own_photo[i] for i in sketches]
        return replace(
            self,
            sketches=[self.sketches[i] for i in sketches],
            sketch_classes=[self.sketch_classes[i] for i in sketches],
            photos=[self.photos[i] for i in photos],
            photo_classes=[self.photo_classes[i] for i in photos],
            own_photo=[None if index is None else new.get(index) for index in own],
        )

    def manifest(self) -> dict[str, Any]:
        """JSON-ready: counts, classes, and the SHA-256 of the relative paths, a line each,
        sorted."""
        names = sorted(os.fsencode(p.relative_to(self.root)) for p in self.sketches + self.photos)
        return {
            "dataset": self.name,
            "sketches": len(self.sketches),
            "photos": len(self.photos),
            "classes": self.classes,
            "files_sha256": hashlib.sha256(b"".join(n + b"\n" for n in names)).hexdigest(),
        }


def read_dataset(root: Path, dataset: str = "folder", *, vector: bool = False) -> DataSet:
    """The sketches and photos below a folder; no image is opened.

    Class names of the two sides, and those of a published data set, are matched without regard to
    case, spaces, `_` and `-`.

    Args:
        dataset: `folder`, or the published data set that it is.
        vector: take the vector drawings only (SVG, ndjson).

    Raises:
        UsageError: no such data set.
        SbirError: a side or all classes are missing; `where` names the folder.
    """
    if dataset not in get_args(DatasetName):
        known = ", ".join(get_args(DatasetName))
        raise UsageError(f"no data set is called `{dataset}`", remedy=f"use {known}")
    sides = {side: list_side(root, side) for side in ("sketch", "photo")}
    published = [] if dataset == "folder" else published_classes(dataset)
    spelling = {class_key(name): name for name in (*sides["sketch"], *sides["photo"], *published)}
    found: dict[str, list[tuple[Path, str]]] = {}
    for side, classes in sides.items():
        pairs = [
            (path, spelling[class_key(name)])
            for name, files in classes.items()
            for path in (drawings(files, vector) if side == "sketch" else files)
        ]
        found[side] = sorted(pairs, key=lambda pair: os.fsencode(pair[0]))
    if vector and not found["sketch"]:
        raise SbirError("there is no vector drawing (SVG or ndjson) in it", where=root)
    sketches, photos = found["sketch"], found["photo"]
    read = DataSet(
        name=dataset,
        root=root,
        sketches=[path for path, _ in sketches],
        sketch_classes=[name for _, name in sketches],
        photos=[path for path, _ in photos],
        photo_classes=[name for _, name in photos],
        own_photo=own_photos(root, dataset, sketches, photos),
    )
    if not read.classes:
        raise SbirError(
            "no class has both sketches and photos",
            where=root,
            remedy="name the class folders of sketch/ and photo/ alike",
        )
    return read


def resolve_split(dataset: DataSet, split: str | Path | None) -> Split:
    """Which classes of a data set are seen and unseen, restricted to those that are there.

    Args:
        split: a published split's name; a JSON file {"unseen": [...]} that may also list "seen"
            (else all other classes are seen); None for the default: the first published split,
            or for a plain folder all classes unseen.

    Raises:
        UsageError: no such split.
        SbirError: the file cannot be read or names a class that is not there, or no unseen class
            is there.
    """
    if split is None and dataset.name == "folder":
        return Split("folder", "all", "all classes are unseen", [], dataset.classes)
    path = None if split is None else Path(split)
    if path is not None and (path.suffix == ".json" or path.is_file()):
        return _split_file(dataset, path)
    if dataset.name == "folder":
        raise UsageError(
            f"a plain folder has no published split `{split}`",
            remedy="name a JSON file, or say which data set it is (--dataset)",
        )
    published = load_split(dataset.name, None if split is None else str(split))
    there = set(dataset.classes)
    unseen = [name for name in published.unseen if name in there]
    if not unseen:
        raise SbirError(
            f"none of the {len(published.unseen)} unseen classes of {dataset.name} "
            f"{published.name} is there",
            where=dataset.root,
            remedy="check --dataset, or name another --split",
        )
    seen = [name for name in published.seen if name in there]
    absent = [name for name in published.unseen if name not in there]
    return replace(published, seen=seen, unseen=unseen, absent=absent)


def _split_file(dataset: DataSet, path: Path) -> Split:
    try:
        content = json.loads(path.read_text("utf-8"))
        unseen, seen = list(content["unseen"]), content.get("seen")
        keys = {part: [class_key(n) for n in names or ()] for part, names in
                (("unseen", unseen), ("seen", seen))}  # fmt: skip
    except OSError as error:
        raise SbirError(f"cannot be read ({error.strerror})", where=path) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SbirError(
            "not a split", where=path, remedy='write JSON like {"unseen": ["cat", "dog"]}'
        ) from error
    there = {class_key(name): name for name in dataset.classes}
    missing = {n for n in (*unseen, *(seen or ())) if class_key(n) not in there}
    if missing:
        raise SbirError(
            f"names {_some(missing)} not in {dataset.root}", where=path, remedy="leave them out"
        )
    if not unseen:
        raise SbirError("names no unseen class", where=path, remedy="list at least one")
    both = set(keys["unseen"]) & set(keys["seen"])
    if both:
        raise SbirError(f"{_some(both)} both seen and unseen", where=path)
    chosen = {there[key] for key in keys["unseen"]}
    others = set(dataset.classes) - chosen
    known = others if seen is None else {there[key] for key in keys["seen"]}
    return Split(dataset.name, path.name, str(path), sorted(known), sorted(chosen))


def _some(classes: Collection[str], shown: int = 5) -> str:
    """`2 classes (cat, dog)`, with at most some of the names."""
    names = ", ".join(sorted(classes)[:shown]) + (", ..." if len(classes) > shown else "")
    return f"{len(classes):,} {'class' if len(classes) == 1 else 'classes'} ({names})"
