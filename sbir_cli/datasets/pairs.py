"""Which photo each sketch was drawn from, and which photos Sketchy was extended by."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from sbir_cli.datasets.layouts import role
from sbir_cli.errors import SbirError
from sbir_cli.storage.text_files import open_text

Labelled = tuple[Path, str]
"""A path with its class."""

PAIRS = "pairs.csv"
_NUMBER = re.compile(r"[-_][0-9]+$")
_SKETCHY_NUMBER = re.compile(r"-[0-9]+$")
_EXTENDED_NAME = "ext_"


def own_photos(
    root: Path, dataset: str, sketches: list[Labelled], photos: list[Labelled]
) -> list[int | None]:
    """For each sketch the index of its own photo, or None where there is none.

    By ROOT/pairs.csv where it is there (header `sketch,photo`, paths relative to ROOT); else by
    name inside the class: the sketch `a-3.png` belongs to `a.jpg`, as in Sketchy. In a plain
    folder `a.png` (the same name) and `a_3.png` do so too. Of a photo that is there twice, the
    one that is not in the folder of extended photos is taken.

    Args:
        sketches, photos: paths with their classes.
    """
    listed = root / PAIRS
    if dataset == "folder" and listed.is_file():
        pairs = _read_pairs(listed)
        index = {photo.relative_to(root).as_posix(): i for i, (photo, _) in enumerate(photos)}
        keys = [_without_suffix(sketch.relative_to(root)) for sketch, _ in sketches]
        return [index.get(pairs.get(key, "")) for key in keys]
    by_stem: dict[tuple[str, str], int] = {}
    for i, (photo, label) in enumerate(photos):
        key = (label, photo.stem)
        if key not in by_stem or in_extended(photos[by_stem[key]][0]):
            by_stem[key] = i
    return [_by_name(sketch.stem, label, by_stem, dataset) for sketch, label in sketches]


def _by_name(stem: str, label: str, photos: dict[tuple[str, str], int], dataset: str) -> int | None:
    if dataset == "sketchy":
        return photos.get((label, _SKETCHY_NUMBER.sub("", stem)))
    same = photos.get((label, stem))
    return photos.get((label, _NUMBER.sub("", stem))) if same is None else same


def in_extended(photo: Path) -> bool:
    """Whether a photo `.../<folder>/<class>/x.jpg` lies in the folder that extended Sketchy."""
    return role(photo.parent.parent.name) == "extended"


def without_copies(photos: list[Labelled]) -> tuple[list[Labelled], int]:
    """Sketchy's photos, each once, and how many copies there were.

    Names are unique in a class. The extended folder holds the original photos beside its own
    (`ext_1.jpg`), one of them under another name: as many other names of a class as originals of it
    are not there are copies as well.
    """
    originals: dict[str, set[str]] = {}
    others: dict[str, set[str]] = {}
    for photo, label in photos:
        if not photo.stem.startswith(_EXTENDED_NAME):
            part = others if in_extended(photo) else originals
            part.setdefault(label, set()).add(photo.stem)
    copies = set()
    for label, names in others.items():
        known = originals.get(label, set())
        both = known & names
        renamed = bool(both) and len(names - known) == len(known - names)
        copies |= {(label, name) for name in (names if renamed else both)}
    kept: dict[tuple[str, str], Labelled] = {}
    for photo, label in sorted(photos, key=lambda pair: in_extended(pair[0])):
        if (label, photo.stem) not in copies or not in_extended(photo):
            kept.setdefault((label, photo.stem), (photo, label))
    return list(kept.values()), len(photos) - len(kept)


def paired_photos(photos: list[Labelled]) -> list[int]:
    """Indices of Sketchy's original photos, the ones that sketches were drawn from, each once."""
    named = [i for i, (p, _) in enumerate(photos) if not p.stem.startswith(_EXTENDED_NAME)]
    originals = [i for i in named if not in_extended(photos[i][0])]
    return originals or named


def _without_suffix(path: Path) -> str:
    """A drawing may be listed as its SVG and read as its PNG; lines of a file stay apart."""
    return path.as_posix() if "#" in path.suffix else path.with_suffix("").as_posix()


def _read_pairs(path: Path) -> dict[str, str]:
    try:
        with open_text(path, newline="") as file:
            rows = csv.DictReader(file)
            if not {"sketch", "photo"} <= set(rows.fieldnames or ()):
                raise SbirError(
                    "the first line does not name the columns sketch and photo",
                    where=path,
                    remedy="begin it with `sketch,photo`",
                )
            return {
                _without_suffix(Path(row["sketch"] or "")): Path(row["photo"] or "").as_posix()
                for row in rows
                if row["sketch"]
            }
    except (OSError, csv.Error) as error:
        raise SbirError(f"cannot be read ({error})", where=path) from error
