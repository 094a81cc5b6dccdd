"""Sheets of paper and other grounds with a drawing on them, as (H, W, 3) float arrays, 0 to 255."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Floats = npt.NDArray[np.float64]
Stroke = npt.NDArray[np.float64]
Colour = tuple[float, float, float]
Random = np.random.Generator

BLACK: Colour = (25, 25, 30)
WHITE: Colour = (250, 250, 250)


def ink_map(
    strokes: Sequence[Stroke], size: tuple[int, int], width: float, margin: float
) -> Floats:
    """How much of each pixel is covered by the pen, (H, W), 0 to 1.

    Args:
        size: width and height of the page in pixels.
        width: of the pen, as a share of the shorter side.
        margin: around the drawing, as a share of the shorter side.
    """
    zoom = 2 if max(size) > 600 else 4
    wide, high = size[0] * zoom, size[1] * zoom
    points = np.concatenate(strokes)
    low, top = points.min(axis=0), points.max(axis=0)
    room = (1 - 2 * margin) * min(wide, high)
    scale = room / float((top - low).max())
    offset = np.array([wide, high]) / 2 - scale * (low + top) / 2
    canvas = Image.new("L", (wide, high), 0)
    draw = ImageDraw.Draw(canvas)
    pen = max(round(width * min(wide, high)), 1)
    for stroke in strokes:
        line = [(float(x), float(y)) for x, y in stroke * scale + offset]
        draw.line(line, fill=255, width=pen, joint="curve")
    return np.asarray(canvas.resize(size, Image.Resampling.BOX), dtype=np.float64) / 255


def plain(size: tuple[int, int], colour: Colour = WHITE) -> Floats:
    """A page of one colour."""
    return np.asarray(np.ones((size[1], size[0], 3)) * np.array(colour))


def put_ink(page: Floats, ink: Floats, colour: Colour = BLACK, strength: float = 1.0) -> Floats:
    """The page with ink of this colour on it."""
    cover = (ink * strength)[..., None]
    return page * (1 - cover) + np.array(colour) * cover


def grained(page: Floats, rng: Random, amount: float = 3.0, blur: float = 1.0) -> Floats:
    """The page with the grain of its paper."""
    noise = rng.normal(0, 1, page.shape[:2])
    smooth = np.asarray(
        Image.fromarray((noise * 40 + 128).clip(0, 255).astype(np.uint8)).filter(
            ImageFilter.GaussianBlur(blur)
        ),
        dtype=np.float64,
    )
    grain = (smooth - smooth.mean()) / max(smooth.std(), 1e-6) * amount
    return np.asarray(page + grain[..., None])


def ruled(
    page: Floats, step: float, colour: Colour, width: int = 1, columns: bool = False
) -> Floats:
    """The page with printed lines, `step` pixels apart; squared when `columns`."""
    page = page.copy()
    for place in np.arange(step, page.shape[0], step):
        page[int(place) : int(place) + width] = colour
    for place in np.arange(step, page.shape[1], step) if columns else ():
        page[:, int(place) : int(place) + width] = colour
    return page


def dotted(page: Floats, step: int, colour: Colour) -> Floats:
    """The page with a grid of printed dots."""
    page = page.copy()
    for dy in range(2):
        for dx in range(2):
            page[step + dy :: step, step + dx :: step] = colour
    return page


def wood(size: tuple[int, int], rng: Random, colour: Colour = (120, 80, 50)) -> Floats:
    """A desk of wood with its grain along the width."""
    rows = rng.normal(0, 1, (size[1] // 3 + 2, size[0] // 60 + 2))
    fine = Image.fromarray((rows * 40 + 128).clip(0, 255).astype(np.uint8))
    grain = np.asarray(fine.resize(size, Image.Resampling.BICUBIC), dtype=np.float64) / 128
    return np.array(colour) * (0.75 + 0.25 * grain)[..., None]


def cloth(size: tuple[int, int], rng: Random, colours: Sequence[Colour], tile: int) -> Floats:
    """A checked tablecloth."""
    y, x = np.mgrid[: size[1], : size[0]]
    which = ((x // tile) + (y // tile)) % len(colours)
    return grained(np.array(colours)[which], rng, 4)


def laid(page: Floats, ground: Floats, left: int, top: int, corner: float = 0.0) -> Floats:
    """The page on its ground, with rounded corners (a share of its width) and a thin shadow."""
    height, width = page.shape[:2]
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width - 1, height - 1), corner * width, fill=255)
    full = Image.new("L", (ground.shape[1], ground.shape[0]), 0)
    full.paste(mask, (left, top))
    shade = np.asarray(full.filter(ImageFilter.GaussianBlur(6)), dtype=np.float64) / 255
    cover = np.asarray(full, dtype=np.float64)[..., None] / 255
    out = ground * (1 - 0.35 * shade[..., None])
    whole = np.zeros_like(ground)
    whole[top : top + height, left : left + width] = page
    return out * (1 - cover) + whole * cover


def framed(page: Floats, width: int, colour: Colour) -> Floats:
    """The page inside a frame that is drawn over its edge."""
    page = page.copy()
    page[:width] = page[-width:] = colour
    page[:, :width] = page[:, -width:] = colour
    return page
