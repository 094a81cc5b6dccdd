"""Vector drawings: SVG and Quick, Draw! ndjson to strokes, strokes to a raster image.

A stroke is an (N, 2) float array of x, y points with y down; its unit does not matter, since a
drawing is fitted to the canvas when it is rasterised.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from sbir_cli.config import SketchConfig
from sbir_cli.errors import ImageError

Stroke = npt.NDArray[np.float64]

_SUPERSAMPLING = 4  # PIL draws lines without antialiasing
_CURVE_STEPS = 24  # straight pieces a Bezier curve or arc is cut into


def parse_quickdraw(text: str) -> list[Stroke]:
    """Strokes of one line of a Quick, Draw! ndjson file, simplified or raw.

    Raises:
        ImageError: the line is not JSON, or has no list `drawing` of [xs, ys, ...] strokes.
    """
    try:
        drawing = json.loads(text)["drawing"]
        strokes = [np.array([stroke[0], stroke[1]], dtype=np.float64).T for stroke in drawing]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ImageError(
            "not a Quick, Draw! line: no list `drawing` of [xs, ys] strokes"
        ) from error
    return _finite(strokes)


def parse_svg(data: bytes) -> list[Stroke]:
    """The outline of every shape of an SVG file, in drawing order, transforms applied.

    Stroke widths, colours and fills of the file are ignored: only the lines are a sketch.

    Raises:
        ImageError: not an SVG file that can be parsed.
    """
    from svgelements import SVG, Close, Line, Move, Path, Shape  # a rare input: import when met

    strokes: list[Stroke] = []
    try:
        for element in SVG.parse(io.BytesIO(data.strip()), reify=True).elements():
            if not isinstance(element, Shape) or element.values.get("display") == "none":
                continue
            points: list[tuple[float, float]] = []
            for segment in Path(element):
                if isinstance(segment, Move):
                    strokes.append(np.array(points))
                    points = []
                elif isinstance(segment, (Line, Close)):
                    points += [(p.x, p.y) for p in (segment.start, segment.end) if p is not None]
                else:
                    steps = np.linspace(0, 1, _CURVE_STEPS + 1)
                    points += [(p.x, p.y) for p in map(segment.point, steps)]
            strokes.append(np.array(points))
    except Exception as error:  # the parser raises nearly anything on malformed input
        raise ImageError(f"not an SVG drawing that can be read ({type(error).__name__})") from error
    return _finite(strokes)


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
