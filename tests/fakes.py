"""A stand-in for the prompted encoder: no torch, no weights, sees colour and rough shape."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from sbir_cli.imaging.preprocess import Preprocess

Floats = npt.NDArray[np.float32]


@dataclass
class FakeEncoder:
    """(N, 3, 16, 16) pixels to 24-d unit vectors by a fixed random projection."""

    name: str = "fake"
    fingerprint: str = "fake-1"
    dimension: int = 24
    seconds_per_batch: float = 0.0
    device: str = "nowhere"
    batches: list[int] = field(default_factory=list)
    preprocess: Preprocess = field(
        default_factory=lambda: Preprocess((16, 16), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    )

    @property
    def photo_fingerprint(self) -> str:
        return self.fingerprint

    def encode_photos(self, pixels: npt.NDArray[Any]) -> Floats:
        time.sleep(self.seconds_per_batch)
        self.batches.append(len(pixels))
        if pixels.dtype == np.uint8:
            pixels = self.preprocess.normalised(pixels)
        matrix = np.random.default_rng(0).normal(size=(3 * 16 * 16, self.dimension))
        features = pixels.reshape(len(pixels), -1) @ matrix.astype(np.float32)
        unit = features / np.linalg.norm(features, axis=1, keepdims=True)
        return np.asarray(unit, dtype=np.float32)

    encode_sketches = encode_photos


class WholeFakeEncoder(FakeEncoder):
    """The same as if torch had loaded it: with tokens, four by four of colour."""

    def sketch_tokens(self, image: Image.Image) -> Floats:
        cells = np.asarray(image.convert("RGB").resize((4, 4)), dtype=np.float32) + 1
        return np.asarray(cells / np.linalg.norm(cells, axis=-1, keepdims=True))

    photo_tokens = sketch_tokens


def draw_photo(path: Path, seed: int = 0, size: tuple[int, int] = (48, 40)) -> Path:
    """A small picture of coloured discs, different for every seed; the suffix is the format."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(int(v) for v in random.integers(0, 256, 3)))
    pen = ImageDraw.Draw(image)
    for _ in range(4):
        x, y, r = (int(v) for v in random.integers(4, 40, 3))
        colour = tuple(int(v) for v in random.integers(0, 256, 3))
        pen.ellipse((x - r / 2, y - r / 2, x + r / 2, y + r / 2), fill=colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def draw_sketch(path: Path | None = None, side: int = 64) -> Image.Image:
    """A black cross-and-circle on white."""
    image = Image.new("L", (side, side), 255)
    pen = ImageDraw.Draw(image)
    pen.ellipse((side // 4, side // 4, 3 * side // 4, 3 * side // 4), outline=0, width=3)
    pen.line((8, side // 2, side - 8, side // 2), fill=0, width=3)
    if path is not None:
        image.save(path)
    return image
