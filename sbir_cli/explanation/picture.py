"""An explanation as one picture: lines between what met, and below them heat maps."""

from __future__ import annotations

import colorsys

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from sbir_cli.explanation.matching import Explanation, Pair

MEANING = (
    "Lines join the parts of sketch and photo that look most alike to the model. "
    "They show how similar its tokens are, not what made the score."
)
LINES = 16
"""The best pairs, so many, are drawn."""
_SIDE, _GAP, _FINER = 480, 24, 2  # pixels; lines are drawn larger and made smaller, to be smooth
_HOT = (255, 96, 0)

Floats = npt.NDArray[np.float32]


def picture(why: Explanation, side: int = _SIDE) -> Image.Image:
    """Above, sketch and photo with lines between the pairs; below, both with their heat maps: the
    hotter, the more similar. RGB, two squares of `side` pixels wide and high."""
    sketch, photo = (_fitted(image, side) for image in (why.sketch, why.photo))
    sheet = Image.new("RGB", (2 * side + 3 * _GAP, 2 * side + 3 * _GAP), "white")
    places = [(_GAP, _GAP), (2 * _GAP + side, _GAP)]
    for (image, spot), heat in zip(
        ((sketch, places[0]), (photo, places[1])),
        (
            _heated(sketch, why.sketch_heat, (0.0, 0.0, 1.0, 1.0)),
            _heated(photo, why.photo_heat, why.window),
        ),
        strict=True,
    ):
        left, top = spot[0] + (side - image.width) // 2, spot[1] + (side - image.height) // 2
        sheet.paste(image, (left, top))
        sheet.paste(heat, (left, top + side + _GAP))
    boxes = [
        (x + (side - i.width) / 2, y + (side - i.height) / 2, i.width, i.height)
        for (x, y), i in zip(places, (sketch, photo), strict=True)
    ]
    return _lined(sheet, why.pairs[:LINES], boxes)


def colour(pair: Pair) -> tuple[int, int, int]:
    """A colour by where on the sketch it begins, so that lines can be told apart."""
    x, y = pair.sketch
    hue = float(np.arctan2(y - 0.5, x - 0.5) / (2 * np.pi)) % 1
    red, green, blue = colorsys.hls_to_rgb(hue, 0.42, 0.85)
    return round(255 * red), round(255 * green), round(255 * blue)


def _fitted(image: Image.Image, side: int) -> Image.Image:
    ratio = side / max(image.size)
    size = max(round(image.width * ratio), 1), max(round(image.height * ratio), 1)
    return image.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def _heated(
    image: Image.Image, heat: Floats, window: tuple[float, float, float, float]
) -> Image.Image:
    """A pale image with the heat laid over where its window is; nan and what lies outside stays."""
    known = heat[~np.isnan(heat)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    strength = np.nan_to_num((heat - low) / max(high - low, 1e-6), nan=0.0)
    left, top, width, height = window
    size = max(round(width * image.width), 1), max(round(height * image.height), 1)
    cells = Image.fromarray((200 * strength).astype(np.uint8))
    mask = Image.new("L", image.size)
    spot = round(left * image.width), round(top * image.height)
    mask.paste(cells.resize(size, Image.Resampling.BILINEAR), spot)
    pale = Image.blend(
        image.convert("L").convert("RGB"), Image.new("RGB", image.size, "white"), 0.25
    )
    pale.paste(Image.new("RGB", image.size, _HOT), mask=mask)
    return pale


def _lined(
    sheet: Image.Image, pairs: tuple[Pair, ...], boxes: list[tuple[float, float, int, int]]
) -> Image.Image:
    large = sheet.resize((sheet.width * _FINER, sheet.height * _FINER), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(large)
    for pair in reversed(pairs):  # the most similar on top
        ends = [
            (_FINER * (left + x * width), _FINER * (top + y * height))
            for (x, y), (left, top, width, height) in zip(
                (pair.sketch, pair.photo), boxes, strict=True
            )
        ]
        pen.line([*ends[0], *ends[1]], fill=colour(pair), width=2 * _FINER)
        for x, y in ends:
            r = 5 * _FINER
            pen.ellipse((x - r, y - r, x + r, y + r), fill=colour(pair), outline="white", width=2)
    return large.resize(sheet.size, Image.Resampling.LANCZOS)
