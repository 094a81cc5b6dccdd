"""Where the sketches and the photos of a data set lie, as it is handed around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sbir_cli.datasets.listing import SideName, entries
from sbir_cli.datasets.names import some
from sbir_cli.errors import SbirError

_UNDERSTOOD = {
    "folder": "sketch/<class>/ beside photo/<class>/",
    "sketchy": "[256x256/]{sketch,photo}/[tx_000000000000/]<class>/, and extended photos in "
    "EXTEND_image_sketchy/<class>/ or extended_photo/<class>/",
    "tuberlin": "png/<class>/ or sketches/<class>/ beside ImageResized/<class>/ or images/<class>/",
    "quickdraw": "sketches/<class>/ or QuickDraw_sketches_final/<class>/ beside images/<class>/ or "
    "QuickDraw_images_final/<class>/",
}

RENDERED = "256x256"  # Sketchy's release keeps both sides in this folder
_AUGMENTATION = "tx_"  # ... and differently scaled copies in tx_... folders, of which one is
_UNCHANGED = "tx_000000000000"  # the sketch as it was drawn
_NAMES = {
    "sketch": ("sketch", "sketches", "sketchs", "quickdraw_sketches_final", "png", "svg"),
    "photo": ("photo", "photos", "images", "image", "imageresized", "quickdraw_images_final"),
    "extended": ("extend_image_sketchy", "extended_photo", "extended_photos"),
}
_PLURAL: dict[SideName, str] = {"sketch": "sketches", "photo": "photos"}
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".gz", ".xz")


def understood(dataset: str) -> str:
    """The layouts of a data set, for a person to read."""
    return _UNDERSTOOD.get(dataset, _UNDERSTOOD["folder"])


def plain(name: str) -> str:
    """A folder's name without regard to case and to `_ready`, which some lists put behind it."""
    return name.casefold().replace("-", "_").removesuffix("_ready")


def role(folder: str) -> str | None:
    """`sketch`, `photo` or `extended`, for a folder that is named as one of them."""
    return next((r for r, names in _NAMES.items() if plain(folder) in names), None)


def is_wrapper(folder: str) -> bool:
    """Whether a folder may stand between a side and its classes, or above it, or be left out."""
    return plain(folder) in (RENDERED, _UNCHANGED)


@dataclass(frozen=True)
class Sides:
    """The folders that hold the class folders of each side."""

    sketch: list[Path]
    photo: list[Path]
    notes: list[str]
    """A sentence for each folder that was passed over."""


def find_sides(
    root: Path | None,
    dataset: str,
    vector: bool = False,
    sketches: list[Path] | None = None,
    photos: list[Path] | None = None,
) -> Sides:
    """Where the two sides of a data set lie.

    Args:
        root: may be None where both sides are named.
        vector: an `svg` folder goes before a `png` folder.
        sketches, photos: folders named by the user; that side is not looked for.

    Raises:
        SbirError: a side is not there; the message says what is, and what would have been read.
    """
    notes: list[str] = []
    if root is not None:
        require_folder(root)
    if not sketches and root is not None:
        sketches = _choose(root, "sketch", dataset, vector, notes)
    if not photos and root is not None:
        photos = _choose(root, "photo", dataset, vector, notes)
    return Sides(
        [inner(top) for top in sketches or ()], [inner(top) for top in photos or ()], notes
    )


def _choose(root: Path, side: SideName, dataset: str, vector: bool, notes: list[str]) -> list[Path]:
    """One folder for the sketches; for the photos one, or with the extended ones two."""
    chosen = []
    for kind in (side, "extended") if side == "photo" else (side,):
        found = list(candidates(root, kind, vector))
        taken = 0 if kind == "extended" and dataset != "sketchy" else 1
        chosen += found[:taken]
        for folder in found[taken:]:
            beside = f" beside {chosen[-1].relative_to(root)}/" if taken else ""
            how = f"--{_PLURAL[side]} reads it" if taken else "--dataset sketchy reads it"
            notes.append(f"{folder.relative_to(root)}/ is passed over{beside} ({how})")
    if not chosen:
        raise refusal(root, side, dataset)
    return chosen


def candidates(root: Path, kind: str, vector: bool = False) -> Iterator[Path]:
    """Folders of a kind, the best first."""
    names = _NAMES[kind]
    if vector and kind == "sketch":
        names = ("svg", *names)
    for place in (root, root / RENDERED):
        if not place.is_dir():
            continue
        folders = entries(place)[0]
        for name in dict.fromkeys(names):
            # the plain spelling before `_ready`: those are copies of it in another size
            alike = [folder for folder in folders if plain(folder) == name]
            yield from (place / folder for folder in sorted(alike, key=lambda f: (len(f), f)))


def inner(top: Path) -> Path:
    """The folder below a side's that holds its classes.

    Raises:
        SbirError: it cannot be listed, or holds only scaled copies.
    """
    copies = [name for name in entries(top)[0] if name.startswith(_AUGMENTATION)]
    unchanged = [name for name in copies if plain(name) == _UNCHANGED]
    if unchanged:
        return top / unchanged[0]
    if copies:
        raise SbirError(
            f"holds {some(copies)} and not {_UNCHANGED}, the images as they were drawn",
            where=top,
            remedy=f"unpack {_UNCHANGED} too, or name a folder with --sketches or --photos",
        )
    return top


def require_folder(root: Path) -> None:
    """Raises:
    SbirError: it is not there, or no folder.
    """
    if root.is_dir():
        return
    if root.exists():
        archive = root.suffix.lower() in _ARCHIVES
        raise SbirError(
            "is a file and not a folder",
            where=root,
            remedy="unpack it and name the folder" if archive else "name the folder it lies in",
        )
    raise SbirError("no such folder", where=root, remedy="check the name")


def refusal(root: Path, side: SideName, dataset: str) -> SbirError:
    """What is wrong with a tree that lacks a side."""
    what = _PLURAL[side]
    return SbirError(
        f"there is no folder of {what} in it: found {contents(root)}",
        where=root,
        remedy=_remedy(root, what, dataset),
    )


def contents(folder: Path) -> str:
    """What a folder holds, for a person: `a/, b/ and 3 files (x.zip, ...)`."""
    folders, files = entries(folder)
    parts = []
    if folders:
        count = f"{len(folders):,} folders (" if len(folders) > 5 else ""
        parts.append(count + some([f"{name}/" for name in folders]) + (")" if count else ""))
    if files:
        parts.append(f"{len(files):,} {'file' if len(files) == 1 else 'files'} ({some(files, 3)})")
    return " and ".join(parts) or "nothing"


def _remedy(root: Path, what: str, dataset: str) -> str:
    folders, files = entries(root)
    inside = [name for name in folders if _has_both(root / name)]
    if inside:
        return f"name {' or '.join(str(root / name) for name in inside[:3])}"
    archives = [name for name in files if name.lower().endswith(_ARCHIVES)]
    if archives:
        return f"unpack {some(archives, 3)} first"
    return (
        f"--dataset {dataset} reads {understood(dataset)}; name any other folder with --{what} "
        "(of <class>/ folders)"
    )


def _has_both(folder: Path) -> bool:
    try:
        return all(next(candidates(folder, side), None) for side in ("sketch", "photo"))
    except SbirError:
        return False
