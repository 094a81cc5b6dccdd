"""Which photo each sketch was drawn from: by a list of pairs, or by their names."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from sbir_cli.errors import SbirError

PAIRS = "pairs.csv"
_NUMBER = re.compile(r"[-_][0-9]+$")
_SKETCHY_NUMBER = re.compile(r"-[0-9]+$")


def own_photos(
    root: Path,
    dataset: str,
    sketches: list[tuple[Path, str]],
    photos: list[tuple[Path, str]],
) -> list[int | None]:
    """For each sketch the index of its own photo, or None where there is none.

    By ROOT/pairs.csv where it is there (header `sketch,photo`, paths relative to ROOT); else by
    name inside the class: the sketch `a-3.png` belongs to `a.jpg`, as in Sketchy. In a plain
    folder `a.png` (the same name) and `a_3.png` do so too.

    Args:
        sketches, photos: paths with their classes.
    """
    listed = root / PAIRS
    if dataset == "folder" and listed.is_file():
        pairs = _read_pairs(listed)
        index = {photo.relative_to(root).as_posix(): i for i, (photo, _) in enumerate(photos)}
        keys = [_without_suffix(sketch.relative_to(root)) for sketch, _ in sketches]
        return [index.get(pairs.get(key, "")) for key in keys]
    by_stem = {(label, photo.stem): i for i, (photo, label) in enumerate(photos)}
    return [_by_name(sketch.stem, label, by_stem, dataset) for sketch, label in sketches]


def _by_name(stem: str, label: str, photos: dict[tuple[str, str], int], dataset: str) -> int | None:
    if dataset == "sketchy":
        return photos.get((label, _SKETCHY_NUMBER.sub("", stem)))
    same = photos.get((label, stem))
    return photos.get((label, _NUMBER.sub("", stem))) if same is None else same


def _without_suffix(path: Path) -> str:
    """A drawing may be listed as its SVG and read as its PNG; lines of a file stay apart."""
    return path.as_posix() if "#" in path.suffix else path.with_suffix("").as_posix()


def _read_pairs(path: Path) -> dict[str, str]:
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
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
