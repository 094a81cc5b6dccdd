"""Sketches and photos of a data set to embeddings; decoding runs ahead of the encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sbir_cli.config import SketchConfig
from sbir_cli.datasets import DataSet, sketch_bytes
from sbir_cli.encoder import SketchEncoder
from sbir_cli.errors import ImageError, SbirError
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.imaging import images
from sbir_cli.imaging.decoding import decode_ahead
from sbir_cli.imaging.preprocess import Pixels, Preprocess
from sbir_cli.imaging.sketches import read_sketches

Floats = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with the images done so far and the images there are."""
ReadSketch = Callable[[Path, Preprocess], Pixels]


class Encoder(SketchEncoder, Protocol):
    """What an evaluation needs to know of an encoder."""

    def encode_photos(self, pixels: Floats) -> Floats:
        """(N, D) unit-length embeddings of (N, 3, H, W) pixels."""


@dataclass(frozen=True)
class Embedded:
    """The images of a data set that could be read, with their embeddings."""

    dataset: DataSet
    sketches: Floats
    """(N, D), parallel to `dataset.sketches`."""
    photos: Floats
    """(G, D), parallel to `dataset.photos`."""
    unreadable: list[tuple[Path, str]]
    """What was left out, and why."""

    def with_sketches(self, indices: Sequence[int]) -> Embedded:
        """These sketches (ascending) with the whole gallery."""
        dataset = self.dataset.keep(indices, range(len(self.photos)))
        return replace(self, dataset=dataset, sketches=self.sketches[list(indices)])


def read_sketch(path: Path, preprocess: Preprocess, fit: bool = False) -> Pixels:
    """(3, H, W) pixels of one sketch of a data set; `fit` crops a raster one to its ink."""
    config = SketchConfig(fit=fit)
    return preprocess(read_sketches(str(path), sketch_bytes(path), config)[0].image)


@dataclass(frozen=True)
class Side:
    """The sketches or the photos of a data set that could be read."""

    kept: list[int]
    """Indices in the data set, ascending."""
    vectors: Floats
    """(len(kept), D)."""
    unreadable: list[tuple[Path, str]]


def embed_photos(
    dataset: DataSet, encoder: Encoder, config: EvaluationConfig, progress: Progress
) -> Side:
    """Every photo of a data set.

    Raises:
        SbirError: none can be read, or the model gives an embedding that is not finite.
    """
    preprocess = encoder.preprocess

    def decode(path: Path) -> Pixels:
        return preprocess(images.read_photo(path, reduce_to=max(preprocess.size)))

    return _embed(dataset.photos, decode, encoder.encode_photos, config, progress)


def embed_sketches(
    dataset: DataSet,
    encoder: Encoder,
    config: EvaluationConfig,
    progress: Progress,
    read: ReadSketch | None = None,
) -> Side:
    """Every sketch of a data set, each as `read` reads it, or whole; errors as `embed_photos`."""

    def decode(path: Path) -> Pixels:
        if read is None:
            return read_sketch(path, encoder.preprocess, config.fit)
        return read(path, encoder.preprocess)

    return _embed(dataset.sketches, decode, encoder.encode_sketches, config, progress)


def together(dataset: DataSet, sketches: Side, photos: Side) -> Embedded:
    """Both sides of a data set; what could not be read is left out of it."""
    return Embedded(
        dataset.keep(sketches.kept, photos.kept),
        sketches.vectors,
        photos.vectors,
        sketches.unreadable + photos.unreadable,
    )


def _embed(
    paths: Sequence[Path],
    decode: Callable[[Path], Pixels],
    encode: Callable[[Floats], Floats],
    config: EvaluationConfig,
    progress: Progress,
) -> Side:
    kept: list[int] = []
    vectors: list[Floats] = []
    unreadable: list[tuple[Path, str]] = []
    size = config.batch_size
    batches = [range(len(paths))[i : i + size] for i in range(0, len(paths), size)]
    for batch, decoded in decode_ahead(batches, lambda i: decode(paths[i]), config.workers):
        good: list[Pixels] = []
        for i, pixels in zip(batch, decoded, strict=True):
            if isinstance(pixels, ImageError):
                unreadable.append((paths[i], pixels.what))
            else:
                kept.append(i)
                good.append(pixels)
        if good:
            vectors.append(encode(np.stack(good)))
        progress(batch[-1] + 1, len(paths))
    if not vectors:
        path, reason = unreadable[0]
        raise SbirError(f"none of {len(paths):,} images can be read (first: {path}: {reason})")
    whole = np.concatenate(vectors)
    if not np.isfinite(whole).all():
        raise SbirError("the model gives embeddings that are not finite; use another --model")
    return Side(kept, whole, unreadable)
