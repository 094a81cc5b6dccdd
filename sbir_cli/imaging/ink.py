"""The ink of a drawing that was photographed, scanned or framed: evened, upright, alone."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from sbir_cli.imaging.clutter import without_clutter
from sbir_cli.imaging.page import Colours, Floats, Mask, contrast, find_page

Ink = npt.NDArray[np.uint8]

_SIDE = 768  # pixels, longer side of the picture that is worked on
_MARGIN = 0.008  # of the longer side: where a page's edge blurs into the desk
_STRAIGHT = 0.08  # of the longer side: an edge of the page is at least twice as long


def read_ink(picture: Colours) -> Ink:
    """The ink on the page of a picture, (h, w) uint8, 255 where the pen was; all zero without any.

    Args:
        picture: (H, W, 3) uint8 of any size.
    """
    scale = min(_SIDE / max(picture.shape[:2]), 1)
    if scale < 1:
        picture = np.asarray(
            cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        )
    page = find_page(picture)
    lines = contrast(255 - picture if page.light else picture, page.reach)
    shape = lines.shape[1], lines.shape[0]
    mask: Mask = cv2.resize(page.mask, shape, interpolation=cv2.INTER_NEAREST).astype(np.uint8)
    lines, mask = _upright(lines, mask)
    margin = round(_MARGIN * max(shape)) * 2 + 1
    inner: Mask = cv2.erode(mask, np.ones((margin, margin), np.uint8)).astype(np.uint8)
    return without_clutter(_levels(lines * inner, inner), inner)


def _levels(lines: Floats, mask: Mask) -> Ink:
    """Contrast to ink: the paper's grain and printed rules become 0, the pen 255."""
    values = lines[mask > 0]
    if not values.size:
        return np.zeros(lines.shape, np.uint8)
    middle, grain = np.percentile(values, [50, 80])
    floor = float(middle + 4 * (grain - middle))
    strong = values[values > max(0.08, min(floor, 0.3))]
    if not strong.size:
        return np.zeros(lines.shape, np.uint8)
    peak = float(np.percentile(strong, 85))
    low = max(0.4 * peak, min(floor, 0.6 * peak))
    high = max(0.8 * peak, low + 0.05)
    return np.asarray(((lines - low) / (high - low)).clip(0, 1) * 255).astype(np.uint8)


def _upright(lines: Floats, mask: Mask) -> tuple[Floats, Mask]:
    """The page seen from the front if its four corners are known, else turned upright."""
    corners = _corners(mask)
    if corners is not None:
        return _from_front(lines, corners)
    angle = _tilt(mask)
    if abs(angle) < 1:
        return lines, mask
    high, wide = mask.shape
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), angle, 1.0)
    size = max(high, wide)
    reach = size + int(size * abs(math.sin(math.radians(angle))))
    turn[:, 2] += (np.array([reach, reach]) - np.array([wide, high])) / 2
    turned = cv2.warpAffine(lines, turn, (reach, reach), flags=cv2.INTER_LINEAR)
    return np.asarray(turned), np.asarray(cv2.warpAffine(mask, turn, (reach, reach), flags=0))


def _corners(mask: Mask) -> npt.NDArray[np.float32] | None:
    """The page's four corners from the top left, clockwise; None if it has no such shape."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea)) if outlines else np.zeros((0, 1, 2))
    if len(hull) < 4:
        return None
    length = cv2.arcLength(hull, True)
    for slack in (0.02, 0.04, 0.06):
        quad = cv2.approxPolyDP(hull, slack * length, True)
        if len(quad) <= 4:
            break
    covered = float(mask.sum()) / max(cv2.contourArea(quad), 1)
    if len(quad) != 4 or not 0.85 < covered < 1.15:
        return None
    points = quad.reshape(4, 2).astype(np.float32)
    middle = points.mean(axis=0)
    around = np.arctan2(points[:, 1] - middle[1], points[:, 0] - middle[0])
    points = points[np.argsort(around)]
    return np.asarray(np.roll(points, -int(np.argmin(points.sum(axis=1))), axis=0))


def _from_front(lines: Floats, corners: npt.NDArray[np.float32]) -> tuple[Floats, Mask]:
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    wide, high = round(float(max(sides[0], sides[2]))), round(float(max(sides[1], sides[3])))
    target = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], dtype=np.float32)
    view = cv2.getPerspectiveTransform(corners, target)
    return np.asarray(cv2.warpPerspective(lines, view, (wide, high))), np.ones(
        (high, wide), np.uint8
    )


def _tilt(mask: Mask) -> float:
    """Degrees by which the page's visible edges are turned from upright, -45 to 45."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return 0.0
    outline = max(outlines, key=cv2.contourArea)[:, 0].astype(np.float64)
    high, wide = mask.shape
    step = max(round(_STRAIGHT * max(high, wide)), 8)
    ahead, behind = np.roll(outline, -step, axis=0), np.roll(outline, step, axis=0)
    far = np.minimum(outline, np.array([wide - 1, high - 1]) - outline).min(axis=1) > 3
    along = ahead - behind
    bend = np.linalg.norm(ahead + behind - 2 * outline, axis=1)
    straight = far & np.roll(far, step) & np.roll(far, -step) & (bend < 3)
    if straight.sum() < 2 * step:
        return 0.0
    turned = np.degrees(np.arctan2(along[straight, 1], along[straight, 0]))
    return float(np.median((turned + 45) % 90 - 45))
