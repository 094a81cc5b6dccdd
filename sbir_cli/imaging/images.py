"""Decode and normalise image files (PIL). One bad file is one `ImageError`, never a crash."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sbir_cli.errors import ImageError
from sbir_cli.imaging.camera_raw import read_raw
from sbir_cli.imaging.colour import eight_bits, profile_of, to_srgb
from sbir_cli.imaging.folders import FoundPhotos, find_photos
from sbir_cli.imaging.formats import PHOTO_SUFFIXES, Format, extra_imported, format_of
from sbir_cli.imaging.remote import RemotePath

__all__ = [
    "PHOTO_SUFFIXES",
    "FoundPhotos",
    "find_photos",
    "read_image",
    "read_photo",
    "to_rgb",
]


def read_image(source: Path | bytes, *, reduce_to: int | None = None) -> Image.Image:
    """Decode one image file (first frame) and turn it upright by its EXIF orientation.

    Args:
        source: a path, or the file's bytes.
        reduce_to: when given, a large JPEG is decoded at the smallest of 1/2, 1/4 or 1/8 scale
            whose shorter side is still at least four times this many pixels.

    Returns:
        The image in sRGB or its greys, with its transparency, 8 bits a channel; CMYK without a
        profile as it is. What the file is, its bytes decide; its name says nothing.

    Raises:
        ImageError: empty, unreadable, truncated, not an image, or beyond the pixel cap
            (178,956,970 pixels: PIL's guard against decompression bombs).
    """
    with _one_kind_of_error():
        if isinstance(source, RemotePath):
            source = source.read_bytes()
        return _read(source, reduce_to)


@contextmanager
def _one_kind_of_error() -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError("too many pixels (the cap is 178,956,970)") from error
    except UnidentifiedImageError as error:
        raise ImageError("not an image, or of a format that cannot be read") from error
    except OSError as error:
        reason = error.strerror or str(error) or "cannot be read"
        raise ImageError(reason[0].lower() + reason[1:]) from error
    except Exception as error:  # PIL's plugins raise nearly anything on a corrupt file
        raise ImageError(f"corrupt image ({type(error).__name__})") from error


def _read(source: Path | bytes, reduce_to: int | None) -> Image.Image:
    with _opened(source) as file:
        kind = format_of(file)
    if kind == "RAW":
        return read_raw(source, reduce_to)
    image, deep, profile = _decode(source, kind, reduce_to)
    if deep and image.mode in ("RGB", "RGBA"):
        image = _brightened(image, source, kind)
    elif image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = Image.fromarray(eight_bits(np.asarray(image)))
    return to_srgb(image if profile is None else _reduced(image, reduce_to), profile)


def _opened(source: Path | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        if not source:
            raise ImageError("empty file")
        return io.BytesIO(source)
    status = os.stat(source)
    if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait for ever
        raise ImageError("not a regular file")
    if status.st_size == 0:
        raise ImageError("empty file")
    return source.open("rb")


def _plugin(kind: Format) -> None:
    """Make Pillow know a format of an extra; it is opened for a file of that format only."""
    if kind == "HEIF":
        with extra_imported("HEIC", "heic"):
            import pillow_heif

        pillow_heif.register_heif_opener()
    elif kind == "JXL":
        with extra_imported("JXL", "jxl"):
            import pillow_jxl  # noqa: F401  (registers itself)


def _image(source: Path | bytes, kind: Format) -> Image.Image:
    """The file opened as what it is: no other of Pillow's formats gets to see it."""
    _plugin(kind)
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=(kind,))


def _decode(
    source: Path | bytes, kind: Format, reduce_to: int | None, low: bool = False
) -> tuple[Image.Image, bool, bytes | None]:
    """The image upright, whether it has 16 bits a channel (of colours Pillow keeps the upper 8),
    and its colour profile.

    Args:
        low: take the lower 8 of them, by having Pillow believe in the other byte order.
    """
    with _image(source, kind) as image:
        if reduce_to is not None and kind == "JPEG":
            least = 4 * reduce_to  # at twice, embeddings were seen to differ by a cosine of 0.986
            image.draft(None, (least, least))
        tiles = list(getattr(image, "tile", ()))
        deep = kind in ("PNG", "TIFF") and any(";16" in str(tile.args) for tile in tiles)
        if low:
            swapped = [tile._replace(args=_swapped(tile.args)) for tile in tiles]
            image.tile = swapped  # type: ignore[attr-defined]
        image.load()
        return _upright(image, kind), deep, profile_of(image)


def _upright(image: Image.Image, kind: Format) -> Image.Image:
    # libjxl has turned a JPEG XL already, unless it is a JPEG that was stored without loss
    if kind == "JXL" and not getattr(image, "jpeg", False):
        return image.copy()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # a broken EXIF block must not cost the photo
        return image.copy()


def _swapped(args: str | tuple[object, ...]) -> str | tuple[object, ...]:
    if isinstance(args, tuple):
        return tuple(_swapped(each) if isinstance(each, str) else each for each in args)
    name, mark, order = args.partition(";16")
    native = "B" if sys.byteorder == "little" else "L"
    return args if not mark else name + mark + {"B": "L", "L": "B", "N": native}[order]


def _brightened(image: Image.Image, source: Path | bytes, kind: Format) -> Image.Image:
    """Colours of 10, 12 or 14 bits in 16, whose upper 8 bits alone are nearly black."""
    high = np.asarray(image.convert("RGB"))
    if high.max() > 0x3F:
        return image
    try:
        low = np.asarray(_decode(source, kind, None, low=True)[0].convert("RGB"))
        whole = high.astype(np.uint16) << 8 | low
    except Exception:  # an arrangement whose bytes cannot be swapped
        return image
    bright = Image.fromarray(eight_bits(whole))
    if image.mode == "RGBA":
        bright.putalpha(image.getchannel("A"))
    return bright


def _reduced(image: Image.Image, reduce_to: int | None) -> Image.Image:
    """At most about four times as large as it is needed: colours cost time by the pixel."""
    factor = 1 if reduce_to is None else min(image.size) // (4 * reduce_to)
    return image.reduce(factor) if factor > 1 and image.mode in ("RGB", "RGBA", "L") else image


def to_rgb(image: Image.Image) -> Image.Image:
    """RGB, with whatever is transparent laid on white."""
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        flat = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(flat, rgba).convert("RGB")
    return image.convert("RGB")


def read_photo(source: Path | bytes, *, reduce_to: int | None = None) -> Image.Image:
    """An upright RGB photo; arguments and errors as `read_image`."""
    image = read_image(source, reduce_to=reduce_to)
    with _one_kind_of_error():
        return to_rgb(image)
