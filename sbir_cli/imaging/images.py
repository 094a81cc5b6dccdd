"""Find, decode and normalise image files (PIL). One bad file is one `ImageError`, never a crash."""

from __future__ import annotations

import fnmatch
import io
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sbir_cli.errors import ImageError, SbirError

HEIF_SUFFIXES = frozenset({".heic", ".heif"})
PHOTO_SUFFIXES = HEIF_SUFFIXES | {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff"),
    *(".bmp", ".gif", ".avif", ".jp2", ".ppm", ".pgm"),
}
_HEIF_BRANDS = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1")
SKIPPED_FOLDERS = frozenset({"@eaDir", "__MACOSX", "$RECYCLE.BIN", "System Volume Information"})


@dataclass(frozen=True)
class FoundPhotos:
    """The photo files below some inputs."""

    inputs: list[Path]
    """What was searched, absolute."""
    paths: list[Path]
    """Absolute, in byte order, without repeats."""
    unreadable: list[tuple[Path, str]]
    """Folders that could not be listed, and why."""


def find_photos(inputs: Iterable[Path], exclude: Sequence[str] = ()) -> FoundPhotos:
    """All photo files in `inputs`: files as they are named, folders recursively.

    Below a folder, only names with a photo's suffix count; hidden files and folders, thumbnails
    of file servers and links to folders are left out, and so is what matches a shell pattern of
    `exclude` by its name or by its path below the folder.

    Raises:
        SbirError: an input does not exist, or there is no photo in all of them.
    """
    given = list(inputs)
    tops = [Path(os.path.abspath(path)) for path in given]
    patterns = [pattern.removeprefix("./").rstrip("/") for pattern in exclude]
    paths: set[Path] = set()
    unreadable: list[tuple[Path, str]] = []
    for top in tops:
        try:
            kind = top.stat().st_mode
        except OSError as error:
            reason = (error.strerror or "cannot be read").lower()
            raise SbirError(reason, where=top, remedy="check the name") from error
        if stat.S_ISDIR(kind):
            paths.update(_walk(top, patterns, unreadable))
        else:
            paths.add(top)
    if not paths:
        blame = f" ({unreadable[0][0]}: {unreadable[0][1]})" if unreadable else ""
        raise SbirError(
            f"no photo found{blame}",
            where=", ".join(map(str, given)),
            remedy="name folders that hold JPEG, PNG, WebP, TIFF, BMP, GIF or AVIF files",
        )
    return FoundPhotos(tops, sorted(paths, key=os.fsencode), unreadable)


def _walk(top: Path, exclude: Sequence[str], unreadable: list[tuple[Path, str]]) -> Iterator[Path]:
    def excluded(folder: str, name: str) -> bool:
        below = os.path.relpath(os.path.join(folder, name), top).replace(os.sep, "/")
        return any(fnmatch.fnmatch(name, p) or fnmatch.fnmatch(below, p) for p in exclude)

    def note(error: OSError) -> None:
        unreadable.append((Path(error.filename), error.strerror or "cannot be listed"))

    for folder, subfolders, names in os.walk(top, onerror=note):
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith(".")
            and name not in SKIPPED_FOLDERS
            and not excluded(folder, name)
        )
        for name in names:
            suffix = os.path.splitext(name)[1].lower()
            if suffix in PHOTO_SUFFIXES and not name.startswith(".") and not excluded(folder, name):
                yield Path(folder, name)


def read_image(source: Path | bytes, *, reduce_to: int | None = None) -> Image.Image:
    """Decode one image file (first frame) and turn it upright by its EXIF orientation.

    Args:
        source: a path, or the file's bytes.
        reduce_to: when given, a large JPEG is decoded at the smallest of 1/2, 1/4 or 1/8 scale
            whose shorter side is still at least four times this many pixels.

    Returns:
        The image in the mode it was stored in, 16-bit and float greys brought to 8 bits.

    Raises:
        ImageError: empty, unreadable, truncated, not an image, or beyond the pixel cap
            (178,956,970 pixels: PIL's guard against decompression bombs).
    """
    with _one_kind_of_error():
        return _decode(_open(source), reduce_to)


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


def _open(source: Path | bytes) -> Image.Image:
    if isinstance(source, bytes):
        if not source:
            raise ImageError("empty file")
        if source[4:12] in _HEIF_BRANDS:
            _register_heif()
        return Image.open(io.BytesIO(source))
    status = os.stat(source)
    if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait for ever
        raise ImageError("not a regular file")
    if status.st_size == 0:
        raise ImageError("empty file")
    if source.suffix.lower() in HEIF_SUFFIXES:
        _register_heif()
    return Image.open(source)


def _register_heif() -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError("HEIC needs an extra: pip install 'sbir[heic]'") from error
    pillow_heif.register_heif_opener()


def _decode(image: Image.Image, reduce_to: int | None) -> Image.Image:
    with image:
        if reduce_to is not None and image.format == "JPEG":
            least = 4 * reduce_to  # at twice, embeddings were seen to differ by a cosine of 0.986
            image.draft(None, (least, least))
        image.load()
        try:
            upright = ImageOps.exif_transpose(image)
        except Exception:  # a broken EXIF block must not cost the photo
            upright = image
        # exif_transpose may hand back the very image that is closed on leaving
        return _to_8_bit(upright.copy() if upright is image else upright)


def _to_8_bit(image: Image.Image) -> Image.Image:
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    grey = np.asarray(image).astype(np.float32)
    known = grey[np.isfinite(grey)]
    if not known.size:
        raise ImageError("no pixel holds a number")
    if image.mode == "F":
        low, high = float(known.min()), float(known.max())
    else:  # scanners store 8 or 12 bits in 16 without saying so
        low = 0.0
        high = next(top for top in (255.0, 4095.0, 65535.0, np.inf) if known.max() <= top)
        high = min(high, float(known.max())) if high == np.inf else high
    scaled = (np.nan_to_num(grey, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-12)
    scaled *= 255
    return Image.fromarray(np.clip(scaled, 0, 255).round().astype(np.uint8))


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
