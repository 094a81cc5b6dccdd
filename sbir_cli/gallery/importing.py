"""A gallery of embeddings that another program made by the same model."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from filelock import Timeout

from sbir_cli.config import IndexConfig
from sbir_cli.embedding import Progress, embed_files, photo_pixels
from sbir_cli.encoder import (
    AnyEncoder,
    PhotoEncoder,
    SketchEncoder,
    load_encoder,
    load_sketch_encoder,
)
from sbir_cli.errors import GalleryError, MismatchError, UsageError
from sbir_cli.gallery.commit import commit
from sbir_cli.gallery.flat import Ids, Matrix, held
from sbir_cli.gallery.foreign import read_vectors
from sbir_cli.gallery.manifest import Manifest, PhotoRow
from sbir_cli.storage.locks import locked

ALIKE = 0.98
"""Median cosine of vectors and their photos' embeddings from which the model is the same: another
decoder or resizer costs up to 0.015, a single photo 0.12."""
ANOTHER = 0.85
"""Cosine below which a single vector is of another picture."""
_RELATED = 0.8  # from here on it is the model, used otherwise
_UNIT = 0.01  # lengths that half precision leaves
_NOWHERE = 1e-6  # a length without a direction
_TRIED = 5  # photos that a moved root is looked for with


@dataclass(frozen=True)
class Imported:
    """What was taken in."""

    manifest: Manifest
    missing: list[Path]
    """Photos that are not there; they are in the gallery all the same."""
    skipped: list[tuple[Path, str]]
    """Photos whose vectors are none, and why."""
    changed: list[Path]
    """Photos of the sample that are another picture than their vector's; the next update of the
    gallery embeds them."""
    checked: int
    median_cosine: float
    """Of the sample's vectors and embeddings; 1.0 where none was checked."""
    lengths: tuple[float, float] | None
    """Least and greatest length of the vectors, where they were not of unit length."""


def import_embeddings(
    vectors: Path,
    names: Sequence[str],
    output: Path,
    *,
    model: str,
    device: str = "auto",
    root: Path | None = None,
    check: int = 32,
    storage: IndexConfig | None = None,
    portable: bool = False,
    introduce: Callable[[AnyEncoder], None] = lambda encoder: None,
    progress: Progress = lambda done, total: None,
) -> Imported:
    """Make a gallery of vectors, and embed a sample of its photos to see that they belong to it.

    Args:
        vectors: (N, D) as `.npy` or FAISS index; see `read_vectors`.
        names: the N photos' paths in the same order; relative ones are below `root`, or below the
            working folder.
        output: the index file to make; it must not be there.
        model: what embedded them; see `load_encoder`.
        root: the folder of the photos. Absolute names that lie elsewhere were its photos on
            another machine. None: the folder that all of them share.
        check: how many photos to embed (0: none), as far as they are there.
        storage, portable: as for `update_gallery`.
        introduce, progress: as for `embed_gallery`.

    Raises:
        UsageError: `output` is there, or a name is twice in the list or not below the root.
        GalleryError: vectors or list cannot be used, or `output` cannot be written.
        MismatchError: the model has another dimension, or gives other embeddings.
        SbirError: the model cannot be loaded, or no photo of the sample can be read.
    """
    if check < 0:
        raise UsageError("--check must be at least 0")
    if output.exists():
        raise UsageError(f"{output} is there already; name a new --output")
    matrix = read_vectors(vectors)
    if len(matrix) != len(names):
        raise GalleryError(
            f"holds {len(matrix):,} vectors, and the list {len(names):,} names",
            where=vectors,
            remedy="the list must have the name of each vector's photo, in the same order",
        )
    place, paths = _placed(names, root)
    rows = _rows(place, paths)
    lengths = np.linalg.norm(matrix, axis=1)
    good = np.isfinite(lengths) & (lengths > _NOWHERE)
    if not good.any():
        raise GalleryError("all of its vectors are zero or not finite", where=vectors)
    matrix[good] /= lengths[good, None]
    missing = [path for path, row in zip(paths, rows, strict=True) if not row.mtime_ns]
    there = np.flatnonzero(good & [row.mtime_ns > 0 for row in rows])
    sample = there[_spread(len(there), check)]
    encoder = _encoder_of(matrix, vectors, model, device, len(sample) > 0)
    introduce(encoder)
    cosines = np.ones(0, np.float32)
    if len(sample):
        photo_encoder = cast(PhotoEncoder, encoder)
        sample, cosines = _compare(photo_encoder, paths, matrix, sample, vectors, progress)
    changed = [int(i) for i in sample[cosines < ANOTHER]]
    for i in changed:  # the next update takes it for a new photo
        rows[i] = rows[i]._replace(size=0, mtime_ns=0)
    bad = [
        row._replace(reason=f"its vector has the length {length:g}")
        for row, length, fine in zip(rows, lengths, good, strict=True)
        if not fine
    ]
    kept = sorted(np.flatnonzero(good).tolist(), key=lambda i: rows[i].path)
    manifest = _commit(
        output,
        matrix[kept],
        [rows[i] for i in kept],
        sorted(bad, key=lambda row: row.path),
        cast(PhotoEncoder, encoder),
        storage or IndexConfig(),
        place,
        portable,
        vectors.name,
    )
    least, most = float(lengths[good].min()), float(lengths[good].max())
    return Imported(
        manifest=manifest,
        missing=missing,
        skipped=[(place / os.fsdecode(row.path), str(row.reason)) for row in bad],
        changed=[paths[i] for i in changed],
        checked=len(cosines),
        median_cosine=float(np.median(cosines)) if len(cosines) else 1.0,
        lengths=None if max(1 - least, most - 1) <= _UNIT else (least, most),
    )


