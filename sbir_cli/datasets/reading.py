"""A data set from the folders that it is handed around in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from sbir_cli.config import DatasetName
from sbir_cli.datasets.dataset import DataSet
from sbir_cli.datasets.file_lists import read_lists
from sbir_cli.datasets.layouts import contents, find_sides, require_folder, understood
from sbir_cli.datasets.listing import VECTOR_SUFFIXES, SideName, drawings, list_classes
from sbir_cli.datasets.names import class_key, published_spelling, some
from sbir_cli.datasets.pairs import Labelled, own_photos, without_copies
from sbir_cli.datasets.published import published_classes
from sbir_cli.errors import SbirError, UsageError


def read_dataset(
    root: Path | None,
    dataset: str = "folder",
    *,
    vector: bool = False,
    lists: Path | None = None,
    sketches: Sequence[Path] = (),
    photos: Sequence[Path] = (),
) -> DataSet:
    """The sketches and photos below a folder; no image is opened.

    Class names of the two sides, and those of a published data set, are matched without regard to
    case, spaces, `_` and `-`; see `names.published_spelling` for the rest.

    Args:
        root: the folder; `layouts.understood` says how it may be laid out. None where `sketches`
            and `photos` are given.
        dataset: `folder`, or the published data set that it is.
        vector: take the vector drawings only (SVG, ndjson).
        lists: a folder of published file lists: exactly those files of `root` are taken, and they
            make the split.
        sketches, photos: folders of class folders, in place of the side found below `root`.

    Raises:
        UsageError: no such data set, or arguments that do not go together.
        SbirError: a side or all classes are missing; `where` names the folder.
    """
    if dataset not in get_args(DatasetName):
        known = ", ".join(get_args(DatasetName))
        raise UsageError(f"no data set is called `{dataset}`", remedy=f"use {known}")
    if lists is not None:
        if root is None:
            raise UsageError("--lists names files below DATA", remedy="name DATA")
        if sketches or photos:
            raise UsageError(
                "--lists says which files are taken", remedy="leave out --sketches and --photos"
            )
        return _listed(root, dataset, lists, vector)
    if root is None and not (sketches and photos):
        raise UsageError("name DATA, or both --sketches and --photos")
    sketches, photos = _absolute(sketches), _absolute(photos)
    if root is not None and (sketches or photos):
        (root,) = _absolute([root])
    sides = find_sides(root, dataset, vector, sketches, photos)
    root = _common_root(root, [*sketches, *photos])
    notes = list(sides.notes)
    found: dict[SideName, dict[str, list[Path]]] = {
        "sketch": _classes(sides.sketch, "sketch", dataset, notes),
        "photo": _classes(sides.photo, "photo", dataset, notes),
    }
    drawn = {name: drawings(files, vector) for name, files in found["sketch"].items()}
    if vector and not any(drawn.values()):
        raise SbirError("there is no vector drawing (SVG or ndjson) in it", where=root)
    spelling = {class_key(name): name for name in [*drawn, *found["photo"]]}
    gallery = _labelled(found["photo"], spelling)
    if dataset == "sketchy":
        gallery, copies = without_copies(gallery)
        if copies:
            notes.append(f"{copies:,} photos are in both photo folders and are counted once")
    read = _assemble(root, dataset, _labelled(drawn, spelling), gallery, notes)
    read.tops.update({"sketch": sides.sketch, "photo": sides.photo})
    return read


def _absolute(folders: Sequence[Path]) -> list[Path]:
    """Each once, so that what they hold has paths below one root."""
    return list(dict.fromkeys(Path(os.path.abspath(folder)) for folder in folders))


def _common_root(root: Path | None, folders: list[Path]) -> Path:
    """A folder that all of them are below."""
    if root is not None and not folders:
        return root
    try:
        return Path(os.path.commonpath([*([root] if root else []), *folders]))
    except ValueError as error:  # two drives of Windows
        raise UsageError("DATA, --sketches and --photos must lie on one drive") from error


def _classes(
    tops: list[Path], side: SideName, dataset: str, notes: list[str]
) -> dict[str, list[Path]]:
    """The files of each class in all folders of a side, published names where there are such."""
    published = [] if dataset == "folder" else published_classes(dataset)
    merged: dict[str, list[Path]] = {}
    for top in tops:
        classes = list_classes(top, side)
        if not classes:
            raise SbirError(
                f"there is no class folder with a {side} in it: found {contents(top)}",
                where=top,
                remedy=f"lay it out as {top.name}/<class>/*",
            )
        known, found = published_spelling(classes, published)
        notes += found
        _refuse_twins([known.get(name, name) for name in classes], list(classes), top)
        for name, files in classes.items():
            merged.setdefault(known.get(name, name), []).extend(files)
    return merged


def _refuse_twins(names: list[str], folders: list[str], top: Path) -> None:
    spelled: dict[str, str] = {}
    for name, folder in zip(names, folders, strict=True):
        other = spelled.setdefault(class_key(name), folder)
        if other != folder:
            raise SbirError(
                f"`{other}` and `{folder}` are spellings of one class",
                where=top,
                remedy="put their files into one folder",
            )


def _labelled(classes: dict[str, list[Path]], spelling: dict[str, str]) -> list[Labelled]:
    found = []
    for name, files in classes.items():
        label = spelling[class_key(name)]
        found += [(path, label) for path in files]
    return found


def _assemble(
    root: Path, dataset: str, sketches: list[Labelled], photos: list[Labelled], notes: list[str]
) -> DataSet:
    """All in byte order, with pairs.

    Raises:
        SbirError: no class has both.
    """
    sketches, photos = (
        sorted(side, key=lambda pair: os.fsencode(pair[0])) for side in (sketches, photos)
    )
    read = DataSet(
        name=dataset,
        root=root,
        sketches=[path for path, _ in sketches],
        sketch_classes=[name for _, name in sketches],
        photos=[path for path, _ in photos],
        photo_classes=[name for _, name in photos],
        own_photo=own_photos(root, dataset, sketches, photos),
        notes=tuple(notes),
    )
    if not read.classes:
        drawn, taken = some(set(read.sketch_classes), 3), some(set(read.photo_classes), 3)
        raise SbirError(
            f"no class has both sketches and photos: there are sketches of {drawn} and photos of "
            f"{taken}",
            where=root,
            remedy=f"name the class folders of both sides alike: {understood(dataset)}",
        )
    return read


def _listed(root: Path, dataset: str, folder: Path, vector: bool) -> DataSet:
    """A data set of the files that the lists of a folder name."""
    require_folder(root)
    require_folder(folder)
    published = [] if dataset == "folder" else published_classes(dataset)
    listed = read_lists(folder, root, dataset, published)
    sketches = listed.files["sketch"]
    if vector:
        sketches = [pair for pair in sketches if pair[0].suffix.lower() in VECTOR_SUFFIXES]
        if not sketches:
            raise SbirError("lists no vector drawing (SVG or ndjson)", where=folder)
    read = _assemble(root, dataset, sketches, listed.files["photo"], listed.notes)
    return replace(read, missing=tuple(listed.missing), split=listed.split)
