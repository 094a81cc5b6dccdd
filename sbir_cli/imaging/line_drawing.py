"""Line drawings of a photo, as a person might draw it: contours joined into strokes, some left out.

Used where a model is taught drawings without drawings. Classical methods of OpenCV alone: Canny
edges, GrabCut for the subject, differences of Gaussians. Every drawing is decided by its seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Style = Literal["edges", "subject", "gaussians", "outline"]
STYLES: tuple[Style, ...] = ("edges", "subject", "gaussians", "outline")

SIDE = 160
"""Longer side, in pixels, at which a photo is looked at: finer detail is not what people draw."""
_LEAST_SUBJECT, _MOST_SUBJECT = 0.04, 0.85
_EIGHT = np.ones((3, 3), np.float32)


@dataclass(frozen=True)
class Study:
    """A photo made ready to be drawn: smoothed at two scales, its subject found."""

    fine: Grey
    """(h, w): small details are still there."""
    coarse: Grey
    """(h, w): only large shapes are left."""
    subject: npt.NDArray[np.uint8] | None
    """(h, w) of 0 and 1, or None where nothing stands out from its ground."""

    @classmethod
    def of(cls, photo: Grey, alpha: Grey | None = None, find_subject: bool = True) -> Study:
        """Look at a photo.

        Args:
            photo: (H, W, 3) RGB.
            alpha: (H, W), 255 where the thing is, if that is known.
            find_subject: whether to look for it otherwise (GrabCut, 30 ms).
        """
        height, width = photo.shape[:2]
        scale = SIDE / max(height, width)
        size = (max(8, round(width * scale)), max(8, round(height * scale)))
        small = cv2.resize(
            photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        )
        smooth = cv2.cvtColor(cv2.bilateralFilter(small, 7, 60, 5), cv2.COLOR_RGB2GRAY)
        subject = None
        if alpha is not None:
            subject = (cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > 127).astype(np.uint8)
        elif find_subject:
            subject = _grab_subject(_grey(small))
        blur = [cv2.GaussianBlur(smooth, (0, 0), sigma) for sigma in (1.0, 2.2)]
        return cls(_grey(blur[0]), _grey(blur[1]), subject)


def draw(study: Study, style: Style, seed: int) -> Grey:
    """One drawing, (SIDE, SIDE) ink: 0 is paper, 255 a full line.

    Without a subject, `subject` and `outline` fall back to edges. The drawing may be empty or
    nearly full where the photo offers nothing; the caller drops those (`is_drawing`).
    """
    rng = np.random.default_rng(seed)
    if style == "gaussians":
        lines = _dark_lines(study, rng)
    elif style == "edges" or study.subject is None:
        lines = _edges(study.fine if rng.random() < 0.5 else study.coarse, rng)
    elif style == "subject":
        around = cv2.dilate(study.subject, np.ones((9, 9), np.uint8))
        lines = _grey(_edges(study.coarse if rng.random() < 0.6 else study.fine, rng) * around)
    else:
        lines = _outline(study, rng)
    ink = _strokes(_grey(lines), rng)
    thickness = int(rng.integers(1, 4))
    if thickness > 1:
        ink = _grey(cv2.dilate(ink, np.ones((thickness, thickness), np.uint8)))
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (SIDE - ink.shape[0]) // 2, (SIDE - ink.shape[1]) // 2
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink[:SIDE, :SIDE]
    return canvas


def is_drawing(ink: Grey) -> bool:
    """Whether enough and not too much is drawn: between 1 and 30 % of the square is ink."""
    return bool(0.01 < float((ink > 127).mean()) < 0.30)


def _grey(array: npt.ArrayLike) -> Grey:
    return np.asarray(array, dtype=np.uint8)


def _grab_subject(photo: Grey) -> Grey | None:
    """The largest thing that GrabCut cuts from the border's colours, or None."""
    height, width = photo.shape[:2]
    mask = np.full((height, width), cv2.GC_BGD, np.uint8)
    edge = max(2, round(0.06 * min(height, width)))
    mask[edge : height - edge, edge : width - edge] = cv2.GC_PR_FGD
    try:
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.setRNGSeed(0)
        cv2.grabCut(photo[..., ::-1].copy(), mask, None, *models, 3, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    except cv2.error:  # a photo of one colour
        return None
    found = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    found = _grey(cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)))
    found = _grey(cv2.morphologyEx(found, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found)
    if count < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    subject = _grey(labels == largest)
    return subject if _LEAST_SUBJECT < float(subject.mean()) < _MOST_SUBJECT else None


def _edges(grey: Grey, rng: np.random.Generator) -> Grey:
    """Canny edges; the thresholds follow the photo's own gradients."""
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strength = np.abs(gx) + np.abs(gy)
    high = max(24.0, float(np.quantile(strength, rng.uniform(0.80, 0.93))))
    return _grey(cv2.Canny(grey, 0.45 * high, high) // 255)


def _dark_lines(study: Study, rng: np.random.Generator) -> Grey:
    """Where the photo is darker than its surroundings, as in an ink drawing."""
    grey = study.fine.astype(np.float32)
    wide = cv2.GaussianBlur(grey, (0, 0), 2.1)
    lines = _grey(grey - 0.97 * wide < rng.uniform(-1, 2))
    return lines if lines.mean() < 0.3 else _edges(study.coarse, rng)


def _outline(study: Study, rng: np.random.Generator) -> Grey:
    """The subject's outline, simplified, and what lies well inside it."""
    assert study.subject is not None
    lines = np.zeros_like(study.subject)
    contours, _ = cv2.findContours(study.subject, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    simplified = [cv2.approxPolyDP(c, rng.uniform(0.5, 2.0), True) for c in contours]
    cv2.polylines(lines, simplified, True, 1, 1)
    inside = _grey(cv2.erode(study.subject, np.ones((5, 5), np.uint8)))
    return _grey(lines | (_edges(study.coarse, rng) * inside))


def _strokes(lines: Grey, rng: np.random.Generator) -> Grey:
    """Lines cut at their crossings into strokes; short ones and some others are left out, each is
    put down a little beside its place."""
    thin = lines > 0
    neighbours = cv2.filter2D(lines.astype(np.float32), -1, _EIGHT, borderType=cv2.BORDER_CONSTANT)
    crossing = thin & (neighbours > 4)
    if crossing.sum() < 0.3 * thin.sum():  # lines of one pixel: otherwise they are areas of ink
        thin &= ~crossing
    count, labels, stats, _ = cv2.connectedComponentsWithStats(_grey(thin), connectivity=8)
    length = stats[:, cv2.CC_STAT_AREA]
    keep = length >= rng.integers(5, 15)
    keep[1:] &= rng.random(count - 1) > rng.choice([0.0, 0.05, 0.15])
    if rng.random() < 0.15:  # a drawing of few strokes
        longest = np.argsort(-length[1:])[: int(rng.integers(7, 20))] + 1
        few = np.zeros(count, bool)
        few[longest] = True
        keep &= few
    keep[0] = False
    rows, columns = np.nonzero(keep[labels])
    move = rng.normal(0, rng.choice([0.0, 0.5, 1.0]), (count, 2)).round().astype(int)
    own = move[labels[rows, columns]]
    height, width = lines.shape
    ink = np.zeros_like(lines)
    ink[(rows + own[:, 0]).clip(0, height - 1), (columns + own[:, 1]).clip(0, width - 1)] = 255
    touched = crossing & (cv2.dilate(ink, np.ones((3, 3), np.uint8)) > 0)
    ink[touched] = 255
    return ink
