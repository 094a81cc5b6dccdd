"""What lies in a data set's folder: its two sides, their classes and the files of each."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from sbir_cli.errors import SbirError
from sbir_cli.imaging.drawing_files import drawings_in
from sbir_cli.imaging.images import PHOTO_SUFFIXES

SIDES = {"sketch": ("sketch", "sketches", "sketchs"), "photo": ("photo", "photos")}
VECTOR_SUFFIXES = frozenset({".svg", ".ndjson"})
_SKETCH_SUFFIXES = PHOTO_SUFFIXES | VECTOR_SUFFIXES
_AUGMENTATION = "tx_"  # Sketchy's release keeps differently scaled copies in tx_... folders
_UNCHANGED = "tx_000000000000"


def class_key(name: str) -> str:
    """What two spellings of one class name share: case, spaces, `_` and `-` do not count."""
    plain = unicodedata.normalize("NFC", name).casefold()
    return "_".join(plain.replace("-", " ").replace("_", " ").split())


def list_side(root: Path, side: str) -> dict[str, list[Path]]:
    """Folder names of the classes below ROOT/sketch or ROOT/photo, each with its files.

    A sketch side may also hold `<class>.ndjson` beside the folders, as Quick, Draw! is released.

    Raises:
        SbirError: there is no such folder, it holds no class, or two folders are one class.
    """
    top = _side_folder(root, side)
    found: dict[str, list[Path]] = {}
    for entry in _entries(top):
        if entry.is_dir():
            files = [p for p in _entries(entry) if _counts(p, side)]
            if files:
                found.setdefault(entry.name, []).extend(files)
        elif side == "sketch" and entry.suffix.lower() == ".ndjson":
            found.setdefault(entry.stem, []).append(entry)
    if not found:
        raise SbirError(
            f"there is no class folder with a {side} in it",
            where=top,
            remedy=f"lay it out as {top.name}/<class>/*",
        )
    _refuse_twins(found, top)
    return found


def _side_folder(root: Path, side: str) -> Path:
    if not root.is_dir():
        raise SbirError("no such folder", where=root, remedy="check the name")
    for name in SIDES[side]:
        folder = root / name
        if folder.is_dir():
            inside = [entry.name for entry in _entries(folder) if entry.is_dir()]
            copies = bool(inside) and all(name.startswith(_AUGMENTATION) for name in inside)
            return folder / _UNCHANGED if copies and _UNCHANGED in inside else folder
    raise SbirError(
        f"there is no folder `{side}` in it",
        where=root,
        remedy="a data set is sketch/<class>/* beside photo/<class>/*",
    )


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted((p for p in folder.iterdir() if not p.name.startswith(".")), key=os.fsencode)
    except OSError as error:
        raise SbirError(f"cannot be listed ({error.strerror})", where=folder) from error


def _counts(path: Path, side: str) -> bool:
    suffixes = PHOTO_SUFFIXES if side == "photo" else _SKETCH_SUFFIXES
    return path.suffix.lower() in suffixes and not path.is_dir()


def _refuse_twins(classes: dict[str, list[Path]], top: Path) -> None:
    spelled: dict[str, str] = {}
    for name in classes:
        other = spelled.setdefault(class_key(name), name)
        if other != name:
            raise SbirError(
                f"`{other}` and `{name}` are spellings of one class",
                where=top,
                remedy="put their files into one folder",
            )


def drawings(files: list[Path], vector: bool) -> list[Path]:
    """The sketches that some files hold, one path each.

    A line of a Quick, Draw! file is a sketch of its own, `path#3` as `sketches.py` names it. Where
    a drawing is there both as a raster and as a vector file, only one is taken.

    Args:
        vector: take the vector drawings only; else a raster file goes before its SVG.
    """
    rasters = {p.with_suffix("") for p in files if p.suffix.lower() not in VECTOR_SUFFIXES}
    found: list[Path] = []
    for path in files:
        suffix = path.suffix.lower()
        if suffix == ".ndjson":
            found += _lines(path)
        elif suffix == ".svg":
            if vector or path.with_suffix("") not in rasters:
                found.append(path)
        elif not vector:
            found.append(path)
    return found


def _lines(path: Path) -> list[Path]:
    try:
        return drawings_in(path)
    except OSError as error:
        raise SbirError(f"cannot be read ({error.strerror})", where=path) from error
