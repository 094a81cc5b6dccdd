"""Many files to unit vectors: decoded ahead, batched, bad ones told.

This is the one road from a file to an embedding: `photo_pixels` or `sketch_pixels` in threads,
then the encoder, a batch at a time. A gallery, an evaluation and a query walk it alike; training
takes its pixels from here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

from sbir_cli.config import SketchConfig
from sbir_cli.errors import ImageError, ModelError, SbirError
from sbir_cli.imaging.decoding import decode_ahead
from sbir_cli.imaging.images import read_photo
from sbir_cli.imaging.preprocess import Bytes, Pixels, Preprocess
from sbir_cli.imaging.sketches import read_sketch

Embeddings = npt.NDArray[np.float32]
"""(N, D), unit length."""
Images = npt.NDArray[Any]
"""Pixels: photos as bytes, (3, H, W) uint8, sketches as float32, ready for a model."""
Encode = Callable[[Images], Embeddings]
"""(N, 3, H, W) pixels to (N, D) embeddings."""
Progress = Callable[[int, int], None]
"""Called with the images done so far and the images there are."""
Item = TypeVar("Item")


@dataclass(frozen=True)
class EmbeddedFiles:
    """The files of a list that could be read."""

    kept: list[int]
    """Indices in the list, ascending."""
    vectors: Embeddings
    """(len(kept), D)."""
    unreadable: list[tuple[Path, str]]
    """What was left out, and why."""


def embed_batches(
    batches: Iterable[Sequence[Item]],
    pixels: Callable[[Item], Images],
    encode: Encode,
    workers: int,
) -> Iterator[tuple[Sequence[Item], list[Embeddings | ImageError]]]:
    """Each batch with the (D,) embedding of each of its items; an error takes its item's place.

    Args:
        batches: what is encoded together. The last bits of an embedding can depend on its batch.
        pixels: an item to (3, H, W), called in `workers` threads ahead of the encoder.

    Raises:
        ModelError: the model gives an embedding that is not finite.
    """
    for batch, decoded in decode_ahead(batches, pixels, workers):
        good = [each for each in decoded if not isinstance(each, ImageError)]
        vectors = iter(_finite(encode(np.stack(good))) if good else ())
        yield batch, [each if isinstance(each, ImageError) else next(vectors) for each in decoded]


def embed_files(
    paths: Sequence[Path],
    pixels: Callable[[Path], Images],
    encode: Encode,
    *,
    batch_size: int,
    workers: int,
    progress: Progress = lambda done, total: None,
) -> EmbeddedFiles:
    """All files that can be read, at least one; arguments as `embed_batches`.

    Raises:
        SbirError: none can be read.
        ModelError: the model gives an embedding that is not finite.
    """
    indices = range(len(paths))
    batches = [indices[i : i + batch_size] for i in range(0, len(paths), batch_size)]
    kept: list[int] = []
    vectors: list[Embeddings] = []
    unreadable: list[tuple[Path, str]] = []
    for batch, embedded in embed_batches(batches, lambda i: pixels(paths[i]), encode, workers):
        for i, vector in zip(batch, embedded, strict=True):
            if isinstance(vector, ImageError):
                unreadable.append((paths[i], vector.what))
            else:
                kept.append(i)
                vectors.append(vector)
        progress(batch[-1] + 1, len(paths))
    if not vectors:
        path, reason = unreadable[0]
        raise SbirError(f"none of {len(paths):,} images can be read (first: {path}: {reason})")
    return EmbeddedFiles(kept, np.stack(vectors), unreadable)


def photo_image(source: Path | bytes, preprocess: Preprocess) -> Image:
    """An upright RGB photo, no larger than the model's pixels need.

    Raises:
        ImageError: it cannot be read.
    """
    return read_photo(source, reduce_to=max(preprocess.size))


def photo_pixels(source: Path | bytes, preprocess: Preprocess) -> Bytes:
    """(3, H, W) uint8 of a photo file, or of its bytes; errors as `photo_image`."""
    return preprocess.resized(photo_image(source, preprocess))


def sketch_pixels(path: Path, preprocess: Preprocess, config: SketchConfig | None = None) -> Pixels:
    """(3, H, W) float32 of one drawing by its name, such as `cat.ndjson#3`.

    Raises:
        ImageError: it cannot be read.
    """
    return preprocess(read_sketch(path, config).image)


def _finite(vectors: Embeddings) -> Embeddings:
    if not np.isfinite(vectors).all():
        raise ModelError("the model gives embeddings that are not finite; use another --model")
    return vectors
