"""Vector drawings: SVG and Quick, Draw! ndjson to strokes, strokes to a raster image.

A stroke is an (N, 2) float array of x, y points with y down; its unit does not matter, since a
drawing is fitted to the canvas when it is rasterised.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from sbir_cli.config import SketchConfig
from sbir_cli.errors import ImageError

Stroke = npt.NDArray[np.float64]

_SUPERSAMPLING = 4  # PIL draws lines without antialiasing
_CURVE_STEPS = 24  # straight pieces a Bezier curve or arc is cut into
_MOST_SHAPES = 100_000
_NO_DRAWING = "not a Quick, Draw! line: no list `drawing` of [xs, ys] strokes"
_STYLES = ("display", "visibility", "opacity")


def read_strokes(data: bytes) -> list[Stroke] | None:
    """Strokes of one vector drawing, in drawing order. None: it is a raster.

    Raises:
        ImageError: it cannot be parsed.
    """
    from sbir_cli.imaging import containers, documents

    content = containers.unpack(data)
    if content.kind == "raster":
        return None
    document = documents.read_document(content.text) if content.kind == "json" else content.data
    return document if isinstance(document, list) else parse_svg(document)


def parse_quickdraw(text: str) -> list[Stroke]:
    """Strokes of one line of a Quick, Draw! ndjson file, simplified or raw.

    Raises:
        ImageError: the line is not JSON, or has no list `drawing` of [xs, ys, ...] strokes.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ImageError(_NO_DRAWING) from error
    return quickdraw_strokes(value)


def quickdraw_strokes(value: Any) -> list[Stroke]:
    """Strokes of a Quick, Draw! object; errors as `parse_quickdraw`."""
    try:
        drawing = value["drawing"]
        strokes = [np.array([stroke[0], stroke[1]], dtype=np.float64).T for stroke in drawing]
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise ImageError(_NO_DRAWING) from error
    return _finite(strokes)


def parse_svg(data: bytes) -> list[Stroke]:
    """The outline of every visible shape of an SVG file, in drawing order, transforms applied.

    Stroke widths, colours and fills of the file are ignored: only the lines are a sketch. What
    is hidden, has neither line nor dark fill, or is the page's background is left out.

    Raises:
        ImageError: not an SVG file that can be parsed, or one that unfolds beyond 100,000 shapes.
    """
    from svgelements import SVG, Shape  # a rare input: import when met

    strokes: list[Stroke] = []
    try:
        svg = SVG.parse(io.BytesIO(_drawn_parts(data)), reify=True)
        page = (float(svg.width or 0), float(svg.height or 0))
        for element in svg.elements():
            if isinstance(element, Shape) and _is_visible(element, page):
                strokes += _outline(element)
    except ImageError:
        raise
    except Exception as error:  # the parser raises nearly anything on malformed input
        raise ImageError(f"not an SVG drawing that can be read ({type(error).__name__})") from error
    return _finite(strokes)


def _drawn_parts(data: bytes) -> bytes:
    """The SVG with symbols, masks and markers moved into <defs>, where they are drawn by
    reference only; refused when its references unfold to too many shapes."""
    root = ElementTree.fromstring(data.strip())
    kept = ElementTree.Element("{http://www.w3.org/2000/svg}defs")
    for parent in list(root.iter()):
        for child in list(parent):
            name = str(child.tag).rpartition("}")[2]
            if name in ("symbol", "mask", "marker") and not str(parent.tag).endswith("defs"):
                parent.remove(child)
                kept.append(child)
    root.insert(0, kept)
    if _unfolded(root, {e.get("id", ""): e for e in root.iter()}, {}) > _MOST_SHAPES:
        raise ImageError(f"the drawing unfolds to more than {_MOST_SHAPES:,} shapes")
    return ElementTree.tostring(root)


def _unfolded(
    element: ElementTree.Element,
    by_id: dict[str, ElementTree.Element],
    known: dict[ElementTree.Element, float],
) -> float:
    """How many elements there are once every <use> is replaced; infinite for a circle."""
    if element not in known:
        known[element] = float("inf")
        count = 1 + sum(_unfolded(child, by_id, known) for child in element)
        if str(element.tag).endswith("}use"):
            link = element.get("{http://www.w3.org/1999/xlink}href") or element.get("href") or ""
            target = by_id.get(link.removeprefix("#"))
            count += 0 if target is None else _unfolded(target, by_id, known)
        known[element] = count
    return known[element]


