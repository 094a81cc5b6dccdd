"""Published file lists: which files of a data set were trained and evaluated on.

A folder of them holds `cname_cid.txt` (`class number` a line, the seen classes) and
`cname_cid_zero.txt` (the unseen ones); and for each side lists of `path number` whose names end in
`_train.txt` (seen classes) and `_zero.txt` (unseen ones), as `all_photo_filelist_zero.txt` or
`sketch_train.txt`. A part that has the list of one side only is not used.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sbir_cli.datasets.layouts import contents, role
from sbir_cli.datasets.listed_files import Tree
from sbir_cli.datasets.listing import SideName, entries
from sbir_cli.datasets.names import class_key, published_spelling, some
from sbir_cli.datasets.pairs import Labelled, in_extended
from sbir_cli.datasets.published import Split
from sbir_cli.errors import SbirError
from sbir_cli.storage.text_files import read_text

_CLASSES = {"train": "cname_cid.txt", "zero": "cname_cid_zero.txt"}
_SIDES: tuple[SideName, SideName] = ("sketch", "photo")


@dataclass
class Listed:
    """The files that lists name."""

    split: Split
    files: dict[SideName, list[Labelled]] = field(default_factory=lambda: {s: [] for s in _SIDES})
    missing: list[Labelled] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_lists(folder: Path, root: Path, dataset: str, published: list[str]) -> Listed:
    """The listed files below `root`.

    A path counts as there in any of the layouts that its data set is handed around in: the
    `_ready` and the plain spelling of a folder are one, and so on (see `listed_files.Tree`).

    Args:
        folder: the one that holds the lists.
        published: class names that the lists' spelling gives way to.

    Raises:
        SbirError: the lists are not whole, a line is not as it should be, or none of a list's
            files is there.
    """
    names = {part: _class_names(folder / file, published) for part, file in _CLASSES.items()}
    if not any(names.values()):
        raise _no_lists(folder)
    both = set(names["train"].values()) & set(names["zero"].values())
    if both:
        raise SbirError(f"lists {some(both)} as seen and as unseen", where=folder)
    lists, unused = _find_lists(folder)
    tree, counts = Tree(root), dict[SideName, Counter[str]]()
    seen, unseen = (sorted(names[part].values()) for part in ("train", "zero"))
    found = Listed(Split(dataset, f"lists {folder.resolve().name}", str(folder), seen, unseen))
    for (side, part), file in sorted(lists.items()):
        listed = _read_list(file, names[part])
        if part == "zero":
            counts[side] = Counter(label for _, label in listed)
        _look_up(listed, side, file, tree, found)
    found.split.photos_per_class.update(counts.get("photo", {}))
    found.split.sketches_per_class.update(counts.get("sketch", {}))
    if unused:
        found.notes.append(f"not used: {some(unused)} of {folder}")
    _note_copies(found)
    return found


def _look_up(
    listed: list[tuple[str, str]], side: SideName, file: Path, tree: Tree, found: Listed
) -> None:
    """Sort the files of one list into those that are there and those that are missing."""
    there = 0
    for path, label in listed:
        actual = tree.find(path)
        if actual is None:
            found.missing.append((tree.root / path, label))
        else:
            there += 1
            found.files[side].append((actual, label))
    if not there:
        raise SbirError(
            f"none of the {len(listed):,} files that {file.name} lists is there "
            f"(first: {listed[0][0]}): found {contents(tree.root)}",
            where=tree.root,
            remedy="name the folder that the listed paths begin in",
        )


def _note_copies(found: Listed) -> None:
    both = Counter((label, photo.stem) for photo, label in found.files["photo"])
    twice = sum(both[label, p.stem] > 1 for p, label in found.files["photo"] if in_extended(p))
    if twice:
        found.notes.append(
            f"{twice:,} photos are listed in both photo folders and count twice, as in the lists"
        )


def _class_names(file: Path, published: list[str]) -> dict[str, str]:
    """Number to name, spelled as published."""
    if not file.is_file():
        return {}
    numbered = [(number, name) for name, number in _lines(file)]
    spelling, _ = published_spelling([name for _, name in numbered], published)
    return {number: spelling.get(name, name) for number, name in numbered}


def _read_list(file: Path, names: dict[str, str]) -> list[tuple[str, str]]:
    """Paths with their classes, each path once.

    Raises:
        SbirError: a class number that is not among the names, or an empty list.
    """
    found: dict[str, str] = {}
    for path, number in _lines(file):
        if number not in names:
            raise SbirError(
                f"gives `{path}` the class {number}, which the list of class names lacks",
                where=file,
                remedy="keep the lists and cname_cid*.txt of one release together",
            )
        found[path] = names[number]
    if not found:
        raise SbirError("is empty", where=file, remedy="fetch the lists again")
    return list(found.items())


def _lines(file: Path) -> list[tuple[str, str]]:
    """`text number` of each line; the text may hold spaces."""
    try:
        content = read_text(file)
    except OSError as error:
        raise SbirError(f"cannot be read ({error.strerror})", where=file) from error
    found = []
    for place, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        text, _, number = line.strip().replace("\t", " ").rpartition(" ")
        if not text or not number.isdecimal():
            raise SbirError(
                f"line {place} is not `path class-number`", where=file, remedy="fetch it again"
            )
        found.append((text.strip(), str(int(number))))
    return found


def _find_lists(folder: Path) -> tuple[dict[tuple[SideName, str], Path], list[str]]:
    """The list of each side and part, and the names of other text files.

    Raises:
        SbirError: two lists of one kind, or there is no part with lists of both sides.
    """
    found: dict[tuple[SideName, str], list[Path]] = {}
    unused = []
    for name in entries(folder)[1]:
        stem = name.casefold().removesuffix(".txt")
        if not name.casefold().endswith(".txt") or stem.startswith("cname_cid"):
            continue
        part = next((part for part in _CLASSES if stem.endswith(f"_{part}")), None)
        side = _side(folder / name, stem)
        if part is None or side is None:
            unused.append(name)
        else:
            found.setdefault((side, part), []).append(folder / name)
    lists = {kind: _whole_list(files) for kind, files in found.items()}
    for side, part in sorted(lists):
        if not all((other, part) in lists for other in _SIDES):
            unused.append(lists.pop((side, part)).name)
    if not lists:
        raise _no_lists(folder)
    return lists, unused


def _side(file: Path, stem: str) -> SideName | None:
    """By the list's name, or else by the folders that its first path names."""
    words = stem.replace("-", "_").split("_")
    for side, known in (("photo", ("photo", "image")), ("sketch", ("sketch", "png"))):
        if any(word.startswith(known) for word in words):
            return side  # type: ignore[return-value]
    first = next(iter(_lines(file)), ("", ""))[0]
    roles = {role(part) for part in class_key(first).split("/")} - {None}
    if roles & {"photo", "extended"}:
        return "photo"
    return "sketch" if roles else None


def _whole_list(files: list[Path]) -> Path:
    """Of several lists the one of all photos."""
    whole = [file for file in files if file.name.casefold().startswith("all")]
    if len(files) == 1 or len(whole) == 1:
        return (whole or files)[0]
    raise SbirError(
        f"{' and '.join(file.name for file in files)} list the same thing",
        where=files[0].parent,
        remedy="leave one of them in the folder",
    )


def _no_lists(folder: Path) -> SbirError:
    found = contents(folder)
    inside = [name for name in entries(folder)[0] if (folder / name / _CLASSES["zero"]).is_file()]
    if inside:
        remedy = f"name {' or '.join(str(folder / name) for name in inside[:3])}"
    else:
        remedy = (
            "lists are cname_cid.txt with *_train.txt and cname_cid_zero.txt with *_zero.txt, one "
            "of sketches and one of photos each"
        )
    return SbirError(f"holds no file lists: found {found}", where=folder, remedy=remedy)
