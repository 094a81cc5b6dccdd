"""Plain photos without classes as a data set: what is in the folders, and what of it serves."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sbir_cli.datasets.dataset import files_sha256
from sbir_cli.datasets.photo_contents import Glance, glance_at, near_duplicates
from sbir_cli.errors import ImageError, SbirError
from sbir_cli.imaging.decoding import decode_ahead
from sbir_cli.imaging.images import find_photos

_BATCH = 64  # photos between two calls of `progress`


@dataclass(frozen=True)
class PhotoSet:
    """Photos, in the byte order of their paths."""

    root: Path
    """All are below it."""
    photos: list[Path]
    unreadable: tuple[tuple[Path, str], ...] = ()
    """Files and folders that were left out, and why."""
    graphics: tuple[Path, ...] = ()
    """Screenshots, charts and drawings that were left out (`look_at`)."""
    groups: npt.NDArray[np.int64] | None = None
    """(N,) after `look_at`: photos with the same number, from 0, are near-duplicates."""

    @property
    def different(self) -> int:
        """Photos that are no near-duplicates of each other; before `look_at`, all."""
        return len(self.photos) if self.groups is None else len(np.unique(self.groups))

    @property
    def notes(self) -> list[str]:
        """What a person should know of it, a sentence each."""
        found = []
        if self.graphics:
            found.append(f"{len(self.graphics):,} screenshots or graphics are left out")
        if self.different < len(self.photos):
            alike = len(self.photos) - self.different
            found.append(f"{alike:,} of {len(self.photos):,} photos are near-duplicates of others")
        return found

    def keep(self, indices: Sequence[int]) -> PhotoSet:
        """The part with these indices (ascending)."""
        groups = None if self.groups is None else self.groups[np.asarray(indices, np.int64)]
        return replace(self, photos=[self.photos[i] for i in indices], groups=groups)

    def require(self, least: int) -> None:
        """Refuse what nothing can be learned from.

        Args:
            least: different photos that are needed.

        Raises:
            SbirError: there are fewer; it says why.
        """
        count, graphics = len(self.photos), len(self.graphics)
        if self.different >= least:
            return
        needed = f"at least {least:,} different ones are needed"
        if graphics > count:
            what = (
                f"{graphics:,} of its {graphics + count:,} images are screenshots or graphics, "
                f"which leaves {_photos(self.different)}; {needed}"
            )
        elif self.different < count:
            what = f"its {_photos(count)} are near-duplicates of {self.different:,}; {needed}"
        elif count == 0 and self.unreadable:
            what = f"none of its photos can be read (first: {self.unreadable[0][1]})"
        else:
            what = f"{_photos(count)} are too few to learn from; {needed}"
        raise SbirError(
            what, where=self.root, remedy="name folders with more photos of more things"
        )

    def manifest(self) -> dict[str, Any]:
        """JSON-ready: counts and the SHA-256 of the relative paths, a line each, sorted."""
        return {
            "dataset": "photos",
            "photos": len(self.photos),
            "files_sha256": files_sha256(self.root, self.photos),
        }


def _photos(count: int) -> str:
    return f"{count:,} {'photo' if count == 1 else 'photos'}"


def read_photos(folders: Sequence[Path], exclude: Sequence[str] = ()) -> PhotoSet:
    """All photos below some folders, as `sbir embed-gallery` finds them; none is opened.

    Raises:
        SbirError: a folder is not there, or there is no photo in all of them.
    """
    found = find_photos(folders, exclude)
    tops = [str(top if top.is_dir() else top.parent) for top in map(_absolute, folders)]
    try:
        root = Path(os.path.commonpath(tops))
    except ValueError:  # drives of Windows have nothing in common
        root = Path()
    return PhotoSet(root, found.paths, tuple(found.unreadable))


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))


def look_at(
    photos: PhotoSet,
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PhotoSet:
    """Open every photo once, small: what cannot be read and what is no photo is left out, and
    near-duplicates are told.

    Args:
        workers: threads that decode.
        progress: called with the photos done and all of them.
    """
    kept: list[int] = []
    graphics: list[Path] = []
    unreadable = list(photos.unreadable)
    glances: list[Glance] = []
    count = len(photos.photos)
    batches = [range(count)[i : i + _BATCH] for i in range(0, count, _BATCH)]
    for batch, results in decode_ahead(batches, lambda i: glance_at(photos.photos[i]), workers):
        for i, glance in zip(batch, results, strict=True):
            if isinstance(glance, ImageError):
                unreadable.append((photos.photos[i], glance.what))
            elif glance.graphic:
                graphics.append(photos.photos[i])
            else:
                kept.append(i)
                glances.append(glance)
        progress(batch[-1] + 1, count)
    small = np.array([glance.small for glance in glances], np.uint8).reshape(-1, 16, 16, 3)
    return replace(
        photos.keep(kept),
        groups=near_duplicates(small),
        graphics=tuple(graphics),
        unreadable=tuple(unreadable),
    )
