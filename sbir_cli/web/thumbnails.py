"""Photos at two sizes as JPEG, made here and kept within bounds."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Literal

from PIL import Image

from sbir_cli.imaging.images import read_photo

Size = Literal["small", "large"]
SIDES: dict[Size, int] = {"small": 360, "large": 1600}
"""Pixels of the longer side."""
_QUALITY = 82


class Thumbnails:
    """The JPEGs that were asked for last.

    Args:
        most_bytes: of all pictures together.

    Asked for from many threads; the same picture may be made twice at a time, never wrongly.
    """

    def __init__(self, most_bytes: int = 128 << 20) -> None:
        self._most = most_bytes
        self.held = 0
        """Bytes of the pictures that are kept."""
        self._pictures: OrderedDict[tuple[Path, Size, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def jpeg(self, photo: Path, size: Size) -> bytes:
        """The photo as a JPEG, upright, no side longer than `SIDES[size]`.

        Raises:
            ImageError: it cannot be read, or has too many pixels.
            OSError: it is gone.
        """
        key = (photo, size, photo.stat().st_mtime_ns)
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
        made = _jpeg(photo, SIDES[size])
        with self._lock:
            if key not in self._pictures:
                self._pictures[key] = made
                self.held += len(made)
            while self.held > self._most and len(self._pictures) > 1:
                self.held -= len(self._pictures.popitem(last=False)[1])
        return made


def _jpeg(photo: Path, side: int) -> bytes:
    image = read_photo(photo, reduce_to=side // 4)  # decoded at least this large
    image.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
