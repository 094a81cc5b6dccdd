"""What a model sees of some drawings, as one PNG file."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

_SIDE = 256  # pixels, at least, of one drawing
_ACROSS = 8


def sheet_of(images: Sequence[Image.Image]) -> bytes:
    """A PNG of the pictures in rows of eight, each of their pixels a square of whole pixels."""
    wide, high = images[0].size
    zoom = max(-(-_SIDE // max(wide, high)), 1)
    cell = wide * zoom + 4, high * zoom + 4
    rows = -(-len(images) // _ACROSS)
    sheet = Image.new("RGB", (cell[0] * min(len(images), _ACROSS), cell[1] * rows), "silver")
    for i, image in enumerate(images):
        large = image.resize((wide * zoom, high * zoom), Image.Resampling.NEAREST)
        sheet.paste(large, (cell[0] * (i % _ACROSS) + 2, cell[1] * (i // _ACROSS) + 2))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
