"""The sketches and photos of a data set as embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sbir_cli.config import SketchConfig
from sbir_cli.datasets import DataSet
from sbir_cli.embedding import (
    EmbeddedFiles,
    Embeddings,
    Progress,
    embed_files,
    photo_pixels,
    sketch_pixels,
)
from sbir_cli.encoder import Encoder
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.imaging.preprocess import Pixels, Preprocess

ReadSketch = Callable[[Path, Preprocess], Pixels]


@dataclass(frozen=True)
class Embedded:
    """The images of a data set that could be read, with their embeddings."""

    dataset: DataSet
    sketches: Embeddings
    """(N, D), parallel to `dataset.sketches`."""
    photos: Embeddings
    """(G, D), parallel to `dataset.photos`."""
    unreadable: list[tuple[Path, str]]
    """What was left out, and why."""

    def with_sketches(self, indices: Sequence[int]) -> Embedded:
        """These sketches (ascending) with the whole gallery."""
        dataset = self.dataset.keep(indices, range(len(self.photos)))
        return replace(self, dataset=dataset, sketches=self.sketches[list(indices)])


def embed_photos(
    dataset: DataSet, encoder: Encoder, config: EvaluationConfig, progress: Progress
) -> EmbeddedFiles:
    """Every photo of a data set; errors as `embed_files`."""
    return embed_files(
        dataset.photos,
        partial(photo_pixels, preprocess=encoder.preprocess),
        encoder.encode_photos,
        batch_size=config.batch_size,
        workers=config.workers,
        progress=progress,
    )


def embed_sketches(
    dataset: DataSet,
    encoder: Encoder,
    config: EvaluationConfig,
    progress: Progress,
    read: ReadSketch | None = None,
) -> EmbeddedFiles:
    """Every sketch of a data set, each as `read` reads it, or whole; errors as `embed_files`."""
    read = read or partial(sketch_pixels, config=SketchConfig(fit=config.fit))
    preprocess = encoder.preprocess
    return embed_files(
        dataset.sketches,
        lambda path: read(path, preprocess),
        encoder.encode_sketches,
        batch_size=config.batch_size,
        workers=config.workers,
        progress=progress,
    )


def together(dataset: DataSet, sketches: EmbeddedFiles, photos: EmbeddedFiles) -> Embedded:
    """Both sides of a data set; what could not be read is left out of it."""
    return Embedded(
        dataset.keep(sketches.kept, photos.kept),
        sketches.vectors,
        photos.vectors,
        sketches.unreadable + photos.unreadable,
    )
