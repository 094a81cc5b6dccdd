"""The page in a picture of a drawing: where it is, and whether its lines are dark or light.

Lines are thin, so that closing and opening take them out and leave the ground: paper, shadows and
desk. The ground falls into regions along its edges; the page is the large one with strong lines.
All of this is done in a small copy of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Colours = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]

_SIDE = 320  # pixels, longer side of the copy
_REACHES = (0.025, 0.05, 0.1)  # of the longer side: wider than the line of a pen, marker, brush
_STEP = 0.06  # relative step of the ground's brightness that is an edge
_DARKEST = 70  # grey of a ground that contrast is measured against: below, noise would count
_LITTLE = 0.004  # of a page that ink covers at least, if its lines are not too thick to be seen


@dataclass(frozen=True)
class Page:
    """Where the page of a picture is."""

    mask: Mask
    """(h, w): 1 on the page, in the small copy."""
    reach: float
    """Wider than its lines, as a share of the picture's longer side."""
    light: bool
    """Whether the lines are lighter than the page."""


def find_page(picture: Colours) -> Page:
    """The page of a picture, all of it if nothing else is told apart.

    Args:
        picture: (H, W, 3) uint8.
    """
    scale = min(_SIDE / max(picture.shape[:2]), 1)
    size = max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    page = _page_at(small, _REACHES[0])
    for reach in _REACHES[1:]:
        wider = _wider(small, page, reach)
        if wider is None:
            break
        page = wider
    if page.light and _is_thick_drawing(small, page.mask):
        return Page(np.ones_like(page.mask), _REACHES[-1], light=False)
    whole = Page(np.ones_like(page.mask), page.reach, page.light)
    if page.mask.mean() > 0.6 and _strength(small, page, 0.05) < 0.2 * _strength(
        small, whole, 0.05
    ):
        return whole  # what looked like the page's edge is all there is: a drawn box, say
    return page


def _is_thick_drawing(small: Colours, mask: Mask) -> bool:
    """Whether a dark page is the ink of a thick drawing: small, with white paper around it."""
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    paper = float(np.median(grey[mask == 0])) if mask.mean() < 0.35 else 0.0
    return paper > 170 and float(np.median(grey[mask > 0])) < 0.5 * paper


def _wider(small: Colours, page: Page, reach: float) -> Page | None:
    """The page if its lines are too thick for the reach so far; None if they are not."""
    ink = _strength(small, page, page.reach)
    if _strength(small, page, reach) >= 1.7 * ink:
        return _page_at(small, reach)
    if ink < _LITTLE * float(page.mask.sum()):
        other = _page_at(small, reach)
        return other if _strength(small, other, reach) > 3 * ink else None
    return None


def kernel(reach: float, shape: tuple[int, ...]) -> Mask:
    """The square that a closing of this reach needs in a picture of this shape."""
    side = max(round(reach * max(shape[:2])), 3) | 1
    return np.ones((side, side), np.uint8)


def contrast(picture: Colours, reach: float) -> Floats:
    """How much darker than its ground a pixel is, in the channel where it is most so, 0 to 1."""
    ground = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, kernel(reach, picture.shape))
    below = cv2.subtract(ground, picture).astype(np.float32)
    return np.asarray((below / np.maximum(ground, _DARKEST)).max(axis=2))


def _strength(small: Colours, page: Page, reach: float) -> float:
    """How much ink is well inside a page if lines are narrower than `reach`."""
    ink = contrast(255 - small if page.light else small, reach)
    inner = cv2.erode(page.mask, np.ones((15, 15), np.uint8)) > 0
    return float(np.maximum(ink[inner] - 0.2, 0).sum())


def _page_at(small: Colours, reach: float) -> Page:
    """The page if its lines are narrower than `reach`."""
    square = kernel(reach, small.shape)
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, square)
    ground: Colours = cv2.morphologyEx(closed, cv2.MORPH_OPEN, square).astype(np.uint8, copy=False)
    inks = [contrast(small, reach), contrast(255 - small, reach)]
    regions, count = _regions(ground)
    mask = _page_region(regions, count, ground, np.maximum(*inks))
    inner = cv2.erode(mask, np.ones((7, 7), np.uint8)) > 0
    return Page(mask, reach, _is_light(small, inner))


