"""What a drawing's file holds, told from its first bytes: a picture, SVG or JSON."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from typing import Literal

from sbir_cli.errors import ImageError

Kind = Literal["raster", "svg", "json"]

_BLANKS = b"\xef\xbb\xbf \t\r\n\0"
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PREVIEWS = (  # the whole picture inside a painting program's file, the largest first
    *("mergedimage.png", "preview.png", "previews/preview.png"),  # OpenRaster, Krita, Sketch
    *("QuickLook/Thumbnail.png", "Thumbnails/thumbnail.png", "thumbnail.png"),  # Procreate, Figma
)
_LARGEST_PREVIEW = 256 * 2**20
_NOT_DRAWINGS = {
    b"%PDF": "a PDF",
    b"%!PS": "a PostScript file",
    b"\x1a\x45\xdf\xa3": "a video",
    b"SQLite format 3": "a database",
}


@dataclass(frozen=True)
class Content:
    """A drawing's bytes, unpacked, and what they are."""

    kind: Kind
    data: bytes

    @property
    def text(self) -> str:
        """As UTF-8; what is not, is replaced."""
        return self.data.decode("utf-8-sig", "replace")


def unpack(data: bytes) -> Content:
    """Look into a file: gzip (`.svgz`), a painting program's zip, UTF-16 and UTF-32 are opened.

    Raises:
        ImageError: a damaged or endless archive, or a file that is known to be no drawing.
    """
    if data.startswith(b"\x1f\x8b"):
        from sbir_cli.imaging.svg import gunzip

        data = gunzip(data)
    if data.startswith(b"PK\x03\x04"):
        return Content("raster", _preview(data))
    for start, what in _NOT_DRAWINGS.items():
        if data.startswith(start):
            raise ImageError(f"{what}, not a drawing", remedy="export it as PNG or SVG")
    data = _as_utf8(data)
    head = data[:512].lstrip(_BLANKS)
    if head.startswith((b"{", b"[")):
        return Content("json", data)
    if head.startswith(b"<"):
        return Content("svg", data)
    return Content("raster", data)


def _as_utf8(data: bytes) -> bytes:
    """JSON and SVG in UTF-16 or UTF-32, with a byte order mark or told by their zeros."""
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), None)
    if encoding is None and data[1:2] == b"\0" and data[:1] in (b"<", b"{", b"["):
        encoding = "utf-16-le"
    elif encoding is None and data[:1] == b"\0" and data[1:2] in (b"<", b"{", b"["):
        encoding = "utf-16-be"
    if encoding is None:
        return data
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ImageError(f"damaged {encoding.upper()} text") from error
    if text.lstrip().startswith("<?xml"):  # its declaration names the old encoding
        text = text.partition("?>")[2]
    return text.encode()


def _preview(data: bytes) -> bytes:
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            known = {info.filename: info for info in archive.infolist()}
            for name in _PREVIEWS:
                if name in known and known[name].file_size <= _LARGEST_PREVIEW:
                    return archive.read(name)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError) as error:
        raise ImageError("a damaged archive") from error
    raise ImageError("an archive without a picture of its drawing", remedy="export it as PNG")
