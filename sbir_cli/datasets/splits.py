"""Which classes of a data set are seen and unseen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from sbir_cli.datasets.dataset import DataSet
from sbir_cli.datasets.names import class_key, some_classes
from sbir_cli.datasets.published import Split, load_split
from sbir_cli.errors import SbirError, UsageError
from sbir_cli.storage.text_files import read_text


def resolve_split(dataset: DataSet, split: str | Path | None) -> Split:
    """Which classes of a data set are seen and unseen, restricted to those that are there.

    Args:
        split: a published split's name; a JSON file {"unseen": [...]} that may also list "seen"
            (else all other classes are seen); None for the default: what the data set's lists
            say, the first published split, or for a plain folder all classes unseen.

    Raises:
        UsageError: no such split, or one beside lists.
        SbirError: the file cannot be read or names a class that is not there, or no unseen class
            is there.
    """
    if dataset.split is not None:
        if split is not None:
            raise UsageError("--lists say which classes are unseen", remedy="leave out --split")
        return _there(dataset, dataset.split)
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
    return _there(dataset, load_split(dataset.name, None if split is None else str(split)))


def _there(dataset: DataSet, whole: Split) -> Split:
    """The part of a split whose classes are there."""
    there = set(dataset.classes)
    unseen = [name for name in whole.unseen if name in there]
    if not unseen:
        raise SbirError(
            f"none of the {len(whole.unseen)} unseen classes of {dataset.name} "
            f"{whole.name} is there",
            where=dataset.root,
            remedy="check --lists" if dataset.split else "check --dataset, or name another --split",
        )
    seen = [name for name in whole.seen if name in there]
    absent = [name for name in whole.unseen if name not in there]
    return replace(whole, seen=seen, unseen=unseen, absent=absent)


def _split_file(dataset: DataSet, path: Path) -> Split:
    try:
        content = json.loads(read_text(path))
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
            f"names {some_classes(missing)} not in {dataset.root}",
            where=path,
            remedy="leave them out",
        )
    if not unseen:
        raise SbirError("names no unseen class", where=path, remedy="list at least one")
    both = set(keys["unseen"]) & set(keys["seen"])
    if both:
        raise SbirError(f"{some_classes(both)} both seen and unseen", where=path)
    chosen = {there[key] for key in keys["unseen"]}
    others = set(dataset.classes) - chosen
    known = others if seen is None else {there[key] for key in keys["seen"]}
    return Split(dataset.name, path.name, str(path), sorted(known), sorted(chosen))
