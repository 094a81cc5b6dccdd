"""Where the photos of a gallery's rows are, and how they become pixels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sbir_cli.embedding import photo_image
from sbir_cli.gallery.manifest import PhotoRow
from sbir_cli.gallery.timings import Timings, timed
from sbir_cli.imaging.preprocess import Bytes, Preprocess
from sbir_cli.imaging.remote import member_bytes


@dataclass(frozen=True)
class PhotoSource:
    """Photos below a folder or an address; it can be sent to other machines."""

    root: Path
    preprocess: Preprocess
    starts: Mapping[bytes, int] = field(default_factory=dict)
    """By a row's path, where its photo begins in the tar shard that it lies in."""
    timings: Timings | None = None

    def pixels(self, row: PhotoRow) -> Bytes:
        """(3, H, W) uint8 of one photo.

        Raises:
            ImageError: it cannot be read.
        """
        path = self.root / os.fsdecode(row.path)
        start = self.starts.get(row.path)
        with timed(self.timings, "decode"):
            file = path if start is None else member_bytes(path, start, row.size)
            image = photo_image(file, self.preprocess)
        with timed(self.timings, "resize"):
            return self.preprocess.resized(image)
