"""Where a file lies that a list names, whichever way its data set was unpacked."""

from __future__ import annotations

import os
from pathlib import Path

from sbir_cli.datasets.layouts import is_wrapper, role
from sbir_cli.datasets.listing import entries
from sbir_cli.datasets.names import letters
from sbir_cli.errors import SbirError


class Tree:
    """The files below a folder, looked up by paths that were written for another copy of it.

    A segment of a path is the folder of that name; or one of the same role (`png_ready`, `png` and
    `sketches` are the sketches, `ImageResized` and `images` the photos); or one whose letters are
    the same (`hot-air_balloon`, `hot_air_balloon`). `256x256` and `tx_000000000000` may be there
    or not, and folders above the root may stand in front (`/data/Sketchy/photo/bat/x.jpg`). A file
    may have another suffix (`.JPEG`, `.jpg`). Each folder is listed once.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._content: dict[Path, tuple[list[str], list[str]]] = {}
        self._folders: dict[str, Path | None] = {}
        self._names: dict[Path, dict[str, str]] = {}

    def find(self, listed: str) -> Path | None:
        """The file, or None where there is none.

        Args:
            listed: relative to the root, with `/` or `\\`.
        """
        parts = [part for part in listed.replace("\\", "/").split("/") if part not in ("", ".")]
        if not parts:
            return None
        key = "/".join(parts[:-1])
        if key not in self._folders:
            self._folders[key] = self._anywhere(tuple(parts[:-1]))
        folder = self._folders[key]
        if folder is None:
            return None
        names = self._file_names(folder)
        actual = names.get(parts[-1]) or names.get(_loose(parts[-1]))
        return None if actual is None else folder / actual

    def _anywhere(self, parts: tuple[str, ...]) -> Path | None:
        """A folder, also by a path that begins above the root: of it at least two names count."""
        for start in range(max(1, len(parts) - 1)):
            found = self._folder(self.root, parts[start:])
            if found is not None:
                return found
        return None

    def _folder(self, folder: Path, parts: tuple[str, ...]) -> Path | None:
        if not parts:
            return folder
        first, rest = parts[0], parts[1:]
        there = self._list(folder)[0]
        ways = [(name, rest) for name in _alike(first, there)]
        ways += [("", rest)] if is_wrapper(first) else []
        ways += [(name, parts) for name in there if is_wrapper(name)]
        for name, left in ways:
            found = self._folder(folder / name, left)
            if found is not None:
                return found
        return None

    def _list(self, folder: Path) -> tuple[list[str], list[str]]:
        if folder not in self._content:
            try:
                self._content[folder] = entries(folder)
            except SbirError:  # what lies in it is missing, as if it were not there
                self._content[folder] = ([], [])
        return self._content[folder]

    def _file_names(self, folder: Path) -> dict[str, str]:
        """Actual names under themselves and under what they share with other spellings."""
        if folder not in self._names:
            files = self._list(folder)[1]
            self._names[folder] = {_loose(n): n for n in reversed(files)} | {n: n for n in files}
        return self._names[folder]


def _alike(wanted: str, there: list[str]) -> list[str]:
    """The names that mean the wanted one, the very same first."""
    kind = role(wanted)
    same = [
        name
        for name in there
        if letters(name) == letters(wanted) or (kind is not None and role(name) == kind)
    ]
    return sorted(same, key=lambda name: (name != wanted, name))


def _loose(name: str) -> str:
    """A file's name without its suffix and case, marked so that it is no file's name."""
    return "/" + os.path.splitext(name)[0].casefold()
