"""A picture of what is drawn of photos: a photo a row, its line drawings beside it."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

_CELL, _GAP = 160, 8


def drawings_sheet(rows: Sequence[tuple[Image.Image, npt.NDArray[np.uint8]]]) -> bytes:
    """A PNG.

    Args:
        rows: an RGB photo and the (K, S, S) ink of its drawings, 255 in a line; as many of each.
    """
    columns = 1 + max(len(inks) for _, inks in rows)
    step = _CELL + _GAP
    sheet = Image.new("RGB", (columns * step + _GAP, len(rows) * step + _GAP), "#cccccc")
    for row, (photo, inks) in enumerate(rows):
        drawn = [Image.fromarray(255 - ink).resize((_CELL, _CELL)).convert("RGB") for ink in inks]
        cells = [ImageOps.pad(photo, (_CELL, _CELL), color="white"), *drawn]
        for column, cell in enumerate(cells):
            sheet.paste(cell, (_GAP + column * step, _GAP + row * step))
    data = io.BytesIO()
    sheet.save(data, "PNG")
    return data.getvalue()
