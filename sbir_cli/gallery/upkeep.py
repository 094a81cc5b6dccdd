"""What can be done to a gallery beside searching it: verify, merge, export."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from filelock import Timeout

from sbir_cli.config import IndexConfig
from sbir_cli.embedding import embed_files, photo_pixels
from sbir_cli.encoder import PhotoEncoder
from sbir_cli.errors import GalleryError, UsageError
from sbir_cli.gallery.commit import commit
from sbir_cli.gallery.flat import held
from sbir_cli.gallery.gallery import Gallery
from sbir_cli.gallery.importing import ANOTHER
from sbir_cli.gallery.manifest import Manifest, PhotoRow
from sbir_cli.storage.locks import locked

DRIFT = 0.99
"""Cosine of a photo's stored and new embedding below which something has changed. The bundled model
in bfloat16 and in float32, as other machines and updates by a few photos compute, differs down to
0.994 on the example photos."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Verified:
    """A sample of a gallery's photos, embedded again."""

    checked: int
    """Photos that are as they were when they were embedded."""
    least_cosine: float
    """Of a stored and the new embedding; 1.0 when none was checked."""
    drifted: list[Path]
    """Photos whose embedding is another now: the model computes otherwise than it did."""
    limit: float
    """The cosine below which it is another: `DRIFT`, or less for what another program embedded."""
    changed: list[Path]
    """Photos whose file was changed since, not embedded again."""
    missing: list[Path]
    unreadable: list[tuple[Path, str]]


def verify(
    gallery: Gallery,
    encoder: PhotoEncoder,
    sample: int,
    progress: Progress = lambda done, total: None,
) -> Verified:
    """Embed photos spread evenly over a gallery again, and compare.

    Embeddings that were imported may differ more: other programs decode and resize otherwise.

    Args:
        sample: how many, at least 1.

    Raises:
        MismatchError: another encoder made the gallery.
    """
    if sample < 1:
        raise UsageError("--sample must be at least 1")
    gallery.require(encoder)
    chosen = gallery.spread_ids(sample)
    there: list[int] = []
    changed: list[Path] = []
    missing: list[Path] = []
    for photo in chosen:
        path, row = gallery.path_of(photo), gallery.row(photo)
        try:
            status = path.stat()
        except OSError:
            missing.append(path)
            continue
        same = (status.st_size, status.st_mtime_ns) == (row.size, row.mtime_ns)
        if same or status.st_size == row.size:  # a copy keeps its size, not always its time
            there.append(photo)
        else:
            changed.append(path)
    limit = ANOTHER if gallery.manifest.imported_from else DRIFT
    if not there:
        return Verified(0, 1.0, [], limit, changed, missing, [])
    paths = [gallery.path_of(photo) for photo in there]
    found = embed_files(
        paths,
        lambda path: photo_pixels(path, encoder.preprocess),
        encoder.encode_photos,
        batch_size=64,
        workers=2,
        progress=progress,
    )
    cosines = [
        float(gallery.embedding_of(there[i]) @ vector)
        for i, vector in zip(found.kept, found.vectors, strict=True)
    ]
    drifted = [paths[i] for i, cosine in zip(found.kept, cosines, strict=True) if cosine < limit]
    return Verified(len(cosines), min(cosines), drifted, limit, changed, missing, found.unreadable)


def merge(galleries: Sequence[Gallery], output: Path, storage: IndexConfig) -> Manifest:
    """Join galleries of one encoder; nothing is embedded again. They stay as they are.

    A photo that several of them hold is taken from the last one. Paths are relative to the folder
    that all roots have in common.

    Args:
        output: the index file to make; it must not be there.

    Raises:
        UsageError: fewer than two galleries, `output` is there, or roots have nothing in common.
        GalleryError: they were embedded by different models, or `output` cannot be written.
    """
    if len(galleries) < 2:
        raise UsageError("merging needs at least two galleries")
    if output.exists():
        raise UsageError(f"{output} is there already; name a new --output")
    first = galleries[0].manifest
    for gallery in galleries[1:]:
        if gallery.manifest.fingerprint != first.fingerprint:
            raise GalleryError(
                f"was embedded by {gallery.manifest.encoder}, and not as "
                f"{galleries[0].path} by {first.encoder}",
                where=gallery.path,
                remedy="embed one of them anew with the other's model",
            )
    try:
        root = Path(os.path.commonpath([gallery.root for gallery in galleries]))
    except ValueError as error:
        raise UsageError("the galleries' photos lie on different drives") from error
    good: dict[bytes, tuple[PhotoRow, int, int]] = {}
    bad: dict[bytes, PhotoRow] = {}
    for number, gallery in enumerate(galleries):
        below = os.fsencode(os.path.relpath(gallery.root, root)).replace(os.fsencode(os.sep), b"/")
        prefix = b"" if below == b"." else below + b"/"
        for place, row in enumerate(gallery.rows().values()):  # photos first, as embeddings are
            path = prefix + row.path
            moved = PhotoRow(path, row.size, row.mtime_ns, row.reason)
            good.pop(path, None)
            bad.pop(path, None)
            if row.reason is None:
                good[path] = (moved, number, place)
            else:
                bad[path] = moved
    matrices = [gallery.embeddings() for gallery in galleries]
    ordered = sorted(good.items())
    vectors = np.stack([matrices[number][place] for _, (_, number, place) in ordered])
    rows = [row for _, (row, _, _) in ordered]
    skipped = [bad[path] for path in sorted(bad)]
    stated = cast("PhotoEncoder", _Stated(first.encoder, first.fingerprint))
    portable = all(gallery.manifest.root_absolute is None for gallery in galleries)
    sources = (gallery.manifest.imported_from for gallery in galleries)
    imported_from = next(filter(None, sources), None)
    background = next(filter(None, (gallery.background for gallery in galleries)), None)
    background = background and replace(background, best=())  # to be measured
    try:
        with locked(output.with_name(output.name + ".lock")):
            return commit(
                output,
                held(vectors),
                rows,
                skipped,
                stated,
                storage,
                root,
                portable,
                imported_from,
                background,
            )
    except Timeout as error:
        raise GalleryError("another run is writing it", where=output) from error
    except OSError as error:
        raise GalleryError(
            f"cannot be written ({error.strerror})", where=output, remedy="name another --output"
        ) from error


@dataclass(frozen=True)
class _Stated:
    """What a manifest says of the encoder that made a gallery, without loading it."""

    name: str
    photo_fingerprint: str
