"""SVG painted in document order by resvg, in a process of its own.

The renderer is native code that reads a stranger's file, and hostile SVG is known that makes any
renderer run for minutes, ask for gigabytes or crash. So it runs beside this process, for no longer
and with no more memory than a drawing may need.
"""

from __future__ import annotations

import io
import math
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image, ImageFont

from sbir_cli.errors import ImageError
from sbir_cli.imaging.svg import GROUND, SVG, XLINK, read_svg

_SECONDS = 20  # of processor time
_PATIENCE = 90  # seconds by the clock, on a busy machine
_MEGABYTES = 2048  # of address space, the interpreter and the fonts of the system included
_UNITS = {"": 1, "px": 1, "pt": 4 / 3, "pc": 16, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96}
_FONT = "Aileron"  # Pillow's own, for names that no font of the system has

_CHILD = """
import os, sys, tempfile
sys.path.append(sys.argv[1])
try:
    import resource
    most = int(sys.argv[3]) << 20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
except (ImportError, ValueError, OSError):
    pass
import resvg_py
font, svg = sys.stdin.buffer.read(int(sys.argv[4])), sys.stdin.buffer.read().decode()
with tempfile.TemporaryDirectory() as folder:
    options = {"skip_system_fonts": True}
    if font:
        path = os.path.join(folder, "font.ttf")
        with open(path, "wb") as file:
            file.write(font)
        kinds = ("font", "serif", "sans_serif", "cursive", "fantasy", "monospace")
        options = {kind + "_family": sys.argv[5] for kind in kinds}
        options["font_files"] = [path]
    png = resvg_py.svg_to_bytes(svg_string=svg, **options)
sys.stdout.buffer.write(png)
"""

Box = tuple[float, float, float, float]
"""Left, top, width and height in a drawing's own units."""


def paint(data: bytes, side: int) -> Image.Image:
    """An SVG as a browser shows it, RGBA, transparent where nothing is drawn.

    Args:
        side: the longer side of the image in pixels.

    A small drawing on a large page is enlarged; what its page cuts off stays cut off.

    Raises:
        ImageError: not an SVG that can be read, nothing visible in it, or beyond the limits of
            20 seconds and 2 GB.
    """
    root = read_svg(data)
    page = _page(root)
    ground = root.attrib.pop(GROUND, None)
    if ground:
        x, y, width, height = map(str, page)
        sheet = {"x": x, "y": y, "width": width, "height": height, "fill": ground}
        root.insert(0, ElementTree.Element(f"{{{SVG}}}rect", sheet))
    image = _render(root, page, page, side)
    box = _ink_box(image)
    if box is None:
        raise ImageError("nothing in the drawing is visible", remedy="draw at least one line")
    if max(box[2] - box[0], box[3] - box[1]) < 0.6 * max(image.size):
        image = _render(root, page, _around(box, image.size, page), side)
    return image


def _around(box: tuple[int, int, int, int], size: tuple[int, int], page: Box) -> Box:
    """A box of pixels with some room, in the drawing's own units."""
    unit, room = max(page[2:]) / max(size), 0.1 * max(box[2] - box[0], box[3] - box[1])
    left, top = max(box[0] - room, 0), max(box[1] - room, 0)
    right, bottom = min(box[2] + room, size[0]), min(box[3] + room, size[1])
    width, height = (right - left) * unit, (bottom - top) * unit
    return page[0] + left * unit, page[1] + top * unit, width, height


def _page(root: ElementTree.Element) -> Box:
    """What the drawing shows of its plane: its viewBox, its size, or else all that is drawn."""
    numbers = [float(n) for n in re.findall(r"[-+]?[\d.]+(?:e[-+]?\d+)?", root.get("viewBox", ""))]
    if len(numbers) == 4 and min(numbers[2:]) > 0 and all(map(math.isfinite, numbers)):
        return numbers[0], numbers[1], numbers[2], numbers[3]
    width, height = _length(root.get("width")), _length(root.get("height"))
    if width and height:
        return 0, 0, width, height
    return _bounds(root)


