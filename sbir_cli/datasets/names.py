"""Class names as people spell them: which folder is which class."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable

_BRACKETED = re.compile(r"\(.*?\)")
_ALIKE = 0.83  # share of letters in common from which a name is a slip of the pen


def class_key(name: str) -> str:
    """What two spellings of one class name share: case, spaces, `_` and `-` do not count."""
    plain = unicodedata.normalize("NFC", name).casefold()
    return "_".join(plain.replace("-", " ").replace("_", " ").split())


def letters(name: str) -> str:
    """The letters and digits of a name: `Hot-air balloon` and `hotairballoon` are the same."""
    return "".join(c for c in unicodedata.normalize("NFC", name).casefold() if c.isalnum())


def published_spelling(
    folders: Iterable[str], published: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """For the class folders of one side the published names, where there are such.

    By `class_key`; then by the letters alone (`carsedan` is `car (sedan)`); then, for published
    names that no folder has, without what is bracketed (`mouse` is `mouse (animal)`) and at last
    by likeness (`griaffe` is `giraffe`), as the photos of TU-Berlin were first released.

    Returns:
        Published name of each folder that has one, and a sentence for each that is merely alike.
    """
    folders, found = sorted(folders), dict[str, str]()
    for plain in (class_key, letters):
        names = {plain(name): name for name in published}
        for folder in folders:
            if folder not in found and plain(folder) in names:
                found[folder] = names[plain(folder)]
    short = {letters(_BRACKETED.sub("", n)): n for n in published if "(" in n}
    notes = []
    for folder in folders:
        if folder in found:
            continue
        free = {letters(name): name for name in published if name not in found.values()}
        key = letters(folder)
        name = short.get(key)
        if name not in free.values():
            alike = difflib.get_close_matches(key, free, n=1, cutoff=_ALIKE)
            name = free[alike[0]] if alike else None
        if name is not None:
            found[folder] = name
            notes.append(f"the folder `{folder}` is taken for the class `{name}`")
    return found, notes


def some(names: Collection[str], shown: int = 5) -> str:
    """`cat, dog`, with at most some of the names."""
    return ", ".join(sorted(names)[:shown]) + (", ..." if len(names) > shown else "")


def some_classes(names: Collection[str]) -> str:
    """`2 classes (cat, dog)`, with at most some of the names."""
    return f"{len(names):,} {'class' if len(names) == 1 else 'classes'} ({some(names)})"
