"""Drawings as ink on a small square, a bit for each pixel: packed, distorted, made into pixels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from sbir_cli.imaging.line_drawing import SIDE, STYLES, Grey, Study, draw, is_drawing
from sbir_cli.imaging.preprocess import Bytes

PACKED = SIDE * SIDE // 8
"""Bytes of a packed drawing."""
_TRIES = 3  # seeds for one drawing of a photo, until it is one
_DARK = 80  # of 255: from here on a drawn pixel is ink


def pack(ink: Grey) -> Bytes:
    """(PACKED,) of (SIDE, SIDE) ink, 0 or more where the paper is bare and 255 in a line."""
    return np.packbits(ink > 127)


def unpack(packed: Bytes) -> Grey:
    """(..., SIDE, SIDE) ink of (..., PACKED)."""
    return (np.unpackbits(packed, axis=-1) * np.uint8(255)).reshape(*packed.shape[:-1], SIDE, SIDE)


def photo_drawings(photo: Image.Image, count: int, seed: list[int]) -> Bytes | None:
    """(count, PACKED) drawings of an RGB photo in rotating styles, decided by the seed; None
    where it offers no lines to draw.

    Some may be repeated: those that came out empty or black are replaced by others.
    """
    study = Study.of(np.asarray(photo, dtype=np.uint8))
    found: list[Grey] = []
    for number in range(count):
        for attempt in range(_TRIES):
            own = int(np.random.SeedSequence([*seed, number, attempt]).generate_state(1)[0])
            ink = draw(study, STYLES[number % len(STYLES)], own)
            if is_drawing(ink):
                found.append(ink)
                break
    if not found:
        return None
    return np.stack([pack(found[i % len(found)]) for i in range(count)])


def drawn_ink(sketch: Image.Image) -> Grey:
    """(SIDE, SIDE) ink of a drawing as `read_sketch` gives it: dark on white, square."""
    small = sketch.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    dark: npt.NDArray[np.bool_] = np.asarray(small, dtype=np.uint8) < 255 - _DARK
    return np.asarray(dark * 255, dtype=np.uint8)


def pixels(ink: Grey, size: tuple[int, int], random: np.random.Generator | None = None) -> Bytes:
    """(3, H, W) black on white of (SIDE, SIDE) ink.

    Args:
        size: H and W of the model; the square is as large as fits, in the middle.
        random: distort it as no two people draw alike: some lines thicker, turned up to 12
            degrees, scaled by 0.8 to 1.15, shifted by up to 8 % and mirrored. None: as it is.
    """
    side = max(min(size), SIDE)  # smaller ones are made by averaging, or thin lines would break
    height, width = (round(length * side / min(size)) for length in size)
    turn, scale, shift, mirror = 0.0, 1.0, np.zeros(2), False
    if random is not None:
        turn, scale = random.uniform(-12, 12), random.uniform(0.8, 1.15)
        shift, mirror = random.uniform(-0.08, 0.08, 2), random.random() < 0.5
        if random.random() < 0.3:
            ink = np.asarray(cv2.dilate(ink, np.ones((2, 2), np.uint8)), dtype=np.uint8)
    centre = (SIDE - 1) / 2
    matrix = np.asarray(
        cv2.getRotationMatrix2D((centre, centre), turn, scale * side / SIDE), np.float64
    )
    if mirror:
        matrix[:, 0] *= -1
        matrix[:, 2] -= matrix[:, 0] * (SIDE - 1)
    matrix[:, 2] += np.array([(width - 1) / 2, (height - 1) / 2]) - centre + shift * side
    drawn = cv2.warpAffine(ink, matrix, (width, height))
    if side > min(size):
        drawn = cv2.resize(drawn, size[::-1], interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.broadcast_to(255 - np.asarray(drawn, np.uint8), (3, *size)))
