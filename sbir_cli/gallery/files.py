"""The two files of a gallery, found and checked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from sbir_cli.errors import GalleryError
from sbir_cli.gallery.manifest import Manifest, database_path, file_digest, reading, remake
from sbir_cli.imaging.remote import is_remote, root_path
from sbir_cli.storage.glance import sample


def require_index(path: Path) -> None:
    """Refuse a path where no gallery is; errors as `Gallery.open`."""
    if path.is_dir():
        raise GalleryError("is a folder", where=path, remedy="name the index file in it")
    if not path.is_file() and not pending_index(path).is_file():
        raise GalleryError(
            "no such index",
            where=path,
            remedy=f"make it with `sbir embed-gallery PHOTOS -o {path}`",
        )


def pending_index(path: Path) -> Path:
    """Where a new index waits for its database; see `commit`."""
    return path.with_name(path.name + ".new")


def committed_index(path: Path, manifest: Manifest) -> Path:
    """The index file that the manifest describes.

    The database is renamed into place first: a run killed right then leaves the new index under
    its temporary name, where it is as good.

    Raises:
        GalleryError: neither file is the one.
    """
    with reading(path):
        committed = database_path(path).stat().st_mtime_ns
        for candidate in (pending_index(path), path):
            if (
                candidate.is_file()
                and candidate.stat().st_size == manifest.index_bytes
                and (
                    # written before its database, as it was then: not in full at each start
                    (
                        candidate.stat().st_mtime_ns <= committed
                        and sample(candidate) == manifest.index_sample
                    )
                    or file_digest(candidate) == manifest.index_digest
                )
            ):
                return candidate
    raise GalleryError(
        "the index is damaged, or its .db belongs to another index",
        where=path,
        remedy=remake(path),
    )


def possible_roots(path: Path, manifest: Manifest) -> Sequence[Path]:
    """Where the photos may be: beside the index as when it was written, beside the file that a
    link to the index leads to, or where they were on the machine that wrote it."""
    if is_remote(manifest.root):
        return [root_path(manifest.root)]
    roots = [
        Path(os.path.normpath(folder / manifest.root))
        for folder in (path.absolute().parent, path.resolve().parent)
    ]
    return roots if manifest.root_absolute is None else [*roots, Path(manifest.root_absolute)]


def find_root(roots: Sequence[Path], sample: Iterable[bytes]) -> Path:
    """The first of some folders that holds photos, else the first."""
    paths = list(sample)
    return next((root for root in roots if holds_photos(root, paths)), roots[0])


def holds_photos(root: Path, sample: Iterable[bytes]) -> bool:
    """Whether any of a few photos of the gallery is found below `root`."""
    return any((root / os.fsdecode(path)).exists() for path in sample)
