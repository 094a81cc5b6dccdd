"""An SVG made safe to paint: what would read a file is taken out, what costs too much is refused.

A renderer reads its file as a browser would, pictures of the disk included. So the file is parsed
here first, and only what is left of it is painted (`painting.py`).
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

from PIL import Image

from sbir_cli.errors import ImageError
from sbir_cli.imaging.css import modernise

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
GROUND = "data-ground"  # the colour behind a drawing that has no size of its own

_PICTURES = ("PNG", "JPEG", "GIF", "WEBP")  # what the renderer reads
_MOST_SHAPES = 100_000
_DEEPEST = 100  # groups within groups; the renderer calls itself for each
_LAYER = 25  # shapes that a mask or a see-through group costs as much as
_LARGEST_FILE = 64 * 2**20
_MOST_PICTURE_PIXELS = 25_000_000
_REFERENCE = re.compile(r"url\(\s*['\"]?#([^'\")]+)")
_LAYERS = ("mask", "clip-path", "opacity", "mix-blend-mode", "filter")
_DROPPED = ("filter", "foreignObject", "script")  # slow ones, and what no renderer draws alike


def read_svg(data: bytes, nested: int = 0) -> ElementTree.Element:
    """The root of an SVG file, without links to files or the network.

    Args:
        data: SVG in any encoding that XML knows; the namespaces may be missing, as in a drawing
            copied from a web page.
        nested: how many pictures within pictures this one is inside of.

    Raises:
        ImageError: not an SVG file, or one that unfolds beyond 100,000 shapes.
    """
    root = _parse(data)
    for child in root.iter():
        child.tag = _in_namespace(child.tag)
    if root.tag != f"{{{SVG}}}svg":
        raise ImageError("not an SVG drawing", remedy="name an SVG, an image or an ndjson file")
    _without_links(root, nested)
    modernise(root)
    if _depth(root) > _DEEPEST:
        raise ImageError(f"the drawing nests groups more than {_DEEPEST} deep")
    by_id = {e.get("id", ""): e for e in root.iter()}
    if _unfolded(root, by_id, {}) > _MOST_SHAPES:
        raise ImageError(f"the drawing unfolds to more than {_MOST_SHAPES:,} shapes")
    return root


def gunzip(data: bytes) -> bytes:
    """What a gzip file holds (`.svgz`).

    Raises:
        ImageError: damaged, or larger than 64 MB.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            content = file.read(_LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ImageError("a damaged gzip file") from error
    if len(content) > _LARGEST_FILE:
        raise ImageError("too large when unpacked (the cap is 64 MB)")
    return content


def _parse(data: bytes) -> ElementTree.Element:
    text = data.strip()
    for _ in range(20):
        try:
            return ElementTree.fromstring(text)
        except ElementTree.ParseError as error:
            declared = _declare(text, error) if error.code == 27 else None  # unbound prefix
            if declared is None:
                reason = str(error).partition(":")[0]
                raise ImageError(f"not an SVG drawing that can be read ({reason})") from error
            text = declared
        except (ValueError, LookupError, RecursionError) as error:
            raise ImageError("not an SVG drawing that can be read (encoding)") from error
    raise ImageError("not an SVG drawing that can be read (undeclared prefixes)")


def _declare(text: bytes, error: ElementTree.ParseError) -> bytes | None:
    """The file with the undeclared namespace prefix that the parser stopped at declared."""
    line = text.splitlines()[error.position[0] - 1][error.position[1] :]
    for prefix in re.findall(rb"[<\s/]([A-Za-z_][\w.-]*):[\w.-]+", line):
        name = b"xmlns:" + prefix
        if name + b"=" not in text and prefix not in (b"xml", b"xmlns"):
            uri = XLINK.encode() if prefix == b"xlink" else b"urn:" + prefix
            return re.sub(
                rb"<((?:\w+:)?svg)\b", rb"<\1 " + name + b'="' + uri + b'"', text, count=1
            )
    return None


def _in_namespace(tag: object) -> str:
    name = str(tag)
    return name if name.startswith("{") else f"{{{SVG}}}{name}"


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _without_links(root: ElementTree.Element, nested: int) -> None:
    """Links stay within the file: to an element, or to a picture that the file itself holds."""
    left = _MOST_PICTURE_PIXELS
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child) in _DROPPED:
                parent.remove(child)
    for element in root.iter():
        element.attrib.pop("filter", None)
        for key in [k for k in element.attrib if k.rpartition("}")[2] in ("href", "src", "base")]:
            link = element.attrib.pop(key).strip()
            if link.startswith("#"):
                element.set(f"{{{XLINK}}}href", link)
            elif link.startswith("data:") and _local(element) == "image":
                picture, pixels = _picture(link, nested)
                left -= pixels
                if left < 0:
                    raise ImageError("the pictures in the drawing have too many pixels")
                element.set(f"{{{XLINK}}}href", picture)


def _picture(link: str, nested: int) -> tuple[str, int]:
    """A `data:` link to a picture, made again from what was understood of it, and its pixels."""
    head, _, body = link.partition(",")
    data = unquote_to_bytes(body)
    try:
        data = base64.b64decode(data) if head.rstrip().endswith(";base64") else data
        if "svg" in head:
            if nested > 1:
                return "", 0
            inner = read_svg(gunzip(data) if data.startswith(b"\x1f\x8b") else data, nested + 1)
            kind, data, pixels = "svg+xml", ElementTree.tostring(inner), 1_000_000
        else:
            with Image.open(io.BytesIO(data), formats=_PICTURES) as image:
                kind, pixels = str(image.format).lower(), image.width * image.height
    except (binascii.Error, OSError, ValueError, Image.DecompressionBombError, ImageError):
        return "", 0  # a broken picture is no picture, as in a browser
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}", pixels


def _depth(element: ElementTree.Element) -> int:
    deepest, level = 0, [element]
    while level:
        deepest, level = deepest + 1, [child for parent in level for child in parent]
    return deepest


def _unfolded(
    element: ElementTree.Element,
    by_id: dict[str, ElementTree.Element],
    known: dict[ElementTree.Element, float],
) -> float:
    """How many shapes it costs to paint once every reference is followed; infinite for a circle."""
    if element not in known:
        known[element] = float("inf")
        count = 1 + sum(_unfolded(child, by_id, known) for child in element)
        count += sum(_LAYER for name in _LAYERS if name in element.attrib)
        for target, times in _references(element):
            if target in by_id:
                count += times * _unfolded(by_id[target], by_id, known)
        known[element] = count
    return known[element]


def _references(element: ElementTree.Element) -> Iterator[tuple[str, int]]:
    """Elements that are painted with this one, and how often."""
    link = element.get(f"{{{XLINK}}}href", "")
    if link and _local(element) in ("use", "pattern"):
        yield link.removeprefix("#"), 1
    for key, value in element.attrib.items():
        for target in _REFERENCE.findall(value):
            times = 1
            if "marker" in key or "marker" in value:
                times = 1 + len(re.findall(r"[A-Za-z,\s]", element.get("d", ""))) // 2
            yield target, times
