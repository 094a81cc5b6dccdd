"""A data set: sketches and photos by class, and parts of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sbir_cli.datasets.names import some_classes
from sbir_cli.datasets.pairs import Labelled, paired_photos
from sbir_cli.datasets.published import Split


@dataclass(frozen=True)
class DataSet:
    """Sketches and photos by class; all lists in the byte order of their paths."""

    name: str
    """`folder`, `sketchy`, `tuberlin` or `quickdraw`."""
    root: Path
    """All paths are below it."""
    sketches: list[Path]
    """A line of an ndjson file is `path#3`; `read_sketch` reads any of them."""
    sketch_classes: list[str]
    """Parallel to `sketches`; published spelling where the data set has one."""
    photos: list[Path]
    photo_classes: list[str]
    own_photo: list[int | None]
    """For each sketch the index in `photos` of the one it was drawn from, where that is known."""
    notes: tuple[str, ...] = ()
    """What was noticed in reading it, a sentence each."""
    missing: tuple[Labelled, ...] = ()
    """Files that its lists name and that are not there, with their classes."""
    split: Split | None = None
    """The split that its lists make; None for a data set without lists."""
    tops: dict[str, list[Path]] = field(default_factory=dict)
    """The folders whose class folders were read, under `sketch` and `photo`."""

    @property
    def classes(self) -> list[str]:
        """Sorted names of the classes that have both sketches and photos."""
        return sorted(set(self.sketch_classes) & set(self.photo_classes))

    @property
    def warnings(self) -> list[str]:
        """What is probably not as it was meant, a sentence each."""
        found = list(self.notes)
        if self.missing:
            first = self.missing[0][0].relative_to(self.root)
            found.append(f"{len(self.missing):,} listed files are missing (first: {first})")
        with_sketches, with_photos = set(self.sketch_classes), set(self.photo_classes)
        for classes, lacks in (
            (with_sketches - with_photos, "photos"),
            (with_photos - with_sketches, "sketches"),
        ):
            if classes:
                found.append(f"{some_classes(classes)} without {lacks}")
        lost = [s for s, own in zip(self.sketches, self.own_photo, strict=True) if own is None]
        if lost and len(lost) < len(self.sketches):
            first = lost[0].relative_to(self.root)
            found.append(f"{len(lost):,} sketches whose own photo is missing (first: {first})")
        return found

    @property
    def skipped(self) -> list[tuple[Path, str]]:
        """The files that lists name in vain, each with the reason, as skipped files are told."""
        return [(path, "listed, but not there") for path, _ in self.missing]

    def only(self, classes: Collection[str]) -> DataSet:
        """The part with these classes, in the same order."""
        wanted = set(classes)
        part = self.keep(
            [i for i, name in enumerate(self.sketch_classes) if name in wanted],
            [i for i, name in enumerate(self.photo_classes) if name in wanted],
        )
        return replace(part, missing=tuple(each for each in self.missing if each[1] in wanted))

    def keep(self, sketches: Sequence[int], photos: Sequence[int]) -> DataSet:
        """The part with these indices (ascending) of sketches and photos."""
        new = {old: i for i, old in enumerate(photos)}
        own = [self.own_photo[i] for i in sketches]
        return replace(
            self,
            sketches=[self.sketches[i] for i in sketches],
            sketch_classes=[self.sketch_classes[i] for i in sketches],
            photos=[self.photos[i] for i in photos],
            photo_classes=[self.photo_classes[i] for i in photos],
            own_photo=[None if index is None else new.get(index) for index in own],
        )

    def for_task(self, task: str) -> DataSet:
        """The part that a task is about: for `fine-grained`, Sketchy without the photos that it
        was extended by, which nobody drew; else the whole."""
        if task != "fine-grained" or self.name != "sketchy":
            return self
        photos = paired_photos(list(zip(self.photos, self.photo_classes, strict=True)))
        if len(photos) == len(self.photos):
            return self
        return self.keep(range(len(self.sketches)), photos)

    def manifest(self) -> dict[str, Any]:
        """JSON-ready: counts, classes, and the SHA-256 of the relative paths, a line each,
        sorted."""
        return {
            "dataset": self.name,
            "sketches": len(self.sketches),
            "photos": len(self.photos),
            "classes": self.classes,
            "files_sha256": files_sha256(self.root, self.sketches + self.photos),
        }


def files_sha256(root: Path, paths: Sequence[Path]) -> str:
    """Of the paths relative to a root, a line each, sorted."""
    names = sorted(os.fsencode(path.relative_to(root)) for path in paths)
    return hashlib.sha256(b"".join(name + b"\n" for name in names)).hexdigest()