def _placed(names: Sequence[str], root: Path | None) -> tuple[Path, list[Path]]:
    """The root, and the photos' absolute paths below it."""
    base = (root or Path()).absolute()
    if root is not None and not root.is_dir():
        raise UsageError(f"{root} is no folder; give --root the folder of the photos")
    paths = [Path(os.path.normpath(base / name)) for name in names]
    try:
        shared = Path(os.path.commonpath([path.parent for path in paths]))
    except ValueError as error:
        raise UsageError("the photos lie on different drives; make a gallery per drive") from error
    if root is None:
        return shared, paths
    outside = [path for path in paths if not path.is_relative_to(base)]
    if outside and not shared.is_relative_to(base) and len(outside) == len(paths):
        was = _where_it_was(shared, base, paths)
        return base, [base / path.relative_to(was) for path in paths]
    if outside:
        raise UsageError(
            f"{outside[0]} is not below the root {base}; give --root a folder above all photos"
        )
    return base, paths


def _where_it_was(shared: Path, root: Path, paths: list[Path]) -> Path:
    """The folder on another machine that `root` is here: one under which photos are found."""
    some = [paths[i] for i in _spread(len(paths), _TRIED)]
    return next(
        (
            above
            for above in (shared, *shared.parents)
            if any((root / path.relative_to(above)).exists() for path in some)
        ),
        shared,
    )


def _rows(root: Path, paths: list[Path]) -> list[PhotoRow]:
    """A row each; of size 0 where there is no file, which an update takes for a new photo."""
    rows: list[PhotoRow] = []
    seen: dict[bytes, int] = {}
    for number, path in enumerate(paths, 1):
        key = os.fsencode(path.relative_to(root)).replace(os.fsencode(os.sep), b"/")
        if key in seen:
            raise UsageError(f"{path} is name {seen[key]} of the list and name {number}")
        seen[key] = number
        try:
            status = path.stat()
            rows.append(PhotoRow(key, status.st_size, status.st_mtime_ns))
        except OSError:
            rows.append(PhotoRow(key, 0, 0))
    return rows


def _spread(total: int, count: int) -> list[int]:
    """At most `count` numbers below `total`, evenly spread, ascending."""
    if not total or not count:
        return []
    spread = np.linspace(0, total - 1, min(count, total), dtype=np.int64)
    return [int(i) for i in np.unique(spread)]


def _encoder_of(
    matrix: Matrix, vectors: Path, model: str, device: str, embeds: bool
) -> PhotoEncoder | SketchEncoder:
    """The model; where nothing is embedded its exported graph is enough, which needs no torch."""
    encoder: PhotoEncoder | SketchEncoder
    if embeds:
        encoder = loaded = load_encoder(model, device)
        dimension = loaded.dimension
    else:
        encoder = drawn = load_sketch_encoder(model, device)
        blank = np.ones((1, 3, *drawn.preprocess.size), np.float32)
        dimension = drawn.encode_sketches(blank).shape[1]
    if dimension != matrix.shape[1]:
        raise MismatchError(
            f"its vectors have {matrix.shape[1]} dimensions, and {encoder.name} gives {dimension}",
            where=vectors,
            remedy="give the --model that made them",
        )
    return encoder


def _compare(
    encoder: PhotoEncoder,
    paths: list[Path],
    matrix: Matrix,
    sample: Ids,
    vectors: Path,
    progress: Progress,
) -> tuple[Ids, Matrix]:
    """Those of the sample that could be read, and the cosine of vector and embedding of each.

    Raises:
        MismatchError: most are another's.
    """
    found = embed_files(
        [paths[i] for i in sample],
        lambda path: photo_pixels(path, encoder.preprocess),
        encoder.encode_photos,
        batch_size=64,
        workers=2,
        progress=progress,
    )
    read = sample[found.kept]
    cosines = np.asarray((matrix[read] * found.vectors).sum(axis=1), np.float32)
    median = float(np.median(cosines))
    if median >= ALIKE:
        return read, cosines
    best = np.nan_to_num(found.vectors @ matrix.T, nan=-1.0).max(axis=1)
    if float(np.median(best)) >= ALIKE:
        why, remedy = "belong to other photos of the list", "put the list in the vectors' order"
    elif median >= _RELATED:
        why = "were made otherwise: by another activation, preprocessing or state of the model"
        remedy = "name the very model that made them, or embed the photos with it here"
    else:
        why, remedy = "were made by another model", "give the --model that made them"
    raise MismatchError(
        f"its vectors {why}: the median cosine with {encoder.name} over {len(read)} photos "
        f"is {median:.3f}",
        where=vectors,
        remedy=remedy,
    )


def _commit(
    output: Path,
    matrix: Matrix,
    good: list[PhotoRow],
    bad: list[PhotoRow],
    encoder: PhotoEncoder,
    storage: IndexConfig,
    root: Path,
    portable: bool,
    source: str,
) -> Manifest:
    try:
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
        with locked(output.with_name(output.name + ".lock")):
            return commit(
                output,
                held(matrix),
                good,
                bad,
                encoder,
                storage,
                root,
                portable,
                imported_from=source,
            )
    except Timeout as error:
        raise GalleryError("another run is writing it", where=output) from error
    except OSError as error:
        raise GalleryError(
            f"cannot be written ({error.strerror})", where=output, remedy="name another --output"
        ) from error