def _length(text: str | None) -> float | None:
    match = re.fullmatch(r"\s*([\d.]+(?:e[-+]?\d+)?)\s*([a-z]*)\s*", text or "")
    if match is None or match[2] not in _UNITS:
        return None
    length = float(match[1]) * _UNITS[match[2]]
    return length if 0 < length < 1e9 else None


def _bounds(root: ElementTree.Element) -> Box:
    """The box of all that is drawn, with room for its strokes."""
    from sbir_cli.imaging.vector import svg_bounds

    box = svg_bounds(ElementTree.tostring(root))
    if box is None:
        return 0, 0, 300, 150  # what browsers take
    left, top, right, bottom = box
    room = max(0.05 * max(right - left, bottom - top), 1.0)
    return left - room, top - room, right - left + 2 * room, bottom - top + 2 * room


def _render(root: ElementTree.Element, page: Box, shown: Box, side: int) -> Image.Image:
    """`shown` of the drawing, its longer side `side` pixels."""
    inner = ElementTree.Element(root.tag, root.attrib)
    inner.extend(root)
    for key in ("width", "height", "x", "y", "transform", "preserveAspectRatio"):
        inner.attrib.pop(key, None)
    inner.attrib |= dict(zip(("x", "y", "width", "height"), map(str, page), strict=True))
    inner.set("viewBox", " ".join(map(str, page)))
    box = " ".join(map(str, shown))
    width, height = (str(max(side * length / max(shown[2:]), 1)) for length in shown[2:])
    attributes = {"viewBox": box, "width": width, "height": height, "preserveAspectRatio": "none"}
    outer = ElementTree.Element(f"{{{SVG}}}svg", attributes)
    outer.append(inner)
    return _run(outer)


def _run(root: ElementTree.Element) -> Image.Image:
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    svg = ElementTree.tostring(root, encoding="utf-8")
    font = _font() if any(e.tag == f"{{{SVG}}}text" for e in root.iter()) else b""
    arguments = [_packages(), str(_SECONDS), str(_MEGABYTES), str(len(font)), _FONT]
    command = [sys.executable, "-I", "-S", "-c", _CHILD, *arguments]
    try:
        done = subprocess.run(command, input=font + svg, capture_output=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise ImageError(f"the drawing takes more than {_PATIENCE} s to paint") from error
    except OSError as error:
        raise ImageError(f"the renderer cannot be started ({error.strerror})") from error
    if done.returncode:
        raise ImageError("not an SVG drawing that can be painted", remedy="export it as PNG")
    return Image.open(io.BytesIO(done.stdout)).convert("RGBA")


def _packages() -> str:
    from importlib.util import find_spec

    found = find_spec("resvg_py")
    if found is None or found.origin is None:
        raise ImageError("SVG needs the package resvg_py: pip install resvg_py")
    return str(Path(found.origin).parents[1])


def _font() -> bytes:
    """A font file for texts in fonts that the machine does not have; empty without FreeType."""
    font = ImageFont.load_default(20)
    path = getattr(font, "path", None)
    return path.getvalue() if isinstance(path, io.BytesIO) else b""


def _ink_box(image: Image.Image) -> tuple[int, int, int, int] | None:
    """The box of what differs from the page, which a drawing may have painted over all of it."""
    pixels = np.asarray(image).astype(np.int16)
    alpha = pixels[..., 3:]
    pixels = np.concatenate([pixels[..., :3] * alpha // 255, alpha], axis=2)
    shown = alpha[..., 0] > 0
    if not shown.any():
        return None
    rows, columns = np.nonzero(shown.any(axis=1))[0], np.nonzero(shown.any(axis=0))[0]
    box = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    corner = np.median(np.concatenate([box[0], box[-1], box[:, 0], box[:, -1]]), axis=0)
    inked = np.abs(box - corner).max(axis=2) > 8
    if not inked.any():  # one colour fills it: a filled shape, or nothing on a page
        return (
            None
            if box.shape[:2] == shown.shape
            else (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        )
    down, right = np.nonzero(inked.any(axis=1))[0], np.nonzero(inked.any(axis=0))[0]
    left, top = int(columns[0]), int(rows[0])
    return (
        left + int(right[0]),
        top + int(down[0]),
        left + int(right[-1]) + 1,
        top + int(down[-1]) + 1,
    )
