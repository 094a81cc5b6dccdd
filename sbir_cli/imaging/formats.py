"""What an image file is: told from its first bytes, never from its name.

Names say only what is worth looking at in a folder.
"""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal

from sbir_cli.errors import ImageError

Format = Literal[
    "JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000", "PPM", "HEIF", "JXL", "RAW"
]

HEIF_SUFFIXES = frozenset({".heic", ".heif", ".heics", ".heifs", ".hif"})
PHOTO_SUFFIXES = HEIF_SUFFIXES | {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".tif", ".tiff"),
    *(".bmp", ".dib", ".gif", ".avif", ".jp2", ".j2k", ".jpf", ".jpx", ".ppm", ".pgm", ".pnm"),
    ".jxl",
}
RAW_SUFFIXES = frozenset(
    {
        *(".3fr", ".ari", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf"),
        *(".fff", ".gpr", ".iiq", ".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf"),
        *(".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
    }
)
FOREIGN_SUFFIXES = frozenset(
    {
        *(".ai", ".cdr", ".clip", ".cur", ".dds", ".djvu", ".emf", ".eps", ".exr", ".fits"),
        *(".hdr", ".icns", ".ico", ".jbg", ".jxr", ".kra", ".pcx", ".pdf", ".pict", ".ps", ".psb"),
        *(".psd", ".qoi", ".sgi", ".svg", ".svgz", ".tga", ".wdp", ".wmf", ".xcf", ".xpm"),
    }
)
"""Pictures of formats that are never read; with the foregoing they are counted by their format."""

_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    *((b"GIF87a", "GIF"), (b"GIF89a", "GIF"), (b"BM", "BMP")),
    *((b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"), (b"\xff\x4f\xff\x51", "JPEG2000")),
    *((b"\xff\x0a", "JXL"), (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL")),
    *((b"II\x1a\0\0\0HEAPCCDR", "RAW"), (b"FUJIFILMCCD-RAW", "RAW"), (b"IIU\0", "RAW")),
    *((b"IIRO", "RAW"), (b"IIRS", "RAW"), (b"MMOR", "RAW"), (b"\0MRM", "RAW"), (b"FOVb", "RAW")),
)
_TIFF = {b"II*\0": "<", b"MM\0*": ">"}
_BIG_TIFF = (b"II+\0", b"MM\0+")
_HEIF_BRANDS = {*(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")}
_HEIF_BRANDS |= {b"mif1", b"msf1", b"mif2"}
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    *((b"%!PS", "PostScript"), (b"\xc5\xd0\xd3\xc6", "PostScript"), (b"%PDF", "PDF")),
    *((b"8BPS", "Photoshop"), (b"SIMPLE", "FITS"), (b"\xd7\xcd\xc6\x9a", "WMF")),
    *((b"v/1\x01", "OpenEXR"), (b"#?RADIANCE", "Radiance"), (b"gimp xcf", "GIMP")),
    *((b"<svg", "SVG"), (b"<?xml", "XML"), (b"<!DOCTYPE", "HTML"), (b"<html", "HTML")),
)
_PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 262, 330, 50706
_SENSOR = (32803, 34892)  # colour filter array, linear raw
_MOST_DIRECTORIES, _MOST_ENTRIES = 16, 512
_IMPORTS = threading.Lock()
_WITHOUT_EXTRA = re.compile(r"([A-Z0-9]+) is read with an extra: pip install 'sbir\[(\w+)\]'$")


def format_of(file: BinaryIO) -> Format:
    """The format of an image file, opened at its beginning; its place is moved.

    Raises:
        ImageError: it is none that is read.
    """
    head = file.read(64)
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in b" \t\r\n#":
        return "PPM"
    if head[:4] in _TIFF:
        return "RAW" if _is_camera_raw(file, head) else "TIFF"
    if head[:4] in _BIG_TIFF:
        return "TIFF"
    boxed = _boxed(head) if head[4:8] == b"ftyp" else None
    if boxed is not None:
        return boxed
    for magic, name_of_it in _FOREIGN:
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(magic):
            raise ImageError(f"not an image of a format that is read ({name_of_it})")
    raise ImageError("not an image, or of a format that cannot be read")


def _boxed(head: bytes) -> Format | None:
    """HEIF and AVIF share a container: where the major brand tells nothing, the others do."""
    size = min(max(int.from_bytes(head[:4], "big"), 12), len(head))
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, size - 3, 4))]
    if brands[0] == b"crx ":
        return "RAW"
    if brands[0] in (b"avif", b"avis"):
        return "AVIF"
    if brands[0] in _HEIF_BRANDS:
        sequence = {b"avif", b"avis"} & set(brands)
        return "AVIF" if sequence and not {b"heic", b"heix"} & set(brands) else "HEIF"
    return None


def _is_camera_raw(file: BinaryIO, head: bytes) -> bool:
    """Whether a TIFF file holds a sensor's data: in any directory, those of its directories too."""
    order = _TIFF[head[:4]]
    if head[8:10] == b"CR" or head[8:12] in (b"IIII", b"MMMM"):  # Canon, Phase One
        return True
    waiting = [struct.unpack(f"{order}I", head[4:8])[0]] if len(head) >= 8 else []
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        place = waiting.pop()
        if place in seen or place == 0:
            continue
        seen.add(place)
        sensor, others = _directory(file, place, order)
        if sensor:
            return True
        waiting += others
    return False


def _directory(file: BinaryIO, place: int, order: str) -> tuple[bool, list[int]]:
    """Whether a TIFF directory describes a sensor's data, and the directories it leads to."""
    file.seek(place)
    start = file.read(2)
    if len(start) < 2:
        return False, []
    count = min(struct.unpack(f"{order}H", start)[0], _MOST_ENTRIES)
    data = file.read(12 * count + 4)
    others: list[int] = []
    for i in range(0, min(12 * count, len(data) - 11), 12):
        tag, kind, number = struct.unpack_from(f"{order}HHI", data, i)
        short = struct.unpack_from(f"{order}H", data, i + 8)[0]
        if tag == _DNG_VERSION or (tag == _PHOTOMETRIC and short in _SENSOR):
            return True, []
        if tag == _SUB_IFDS and kind in (4, 13):
            (offset,) = struct.unpack_from(f"{order}I", data, i + 8)
            number = min(number, _MOST_DIRECTORIES)
            if number > 1:
                file.seek(offset)
                listed = file.read(4 * number)
                others += struct.unpack(f"{order}{len(listed) // 4}I", listed[: len(listed) & ~3])
            else:
                others.append(offset)
    if len(data) >= 12 * count + 4:
        others.append(struct.unpack_from(f"{order}I", data, 12 * count)[0])
    return False, others


@contextmanager
def extra_imported(name: str, extra: str) -> Iterator[None]:
    """Around the import of the extra that reads a format called `name`, one thread at a time: an
    import that fails half-way leaves its half to the threads that waited for it.

    Raises:
        ImageError: it cannot be imported; `unread_format` knows the sentence again.
    """
    with _IMPORTS:
        try:
            yield
        except ImportError as error:
            what = f"{name} is read with an extra: pip install 'sbir[{extra}]'"
            raise ImageError(what) from error


def unread_format(reason: str) -> tuple[str, str] | None:
    """Format and extra, where a photo was skipped for want of an extra; by its reason alone."""
    found = _WITHOUT_EXTRA.search(reason)
    return (found[1], found[2]) if found else None
