"""Drawings with names and without photos as a data set."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from sbir_cli.datasets.dataset import files_sha256
from sbir_cli.datasets.layouts import candidates, contents, inner
from sbir_cli.datasets.listing import drawings, list_classes
from sbir_cli.datasets.names import class_key
from sbir_cli.errors import ImageError, SbirError
from sbir_cli.imaging.drawing_files import drawing_bytes

_WORD = re.compile(rb'"word"\s*:\s*("(?:[^"\\]|\\.)*")')
_UNRECOGNISED = re.compile(rb'"recognized"\s*:\s*false')
_RELEASED = re.compile(r"^full[_-](simplified|raw)[_-]")  # as Quick, Draw! names its files


@dataclass(frozen=True)
class DrawingSet:
    """Drawings with their classes, in the byte order of their files."""

    root: Path
    """All are below it."""
    drawings: list[Path]
    """A line of an ndjson file is `path#3`."""
    labels: list[str]
    """The class of each."""
    offsets: list[int | None] = field(repr=False)
    """Where in its file each begins, in bytes; None for a file of its own."""
    notes: tuple[str, ...] = ()
    """What was noticed in reading, a sentence each."""

    @property
    def classes(self) -> list[str]:
        """Sorted names."""
        return sorted(set(self.labels))

    def read(self, index: int) -> bytes:
        """The bytes of one drawing, for `read_sketches`; a line of a large file is found at once.

        Raises:
            ImageError: it cannot be read.
        """
        path, offset = self.drawings[index], self.offsets[index]
        if offset is None:
            return drawing_bytes(path)
        try:
            with path.with_name(path.name.rpartition("#")[0]).open("rb") as file:
                file.seek(offset)
                return file.readline()
        except OSError as error:
            raise ImageError((error.strerror or "cannot be read").lower(), where=path) from error

    def without(self, classes: Collection[str]) -> DrawingSet:
        """The part without some classes, in whichever spelling."""
        keys = {class_key(name) for name in classes}
        return self.keep([i for i, n in enumerate(self.labels) if class_key(n) not in keys])

    def keep(self, indices: Sequence[int]) -> DrawingSet:
        """The part with these indices (ascending)."""
        return replace(
            self,
            drawings=[self.drawings[i] for i in indices],
            labels=[self.labels[i] for i in indices],
            offsets=[self.offsets[i] for i in indices],
        )

    def require(self, classes: int = 2) -> None:
        """Refuse what nothing can be learned from.

        Raises:
            SbirError: there are fewer classes.
        """
        found = self.classes
        if len(found) < classes:
            names = f" ({found[0]})" if len(found) == 1 else ""
            raise SbirError(
                f"{len(self.drawings):,} drawings of {len(found)} class{names} are too few to "
                f"learn from; at least {classes} classes are needed",
                where=self.root,
                remedy="add drawings of other things",
            )

    def manifest(self) -> dict[str, Any]:
        """JSON-ready: counts, classes and the SHA-256 of the relative names, sorted."""
        return {
            "dataset": "drawings",
            "drawings": len(self.drawings),
            "classes": self.classes,
            "files_sha256": files_sha256(self.root, self.drawings),
        }


@dataclass(frozen=True)
class _Drawing:
    path: Path
    label: str
    offset: int | None = None


def read_drawings(
    places: Sequence[Path], *, per_class: int | None = None, seed: int = 0
) -> DrawingSet:
    """The drawings with names in some places; only ndjson files are opened.

    A place is a folder of `<class>/` folders, a data set whose sketches lie in such (`sketch/`,
    `png/` and so on), a folder of Quick, Draw! `.ndjson` files, or one such file. A line's class is
    its `word`, else the file's name; in a class folder it is the folder's. Lines that Quick, Draw!
    did not recognise are left out.

    Args:
        per_class: take so many of a class at most, drawn by `seed`.

    Raises:
        SbirError: a place is not there, or there is no drawing with a name in all of them.
    """
    notes: list[str] = []
    found: list[_Drawing] = []
    unrecognised = 0
    for place in (Path(os.path.abspath(place)) for place in places):
        drawn, left_out = _read_place(place)
        found += drawn
        unrecognised += left_out
    if unrecognised:
        notes.append(f"{unrecognised:,} drawings that were not recognised are left out")
    if not found:
        raise SbirError(
            f"there is no drawing with a name in it: found {contents(places[0])}"
            if len(places) == 1 and places[0].is_dir()
            else "there is no drawing with a name in them",
            where=", ".join(map(str, places)),
            remedy="put each class into a folder (cat/1.png), or name Quick, Draw! .ndjson files",
        )
    spelling: dict[str, str] = {}
    found = [
        replace(one, label=spelling.setdefault(class_key(one.label), one.label)) for one in found
    ]
    if per_class is not None:
        found = _sample(found, per_class, seed, notes)
    found.sort(key=lambda one: (os.fsencode(_file(one)), one.offset or 0))
    root = Path(os.path.commonpath([one.path.parent for one in found]))
    return DrawingSet(
        root,
        [one.path for one in found],
        [one.label for one in found],
        [one.offset for one in found],
        tuple(notes),
    )


def _file(drawing: _Drawing) -> Path:
    path = drawing.path
    return path if drawing.offset is None else path.with_name(path.name.rpartition("#")[0])


def _read_place(place: Path) -> tuple[list[_Drawing], int]:
    """The drawings of one place, and how many were not recognised."""
    if place.is_file() and place.suffix.lower() == ".ndjson":
        return _lines(place)
    if place.is_file():
        raise SbirError(
            "is one drawing without a name", where=place, remedy="name a folder of <class>/ folders"
        )
    if not place.is_dir():
        raise SbirError("no such folder", where=place, remedy="check the name")
    side = next(candidates(place, "sketch"), None)
    top = place if side is None else inner(side)
    found: list[_Drawing] = []
    unrecognised = 0
    for name, files in list_classes(top, "sketch").items():
        for path in files:
            if path.suffix.lower() == ".ndjson":
                drawn, left_out = _lines(path, name if path.parent != top else None)
                found += drawn
                unrecognised += left_out
        whole = drawings([path for path in files if path.suffix.lower() != ".ndjson"], vector=False)
        found += [_Drawing(path, name) for path in whole]
    return found, unrecognised


def _lines(path: Path, label: str | None = None) -> tuple[list[_Drawing], int]:
    """The drawings of a file with one on each line, and how many were not recognised.

    Args:
        label: the class of all; None where each line says its own.
    """
    name = _RELEASED.sub("", path.stem).replace("%20", " ")
    found: list[_Drawing] = []
    unrecognised = offset = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if _UNRECOGNISED.search(line):
                    unrecognised += 1
                elif line.strip(b"\xef\xbb\xbf \t\r\n"):
                    own = label or _word(line) or name
                    found.append(_Drawing(path.with_name(f"{path.name}#{number}"), own, offset))
                offset += len(line)
    except OSError as error:
        raise SbirError(f"cannot be read ({error.strerror})", where=path) from error
    return found, unrecognised


def _word(line: bytes) -> str | None:
    match = _WORD.search(line)
    if match is None:
        return None
    try:
        return str(json.loads(match[1])).strip() or None
    except ValueError:  # the drawing cannot be read either, and is told where it is read
        return None


def _sample(found: list[_Drawing], most: int, seed: int, notes: list[str]) -> list[_Drawing]:
    classes: dict[str, list[_Drawing]] = {}
    for one in found:
        classes.setdefault(one.label, []).append(one)
    larger = sum(len(members) > most for members in classes.values())
    if larger:
        notes.append(f"{most:,} drawings are taken of each of {larger:,} classes that have more")
    random = Random(seed)
    return [
        one
        for _, members in sorted(classes.items())
        for one in (members if len(members) <= most else random.sample(members, most))
    ]
