"""A picture of a drawing to the square black-on-white image that the encoder sees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from sbir_cli.config import SketchConfig
from sbir_cli.errors import ImageError
from sbir_cli.imaging import images, strokes

_LARGEST_SIDE = 2048  # a long thin scan, padded to a square at full size, would not fit in memory
_LARGEST_FITTED = 1024  # more than any model sees; many drawings are held at once
_STROKE_SIDE = 512  # pixels: where lines are made wider or narrower
_LEAST_SIDE = 24  # pixels: a smaller picture has no room for a page
_LOOK_SIDE = 256  # pixels: where it is told whether a picture is a plain drawing
_PLACED = 0.6  # of its canvas: who draws so large on a clean one means where things lie


def prepare(
    image: Image.Image, config: SketchConfig | None = None, tight: bool = False
) -> Image.Image:
    """The drawing alone: the page found, the light evened, cut out, lines of the usual width.

    A plain drawing, black on white, is only cut out of its canvas, and left where it lies if it
    spans most of that: a model may tell left from right, and above from below.

    Args:
        image: of any mode and size.
        config: margin and stroke widths as shares of the new side.
        tight: the canvas may end at the drawing, which gets its margin all the same.

    Returns:
        A square RGB image, dark strokes on white.

    Raises:
        ImageError: the drawing is blank.
    """
    config = config or SketchConfig()
    flat = _flat(image, config)
    plain = is_plain(flat)
    if not plain:
        from sbir_cli.imaging.ink import read_ink  # photographs and the like: import when met

        ink = read_ink(np.asarray(flat))
        if ink.any():
            return _finished(Image.fromarray(255 - ink).convert("RGB"), config, True)
    return _finished(_dark_on_light(flat), config, tight, _PLACED if plain else 1.0)


def _finished(
    flat: Image.Image, config: SketchConfig, tight: bool, enough: float = 1.0
) -> Image.Image:
    if tight:
        flat = ImageOps.expand(flat, round(config.margin * max(flat.size)) + 1, "white")
    image = fit_to_ink(_square(flat), config.margin, enough)
    image.thumbnail((_LARGEST_FITTED, _LARGEST_FITTED))
    return usual_strokes(image, config)


def is_plain(flat: Image.Image) -> bool:
    """Whether an RGB picture is a drawing on even white or black and nothing else.

    Its rim is paper, so is most of the rest, and no lines run all across it, as those of frames
    and ruled paper do.
    """
    if min(flat.size) < _LEAST_SIDE:
        return True
    grey = flat.convert("L")
    step = max(max(grey.size) // _LOOK_SIDE, 1)
    values = np.asarray(grey.reduce(step) if step > 1 else grey).astype(np.int16)
    colours = np.asarray(flat.reduce(step) if step > 1 else flat).astype(np.int16)
    if (np.ptp(colours, axis=2) > 60).mean() > 0.002:  # a yellow line is hardly darker than paper
        return False
    rim = np.concatenate(
        [values[:2].ravel(), values[-2:].ravel(), values[:, :2].ravel(), values[:, -2:].ravel()]
    )
    paper = int(np.median(rim))
    if 5 < paper < 250:
        return False
    off_rim = np.abs(rim - paper) > 8
    off = np.abs(values - paper) > 6
    if off_rim.mean() > 0.02 or off.mean() > 0.45:
        return False
    lines = np.abs(values - paper) > 40
    if _in_specks(lines) > 12:
        return False
    across, along = (lines.mean(axis=axis) > 0.7 for axis in (0, 1))
    many = max(np.count_nonzero(np.diff(each.astype(np.int8)) > 0) for each in (across, along))
    return bool(not (across.any() and along.any()) and many < 4)


def _in_specks(lines: npt.NDArray[np.bool_]) -> int:
    """How many of the lines' pixels have nothing but themselves around: 5 x 5 as full as 3 x 3."""
    near, far = _around(lines, 1), _around(lines, 2)
    return int((lines & (near == far)).sum())


def _around(lines: npt.NDArray[np.bool_], reach: int) -> npt.NDArray[np.int32]:
    """(H, W): how many pixels are set in the square of 2 reach + 1 about each."""
    sums = np.pad(lines, ((reach + 1, reach), (reach + 1, reach))).astype(np.int32)
    sums = sums.cumsum(axis=0).cumsum(axis=1)
    side = 2 * reach + 1
    rows = sums[side:] - sums[:-side]
    return np.asarray(rows[:, side:] - rows[:, :-side])


def usual_strokes(image: Image.Image, config: SketchConfig) -> Image.Image:
    """Lines that are thinner or thicker than what models are trained on, made as wide as those.

    Args:
        image: square RGB, dark strokes on white.
    """
    grey = image.convert("L")
    if grey.width > _STROKE_SIDE:
        grey = grey.resize((_STROKE_SIDE, _STROKE_SIDE), Image.Resampling.BOX)
    values = np.asarray(grey).astype(np.float32)
    paper = max(float(np.median(values)) - 4, 1)
    ink = ((paper - values).clip(0) * (255 / paper)).astype(np.uint8)
    width, usual = strokes.stroke_width(ink) / grey.width, config.stroke_width
    if width < config.thinnest:
        dark = ink[ink > 25]
        peak = float(np.percentile(dark, 80)) if dark.size else 255.0
        solid = (ink.astype(np.float32) * (255 / peak)).clip(0, 255).astype(np.uint8)
        ink = strokes.thickened(solid, (usual - width) * grey.width / 2)
    elif width > config.thickest:
        ink = strokes.thinned(ink, usual * grey.width)
    else:
        return image
    return Image.fromarray(255 - ink).convert("RGB")


def normalise(image: Image.Image, config: SketchConfig | None = None) -> Image.Image:
    """Flatten transparency, turn light-on-dark round, pad to a square with white.

    A drawing whose colour alone carries the strokes (all opaque pixels alike, as in white ink on
    a transparent ground) is drawn from its transparency instead.

    Raises:
        ImageError: the drawing is blank: its greys span less than `min_contrast` of 255.
    """
    return _square(_dark_on_light(_flat(image, config or SketchConfig())))


def _flat(image: Image.Image, config: SketchConfig) -> Image.Image:
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    flat = images.to_rgb(image)
    if _contrast(flat) < config.min_contrast and image.has_transparency_data:
        opacity = image.getchannel("A")
        flat = ImageOps.invert(opacity).convert("RGB")
    if _contrast(flat) < config.min_contrast:
        raise ImageError("the drawing is blank", remedy="draw dark strokes on a light ground")
    return flat


def _dark_on_light(flat: Image.Image) -> Image.Image:
    return ImageOps.invert(flat) if _border_grey(flat) < 128 else flat


def _square(flat: Image.Image) -> Image.Image:
    side = max(flat.size)
    if flat.width == flat.height:
        return flat
    square = Image.new("RGB", (side, side), "white")
    square.paste(flat, ((side - flat.width) // 2, (side - flat.height) // 2))
    return square


def fit_to_ink(image: Image.Image, margin: float, enough: float = 1.0) -> Image.Image:
    """Cut a small or far-off drawing out of its canvas, so that the encoder sees it large.

    Args:
        image: square RGB, dark strokes on a light ground, as `normalise` gives it.
        margin: white border on each side, as a share of the new side (0 to 0.4).
        enough: share of its canvas from which a drawing is left where it lies.

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
    span = max(right - left, bottom - top)
    if span >= enough * image.width:
        return image
    side = min(round(span / (1 - 2 * margin)), image.width)
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
