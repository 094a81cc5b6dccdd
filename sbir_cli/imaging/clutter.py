"""What lies on a page beside the drawing: frames, printed rules, things at its edge, specks."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Ink = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]

_FRAME = 0.35  # of the page's sides that a frame spans at least
_SPECK = 0.012  # of the longer side: smaller marks than this are specks
_BAND = 0.07  # of the side: what lies wholly within this of the page's edge is not the drawing


def without_clutter(ink: Ink, page: Mask) -> Ink:
    """The drawing alone.

    Args:
        ink: (H, W), 255 where a pen or printer was.
        page: (H, W), 1 on the page.
    """
    for _ in range(4):  # frames within frames
        freed = _without_frame(ink)
        if freed is None:
            break
        ink = freed
    return _without_marks(_without_rules(ink), page)


def _without_rules(ink: Ink) -> Ink:
    """Printed lines of ruled or squared paper: straight, as long as the page, many and alike."""
    for vertical in (False, True):
        view = ink.T if vertical else ink
        cleaned = _without_rows(np.ascontiguousarray(view))
        ink = np.ascontiguousarray(cleaned.T) if vertical else cleaned
    return ink


def _without_rows(ink: Ink) -> Ink:
    solid = (ink > 60).astype(np.uint8)
    long = max(ink.shape[1] // 10, 15)
    thick = cv2.dilate(solid, np.ones((3, 1), np.uint8))
    rows = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, long), np.uint8))
    share = rows.sum(axis=1) / max(ink.shape[1], 1)
    starts = np.flatnonzero(np.diff((share > 0.4).astype(np.int8), prepend=0) == 1)
    steps = np.diff(starts)
    if len(starts) < 5 or np.percentile(steps, 75) > 1.5 * np.percentile(steps, 25):
        return ink  # rules are evenly spaced
    above = cv2.erode(solid, np.ones((7, 1), np.uint8))  # a stroke that crosses a rule
    across = cv2.dilate(above, np.ones((7, 1), np.uint8))
    return np.asarray(np.where((rows > 0) & (across == 0), 0, ink)).astype(np.uint8)


def _without_frame(ink: Ink) -> Ink | None:
    """The ink without the outermost straight four-sided frame; None if there is none."""
    high, wide = ink.shape
    solid = (ink > 90).astype(np.uint8)
    count, marks, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    for number in np.argsort(-stats[1:, 2] * stats[1:, 3])[:3] + 1 if count > 1 else ():
        if stats[number, 2] < _FRAME * wide or stats[number, 3] < _FRAME * high:
            return None
        part = (marks == number).astype(np.uint8)
        sides = _four_sides(part)
        if sides is None:
            continue
        inside = solid.astype(bool) & (cv2.dilate(sides, np.ones((5, 5), np.uint8)) == 0)
        if inside.sum() < 0.15 * part.sum() or inside.sum() < 20:
            return None  # an empty box is the drawing itself
        return np.asarray(
            np.where(cv2.dilate(sides, np.ones((3, 3), np.uint8)) > 0, 0, ink)
        ).astype(np.uint8)
    return None


def _four_sides(part: Mask) -> Mask | None:
    """The pixels along the four straight sides of a mark's hull; None if it is no frame."""
    outlines, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea))
    quad = cv2.approxPolyDP(hull, 0.03 * cv2.arcLength(hull, True), True)
    if len(quad) != 4 or cv2.contourArea(quad) < 0.9 * cv2.contourArea(hull):
        return None
    inside = cv2.distanceTransform(part, cv2.DIST_L2, 3)
    width = 2 * float(np.percentile(inside[inside > 0], 95)) + 2
    corners = quad.reshape(4, 2).astype(np.float64)
    sides = np.zeros_like(part)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        band = np.zeros_like(part)
        shift = _inwards(start, end, corners.mean(axis=0)) * width / 2
        ends = [tuple(np.round(point + shift).astype(int).tolist()) for point in (start, end)]
        cv2.line(band, ends[0], ends[1], 1, max(round(1.6 * width), 3))
        length = max(float(np.linalg.norm(end - start)), 1.0)
        y, x = np.nonzero(band & part)
        steps = np.unique(((np.stack([x, y], 1) - start) @ (end - start) / length).astype(int))
        if len(steps) < 0.9 * length:
            return None
        sides |= band
    return sides


def _inwards(
    start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], middle: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    normal = np.array([start[1] - end[1], end[0] - start[0]])
    normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
    return np.asarray(normal if normal @ (middle - start) > 0 else -normal)


def _without_marks(ink: Ink, page: Mask) -> Ink:
    """Without specks, and without what lies only along the page's edge."""
    high, wide = ink.shape
    joined = cv2.dilate((ink > 60).astype(np.uint8), np.ones((3, 3), np.uint8))
    count, marks, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    if count < 3:
        return ink
    amount = np.bincount(marks.ravel(), weights=ink.ravel().astype(np.float64), minlength=count)
    amount[0] = 0
    left, top, width, height = (stats[:, i] for i in range(4))
    small = np.maximum(width, height) < _SPECK * max(high, wide) + 2
    rows, columns = np.nonzero(page.any(axis=1))[0], np.nonzero(page.any(axis=0))[0]
    x, y = _BAND * wide, _BAND * high
    aside = (left + width < columns[0] + x) | (left > columns[-1] - x)
    aside |= (top + height < rows[0] + y) | (top > rows[-1] - y)
    gone = np.zeros(count, dtype=bool)
    for kind in (aside, small):
        if amount[kind & ~gone].sum() < 0.25 * amount[~gone].sum():
            gone |= kind
    return np.asarray(np.where(gone[marks], 0, ink)).astype(np.uint8)
