"""The width of a drawing's lines: measured, and brought to what models are trained on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_BRUSH = 0.12  # of the side: wider than this is a filled shape, not a line

Ink = npt.NDArray[np.uint8]
"""(H, W): how much of a pixel is covered by the pen, 0 to 255."""


def stroke_width(ink: Ink) -> float:
    """Mean width in pixels: twice the area over the length of the outline.

    The outline is as long as the sum of all slopes, which holds for blurred edges as well. A line
    thinner than a pixel reads as about 1; a filled shape as wide.
    """
    values = ink.astype(np.float32)
    down, right = np.diff(values, axis=0)[:, :-1], np.diff(values, axis=1)[:-1]
    outline = float(np.hypot(down, right).sum(dtype=np.float64))
    return 2 * float(values.sum(dtype=np.float64)) / outline if outline else 0.0


def thickened(ink: Ink, radius: float) -> Ink:
    """Every line wider by this many pixels on each side, with round ends.

    The part of a pixel that `radius` has beyond a whole number is added as paler ink.
    """
    whole = int(radius)
    inner = _spread(ink, whole)
    share = radius - whole
    if share < 0.05:
        return inner
    outer = _spread(ink, whole + 1).astype(np.float32)
    return np.asarray(inner + share * (outer - inner)).astype(np.uint8)


def _spread(ink: Ink, radius: int) -> Ink:
    """The greatest ink within `radius` pixels."""
    if radius < 1:
        return ink
    high, wide = ink.shape
    room = np.pad(ink, radius)
    out = ink.copy()
    for dy in range(-radius, radius + 1):
        reach = int((radius * radius + 0.5 - dy * dy) ** 0.5)
        rows = room[radius + dy : radius + dy + high]
        for dx in range(-reach, reach + 1):
            np.maximum(out, rows[:, radius + dx : radius + dx + wide], out=out)
    return out


def thinned(ink: Ink, width: float) -> Ink:
    """Thick lines brought down to `width` pixels; what is thinner, stays.

    A drawing may hold a filled shape beside its lines: the width of the thinner half of the lines
    counts, and no more than that is taken off.
    """
    import cv2  # thick lines are rare: import when met

    solid = (ink > 127).astype(np.uint8)
    inside = cv2.distanceTransform(solid, cv2.DIST_L2, 5)
    ridge = (inside > 1) & (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)) - 1e-3)
    if not ridge.any():
        return ink
    line = 2 * float(np.percentile(inside[ridge], 30))
    off = (line - width) / 2
    if off < 0.5 or line > _BRUSH * max(ink.shape):
        return ink
    return np.asarray((inside - off + 0.5).clip(0, 1) * 255).astype(np.uint8)