def svg_bounds(data: bytes) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of all shapes, pictures and (roughly) texts; None of nothing.

    Raises:
        ImageError: not an SVG file that can be parsed.
    """
    from svgelements import SVG, Image, Shape, Text

    boxes = []
    try:
        for element in SVG.parse(io.BytesIO(_drawn_parts(data)), reify=True).elements():
            if isinstance(element, Text):
                x, y, text = float(element.x), float(element.y), str(element.text or "")
                point = element.transform.point_in_matrix_space((x, y))
                size = float(element.font_size or 16) * abs(float(element.transform.a) or 1.0)
                reach = 0.6 * size * len(text)
                boxes.append((point.x - reach / 2, point.y - size, point.x + reach, point.y + size))
            elif isinstance(element, (Image, Shape)) and not isinstance(element, SVG):
                boxes.append(element.bbox())
    except ImageError:
        raise
    except Exception as error:  # the parser raises nearly anything on malformed input
        raise ImageError(f"not an SVG drawing that can be read ({type(error).__name__})") from error
    known = np.array([box for box in boxes if box is not None], dtype=np.float64).reshape(-1, 4)
    known = known[np.isfinite(known).all(axis=1)]
    if not len(known):
        return None
    left, top = known[:, :2].min(axis=0)
    right, bottom = known[:, 2:].max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _is_visible(shape: Any, page: tuple[float, float]) -> bool:
    """Whether a shape leaves ink: shown, not the page's background, with a line or a dark fill."""
    style = {key: str(shape.values.get(key, "")).split("!")[0].strip() for key in _STYLES}
    hidden = style["display"] == "none" or style["visibility"] in ("hidden", "collapse")
    if hidden or style["opacity"] in ("0", "0.0", "0%"):
        return False
    if shape.stroke is not None and shape.stroke.value is not None:
        return True
    fill = shape.fill
    if fill is not None and (fill.value is None or min(fill.red, fill.green, fill.blue) >= 250):
        return False
    box = shape.bbox()
    covers = box is not None and min(page) > 0 and (box[2] - box[0]) >= 0.99 * page[0]
    return not (covers and (box[3] - box[1]) >= 0.99 * page[1])


def _outline(shape: Any) -> list[Stroke]:
    from svgelements import Close, Line, Move, Path

    strokes: list[Stroke] = []
    points: list[tuple[float, float]] = []
    for segment in Path(shape):
        if isinstance(segment, Move):
            strokes.append(np.array(points))
            points = []
        elif isinstance(segment, (Line, Close)):
            points += [(p.x, p.y) for p in (segment.start, segment.end) if p is not None]
        else:
            steps = np.linspace(0, 1, _CURVE_STEPS + 1)
            points += [(p.x, p.y) for p in map(segment.point, steps)]
    strokes.append(np.array(points))
    return strokes


def _finite(strokes: Sequence[Stroke]) -> list[Stroke]:
    return [s for s in strokes if s.ndim == 2 and len(s) and bool(np.isfinite(s).all())]


def rasterise(strokes: Sequence[Stroke], config: SketchConfig | None = None) -> Image.Image:
    """Black strokes on white, fitted into a square with their aspect kept.

    Args:
        strokes: (N_i, 2) arrays of x, y points in any unit.
        config: canvas side in pixels, stroke width and margin as shares of it.

    Returns:
        An L image of canvas x canvas pixels.

    Raises:
        ImageError: there is no stroke.
    """
    config = config or SketchConfig()
    if not strokes:
        raise ImageError("the drawing has no stroke", remedy="draw at least one line")
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    side = config.canvas * _SUPERSAMPLING
    width = max(round(config.stroke_width * side), 1)
    scale = (side * (1 - 2 * config.margin) - width) / max(float((high - low).max()), 1e-9)
    offset = side / 2 - scale * (low + high) / 2

    canvas = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(canvas)
    radius = (width - 1) / 2
    for stroke in strokes:
        line = [(float(x), float(y)) for x, y in stroke * scale + offset]
        draw.line(line, fill=0, width=width, joint="curve")
        for x, y in (line[0], line[-1]):  # round ends, which PIL's lines lack
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
    return canvas.resize((config.canvas, config.canvas), Image.Resampling.BOX)
