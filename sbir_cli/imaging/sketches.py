"""Sketches from files, bytes or strokes to the square black-on-white image the encoder sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from sbir_cli.config import SketchConfig
from sbir_cli.errors import ImageError
from sbir_cli.imaging import images, vector
from sbir_cli.imaging.drawing_files import drawing_bytes, kind_of, split_lines

_LARGEST_SIDE = 2048  # a long thin scan, padded to a square at full size, would not fit in memory


@dataclass(frozen=True)
class Sketch:
    """One drawing: `name` is its path (`path#3` for the third line of an ndjson file, `-` for
    the standard input); `image` is square RGB, dark strokes on white."""

    name: str
    image: Image.Image


def read_sketches(
    name: str,
    data: bytes | None = None,
    config: SketchConfig | None = None,
    bad_lines: list[ImageError] | None = None,
) -> list[Sketch]:
    """All drawings of one file: one for an image or SVG, one a line for Quick, Draw! ndjson.

    Args:
        name: a drawing's name (see `drawing_files`), or any label when `data` is given.
        data: the file's bytes, when they are at hand; the format is told from them.
        bad_lines: where errors of single lines of an ndjson file go; without it the first one is
            raised.

    Raises:
        ImageError: unreadable, of an unknown format, or blank; `where` names the drawing.
    """
    config = config or SketchConfig()
    data = drawing_bytes(Path(name)) if data is None else data
    if kind_of(data) != "ndjson":
        return [_read(name, data, config)]
    sketches = []
    for label, line in split_lines(name, data):
        try:
            sketches.append(_read(label, line, config))
        except ImageError as error:
            if bad_lines is None:
                raise
            bad_lines.append(error)
    return sketches


def read_sketch(path: Path, config: SketchConfig | None = None) -> Sketch:
    """One drawing by its name, such as `cat.png` or `cat.ndjson#3`.

    Raises:
        ImageError: as `read_sketches`.
    """
    return _read(str(path), drawing_bytes(path), config or SketchConfig())


def sketch_of(image: Image.Image, name: str = "", config: SketchConfig | None = None) -> Sketch:
    """The sketch that a raster image of any size and mode is.

    Raises:
        ImageError: it is blank.
    """
    config = config or SketchConfig()
    square = normalise(image, config)
    return Sketch(name, fit_to_ink(square, config.margin) if config.fit else square)


def draw(strokes: Sequence[vector.Stroke], config: SketchConfig | None = None) -> Image.Image:
    """The square image of some strokes, fitted to the canvas.

    Raises:
        ImageError: there is nothing to see.
    """
    return normalise(vector.rasterise(strokes, config), config)


def _read(name: str, data: bytes, config: SketchConfig) -> Sketch:
    try:
        strokes = vector.read_strokes(data)
        if strokes is None:
            return sketch_of(images.read_image(data), name, config)
        return Sketch(name, draw(strokes, config))
    except ImageError as error:
        raise ImageError(error.what, where=name, remedy=error.remedy) from error


def normalise(image: Image.Image, config: SketchConfig | None = None) -> Image.Image:
    """Flatten transparency, turn light-on-dark round, pad to a square with white.

    A drawing whose colour alone carries the strokes (all opaque pixels alike, as in white ink on
    a transparent ground) is drawn from its transparency instead.

    Raises:
        ImageError: the drawing is blank: its greys span less than `min_contrast` of 255.
    """
    config = config or SketchConfig()
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    flat = images.to_rgb(image)
    if _contrast(flat) < config.min_contrast and image.has_transparency_data:
        opacity = image.getchannel("A")
        flat = ImageOps.invert(opacity).convert("RGB")
    if _contrast(flat) < config.min_contrast:
        raise ImageError("the drawing is blank", remedy="draw dark strokes on a light ground")
    if _border_grey(flat) < 128:
        flat = ImageOps.invert(flat)
    side = max(flat.size)
    if flat.width == flat.height:
        return flat
    square = Image.new("RGB", (side, side), "white")
    square.paste(flat, ((side - flat.width) // 2, (side - flat.height) // 2))
    return square


def fit_to_ink(image: Image.Image, margin: float) -> Image.Image:
    """Cut a small or far-off drawing out of its canvas, so that the encoder sees it large.

    Args:
        image: square RGB, dark strokes on a light ground, as `normalise` gives it.
        margin: white border on each side, as a share of the new side (0 to 0.4).

    Specks count little: the box leaves out 1/500 of the ink at each of its sides. A drawing that
    fills its canvas stays as large as it was; one that is lighter than its ground stays as it was.
    """
    grey = np.asarray(image.convert("L"), dtype=np.float32)
    ink = np.maximum(_border_grey(image) - grey, 0)
    ink[ink < ink.max() / 2] = 0  # the paper's texture
    if not ink.any():  # white chalk on light grey, say
        return image
    left, right = _span(ink.sum(axis=0))
    top, bottom = _span(ink.sum(axis=1))
    side = min(round(max(right - left, bottom - top) / (1 - 2 * margin)), image.width)
    square = Image.new("RGB", (side, side), "white")
    square.paste(image, ((side - left - right) // 2, (side - top - bottom) // 2))
    return square


def _span(ink: npt.NDArray[np.float32]) -> tuple[int, int]:
    """First and last (exclusive) place between which all but 2/500 of the ink lies."""
    share = np.cumsum(ink, dtype=np.float64) / ink.sum(dtype=np.float64)
    return int(np.searchsorted(share, 0.002)), int(np.searchsorted(share, 0.998)) + 1


def _contrast(image: Image.Image) -> int:
    low, high = image.convert("L").getextrema()
    assert isinstance(low, int) and isinstance(high, int)
    return high - low


def _border_grey(image: Image.Image) -> float:
    """Median grey of the outermost pixels: the ground, not the strokes."""
    grey = np.asarray(image.convert("L"))
    return float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