def _is_light(small: Colours, inner: npt.NDArray[np.bool_]) -> bool:
    """Whether what differs from its surroundings is lighter than they are.

    Surroundings are a local median: unlike a closing it holds for either kind of line, and for
    paper with a pattern all over.
    """
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    around = cv2.medianBlur(grey, round(0.15 * max(grey.shape)) | 1)
    above = np.maximum(cv2.subtract(grey, around)[inner].astype(np.float32) - 12, 0).sum()
    below = np.maximum(cv2.subtract(around, grey)[inner].astype(np.float32) - 12, 0).sum()
    paper = float(np.median(grey[inner])) if inner.any() else 128.0
    prior = 4.0 if paper > 170 else 0.25 if paper < 85 else 1.0  # where strokes lie close
    return bool(above > below * prior)


def _regions(ground: Colours) -> tuple[npt.NDArray[np.int32], int]:
    """Regions of the ground, (h, w) numbers from 1, 0 on their borders; and how many."""
    smooth = cv2.medianBlur(ground, 5)
    box = np.ones((3, 3), np.uint8)
    high, low = cv2.dilate(smooth, box), cv2.erode(smooth, box)
    step = (cv2.subtract(high, low).astype(np.float32) / (high.astype(np.float32) + 25)).max(axis=2)
    count, regions = cv2.connectedComponents((step < _STEP).astype(np.uint8), connectivity=4)
    return np.asarray(regions, dtype=np.int32), int(count)


def _page_region(regions: npt.NDArray[np.int32], count: int, ground: Colours, ink: Floats) -> Mask:
    """The mask of the page with what lies on it and the shadows over it; all without a page."""
    edge = np.concatenate([regions[2], regions[-3], regions[:, 2], regions[:, -3]])
    areas = np.bincount(regions.ravel(), minlength=count)
    borders = np.bincount(edge, minlength=count) / len(edge)
    known: list[tuple[float, float, Mask]] = []  # score, strength of the lines, mask
    for number in np.argsort(-areas)[:12]:
        if number == 0 or areas[number] < 0.02 * regions.size:
            continue
        mask = (regions == number).astype(np.uint8)
        inner = cv2.erode(mask, np.ones((5, 5), np.uint8))
        values = ink[inner > 0]
        most = max(len(values) // 300, 10)
        if len(values) <= most:
            continue
        strength = float(np.partition(values, -most)[-most:].mean())  # of its darkest lines
        score = float(areas[number]) * (1 - 0.7 * borders[number]) * strength
        known.append((score, strength, mask))
    if not known:
        return np.ones(regions.shape, np.uint8)
    known.sort(key=lambda region: -region[0])
    _, least, page = known[0]
    gap = 4
    for _, strength, mask in known[1:]:
        if strength > 0.6 * least and _in_shadow(ground, page, mask):
            page, gap = page | mask, 15  # a soft shadow has a wide edge
    square = np.ones((2 * gap + 1, 2 * gap + 1), np.uint8)
    room = cv2.morphologyEx(np.pad(page, 2 * gap, mode="edge"), cv2.MORPH_CLOSE, square)
    joined = room[2 * gap : -2 * gap, 2 * gap : -2 * gap]
    return _filled(cv2.dilate(joined, np.ones((3, 3), np.uint8)).astype(np.uint8, copy=False))


def _in_shadow(ground: Colours, page: Mask, region: Mask) -> bool:
    """Whether a region is of the page's hue, and darker or lighter as by a shadow."""
    here, there = (ground[mask > 0].mean(axis=0) + 8 for mask in (page, region))
    ratio = there / here
    return bool(0.2 < ratio.mean() < 2 and np.ptp(ratio) < 0.15 * ratio.mean() + 0.03)


def _filled(mask: Mask) -> Mask:
    """The mask with its holes closed."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros_like(mask), outlines, -1, 1, cv2.FILLED))
