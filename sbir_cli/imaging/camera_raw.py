"""Camera RAW through rawpy (LibRaw), an extra: the preview that the camera embedded, where it is
large enough, else the sensor's data at half its size."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from sbir_cli.errors import ImageError
from sbir_cli.imaging.formats import RAW_SUFFIXES, extra_imported

_PREVIEW = 768  # pixels of the shorter side, where nothing says how few are enough
_MOST_PIXELS = 178_956_970  # as Pillow's guard


def read_raw(source: Path | bytes, reduce_to: int | None) -> Image.Image:
    """An upright RGB image of a RAW file; arguments as `images.read_image`.

    Raises:
        ImageError: rawpy is missing, or LibRaw cannot read the file.
    """
    with extra_imported(_name(source), "raw"):
        import rawpy
    least = _PREVIEW if reduce_to is None else 4 * reduce_to
    try:
        with rawpy.imread(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as raw:
            if raw.sizes.width * raw.sizes.height > _MOST_PIXELS:
                raise Image.DecompressionBombError
            preview = _preview(raw, rawpy, least)
            if preview is not None:
                return preview
            half = min(raw.sizes.width, raw.sizes.height) >= least
            pixels = raw.postprocess(use_camera_wb=True, half_size=half, output_bps=8)
    except rawpy.LibRawError as error:
        raise ImageError(f"RAW that LibRaw cannot read, or corrupt ({error})") from error
    return Image.fromarray(pixels)


def _preview(raw: Any, rawpy: Any, least: int) -> Image.Image | None:
    """The embedded picture, upright, when its shorter side has so many pixels."""
    try:
        found = raw.extract_thumb()
        if found.format == rawpy.ThumbFormat.BITMAP:
            picture = Image.fromarray(found.data)
        else:
            picture = Image.open(io.BytesIO(found.data), formats=("JPEG",))
        if min(picture.size) < least:
            return None
        picture.draft(None, (least, least))
        return ImageOps.exif_transpose(picture).convert("RGB")
    except Exception:  # no preview, or one of an unknown kind: the sensor's data is there
        return None


def _name(source: Path | bytes) -> str:
    suffix = "" if isinstance(source, bytes) else source.suffix.lower()
    return suffix[1:].upper() if suffix in RAW_SUFFIXES else "RAW"
