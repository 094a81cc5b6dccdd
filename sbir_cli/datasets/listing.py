"""What lies in a folder of classes: the sketches or photos of each. No file is opened or asked for
its size, so that a hundred thousand of them take a second."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from sbir_cli.errors import SbirError
from sbir_cli.imaging.drawing_files import drawings_in
from sbir_cli.imaging.formats import PHOTO_SUFFIXES
from sbir_cli.imaging.software_folders import is_software_folder

SideName = Literal["sketch", "photo"]
VECTOR_SUFFIXES = frozenset({".svg", ".ndjson"})
SUFFIXES = {"photo": PHOTO_SUFFIXES, "sketch": PHOTO_SUFFIXES | VECTOR_SUFFIXES}


def entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the folders and of the other files in a folder, sorted; hidden ones and what file
    servers and archivers leave behind are not there.

    Raises:
        SbirError: it cannot be listed.
    """
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if not entry.name.startswith(".") and not is_software_folder(entry.name):
                    (folders if entry.is_dir() else files).append(entry.name)
    except OSError as error:
        reason = (error.strerror or "it cannot be listed").lower()
        gone = isinstance(error, (FileNotFoundError, NotADirectoryError))
        remedy = "check the name" if gone else "make the folder readable"
        raise SbirError(reason, where=folder, remedy=remedy) from error
    return sorted(folders), sorted(files)


def list_classes(top: Path, side: SideName) -> dict[str, list[Path]]:
    """Names of the class folders in a folder, each with its sketches or photos in byte order.

    A sketch side may also hold `<class>.ndjson` beside the folders, as Quick, Draw! is released.
    Class folders without a sketch or photo are left out.

    Raises:
        SbirError: a folder cannot be listed.
    """
    found: dict[str, list[Path]] = {}
    folders, others = entries(top)
    for name in folders:
        folder = top / name
        files = [folder / file for file in entries(folder)[1] if is_image(file, side)]
        if files:
            found[name] = files
    if side == "sketch":
        for name in others:
            stem, suffix = os.path.splitext(name)
            if suffix.lower() == ".ndjson":
                found.setdefault(stem, []).append(top / name)
    return found


def is_image(name: str, side: SideName) -> bool:
    """Whether a file of this name is a sketch or a photo."""
    return os.path.splitext(name)[1].lower() in SUFFIXES[side]


def drawings(files: list[Path], vector: bool) -> list[Path]:
    """The sketches that some files hold, one path each.

    A line of a Quick, Draw! file is a sketch of its own, `path#3` as `drawing_files` names it.
    Where a drawing is there both as a raster and as a vector file, only one is taken.

    Args:
        vector: take the vector drawings only; else a raster file goes before its SVG.
    """
    vectors = {path for path in files if path.suffix.lower() in VECTOR_SUFFIXES}
    if not vectors:
        return [] if vector else files
    rasters = {path.with_suffix("") for path in files if path not in vectors}
    found: list[Path] = []
    for path in files:
        if path.suffix.lower() == ".ndjson":
            found += _lines(path)
        elif path in vectors:
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
