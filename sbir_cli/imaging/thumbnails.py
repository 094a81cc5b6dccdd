"""Small pictures that a page holds in itself."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Literal

from PIL import Image

from sbir_cli.imaging.images import read_photo

SIDE = 224
"""Pixels of the longer side."""


def photo_uri(path: Path, side: int = SIDE) -> str:
    """A photo as a `data:` address of a small JPEG.

    Raises:
        ImageError: it cannot be read.
    """
    return data_uri(read_photo(path, reduce_to=side), "JPEG", side)


def data_uri(image: Image.Image, kind: Literal["JPEG", "PNG"], side: int = SIDE) -> str:
    """An image as a `data:` address, its longer side at most `side` pixels."""
    small = image.convert("RGB")
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
