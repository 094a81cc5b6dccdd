"""What a photo shows, at a glance: whether it is a photo at all, and which others are the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from sbir_cli.imaging.images import read_photo

Bytes = npt.NDArray[np.uint8]

SMALL = 16  # side in pixels of what near-duplicates are told by
_ALIKE = 0.93  # correlation of two small images from which they are near-duplicates
_ROWS = 2048  # small images compared with all others at a time
_LOOKED_AT = 512  # longest side in pixels of what colours are counted in


@dataclass(frozen=True)
class Glance:
    """One image, looked at briefly."""

    small: Bytes
    """(16, 16, 3)."""
    graphic: bool
    """A screenshot, a chart or a drawing."""


def glance_at(path: Path) -> Glance:
    """Look at an image file.

    Raises:
        ImageError: it cannot be read.
    """
    image = read_photo(path, reduce_to=64)
    return Glance(small_image(image), is_graphic(image))


def small_image(image: Image.Image) -> Bytes:
    """(16, 16, 3): the mean colours of a grid over an RGB image."""
    return np.asarray(image.resize((SMALL, SMALL), Image.Resampling.BOX), dtype=np.uint8)


def is_graphic(image: Image.Image) -> bool:
    """Whether an RGB image is a screenshot, a chart or a drawing and no photo.

    A screen is painted in few colours: one covers a third of it, sixteen most of it, and those
    beside the first much of the rest. A thing on a white ground has the one, but not the others.
    `benchmarks/photo_contents.py` counts the photos that are taken for one.
    """
    scale = min(1.0, _LOOKED_AT / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    pixels = np.asarray(image.resize(size, Image.Resampling.NEAREST), dtype=np.uint32)
    colours = (pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]).ravel()
    counts = np.sort(np.unique(colours, return_counts=True)[1])[::-1]
    first, sixteen = counts[0] / len(colours), counts[:16].sum() / len(colours)
    beside = (sixteen - first) / max(1 - first, 1e-9)
    few = len(counts) / len(colours) <= 0.16
    return bool(first >= 0.35 and sixteen >= 0.6 and (beside >= 0.22 or first > 0.98) and few)


def near_duplicates(small: Bytes) -> npt.NDArray[np.int64]:
    """Which of some small images show the same, as the pictures of a burst do.

    Two are the same where their 16 x 16 colours correlate by 0.93. `benchmarks/photo_contents.py`
    counts how far a frame may move, and the different photos that are taken for the same.

    Args:
        small: (N, 16, 16, 3).

    Returns:
        (N,) the number of each one's group, from 0, in the order of their first members.
    """
    count = len(small)
    flat = small.reshape(count, 3 * SMALL * SMALL).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1)
    labels = np.arange(count)
    for start in range(0, count, _ROWS):
        alike = np.triu(flat[start : start + _ROWS] @ flat[start:].T >= _ALIKE, 1)
        for row in np.flatnonzero(alike.any(axis=1)):
            found = np.append(labels[start:][alike[row]], labels[start + row])
            if (found != found.min()).any():
                labels[np.isin(labels, found)] = found.min()
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
