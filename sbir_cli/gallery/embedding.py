"""Photos to rows and embeddings in the journal: decoding runs ahead of the encoder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from sbir_cli.config import EmbedConfig
from sbir_cli.errors import ImageError
from sbir_cli.gallery.journal import Embedding, Journal
from sbir_cli.gallery.manifest import PhotoRow
from sbir_cli.imaging import images
from sbir_cli.imaging.decoding import decode_ahead

Pixels = npt.NDArray[np.float32]

Progress = Callable[[int, int], None]
"""Called with the photos done so far in this run and the photos there are to do."""


class PhotoPreprocess(Protocol):
    """RGB image of any size to (3, H, W) pixels."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""

    def __call__(self, image: Image.Image) -> Pixels:
        """The pixels of one image."""


class PhotoEncoder(Protocol):
    """What a gallery needs to know of an encoder."""

    name: str

    @property
    def preprocess(self) -> PhotoPreprocess:
        """What makes the pixels it embeds."""

    @property
    def fingerprint(self) -> str:
        """Hash of weights, prompts and preprocessing."""

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""

    def encode_photos(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(N, D) unit-length embeddings of (N, 3, H, W) pixels."""


def embed_photos(
    todo: list[PhotoRow],
    root: Path,
    encoder: PhotoEncoder,
    config: EmbedConfig,
    journal: Journal,
    progress: Progress,
) -> None:
    """Embed photos into the journal, a batch a transaction; batches it already holds are left out.

    The batches are cut from the whole list whatever the journal holds: what an embedding's last
    bits are can depend on its batch, and a resumed run must give the same ones.

    Args:
        todo: photos in the order of their paths, which are relative to `root`.
    """
    known = journal.known()
    size = config.batch_size
    batches = [todo[i : i + size] for i in range(0, len(todo), size)]
    left = [batch for batch in batches if not all(_same(known.get(r.path), r) for r in batch)]
    done = len(todo) - sum(map(len, left))
    progress(done, len(todo))

    def decode(row: PhotoRow) -> Pixels:
        path = root / os.fsdecode(row.path)
        return encoder.preprocess(images.read_photo(path, reduce_to=max(encoder.preprocess.size)))

    for batch, decoded in decode_ahead(left, decode, config.workers):
        good = [pixels for pixels in decoded if not isinstance(pixels, ImageError)]
        embedded = iter(encoder.encode_photos(np.stack(good)) if good else ())
        rows: list[PhotoRow] = []
        vectors: list[Embedding | None] = []
        for row, pixels in zip(batch, decoded, strict=True):
            bad = isinstance(pixels, ImageError)
            rows.append(replace(row, reason=str(pixels)) if bad else row)
            vectors.append(None if bad else next(embedded))
        journal.add(rows, vectors)
        done += len(batch)
        progress(done, len(todo))


def _same(known: PhotoRow | None, row: PhotoRow) -> bool:
    # a skipped photo is tried again: what was missing may be there now
    return known == row
