"""A drawing's file, opened in the page: to strokes where it has them, else to a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from sbir_cli.config import SketchConfig
from sbir_cli.errors import ImageError
from sbir_cli.imaging import vector
from sbir_cli.imaging.sketches import read_sketches
from sbir_cli.imaging.thumbnails import data_uri

_SIDE = 1000  # of the page's sheet, in its units
_MARGIN = 0.1  # around the drawing, as a share of the sheet
_PICTURE = 512  # pixels
_MOST_POINTS = 20_000  # the page draws them anew with each move of the pen


def read_drawing(name: str, data: bytes) -> dict[str, Any]:
    """`{"strokes": [[[x, y], ...], ...]}` on a sheet of 1000 units, or `{"picture": uri}`.

    Of a file of several drawings it is the first.

    Raises:
        ImageError: it cannot be read, or is blank.
    """
    sketch = read_sketches(name, data, SketchConfig(fit=True, margin=_MARGIN))[0]
    strokes = _strokes(data)
    if strokes:
        return {"strokes": placed(strokes)}
    return {"picture": data_uri(sketch.image, "PNG", _PICTURE)}


def _strokes(data: bytes) -> list[vector.Stroke]:
    """The lines of a vector drawing; none where its look is more than lines."""
    try:
        strokes = vector.read_strokes(data)
    except ImageError:  # of several drawings, or of a kind that is painted
        return []
    return strokes if strokes and sum(map(len, strokes)) <= _MOST_POINTS else []


def placed(strokes: list[vector.Stroke]) -> list[list[list[int]]]:
    """Strokes in any unit, fitted to the middle of the sheet."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = _SIDE * (1 - 2 * _MARGIN) / max(float((high - low).max()), 1e-9)
    shift = _SIDE / 2 - scale * (low + high) / 2
    return [np.rint(stroke * scale + shift).astype(int).tolist() for stroke in strokes]
