"""Pieces of SVG that drawing programs' files are turned into."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from sbir_cli.errors import ImageError
from sbir_cli.imaging.svg import GROUND, SVG

Point = tuple[float, float]


def tag(name: str, content: str = "", /, **attributes: object) -> str:
    """One element; `stroke_width` stands for `stroke-width`, None leaves an attribute out."""
    given = {key.replace("_", "-"): value for key, value in attributes.items() if value is not None}
    text = "".join(f' {key}="{escape(str(value))}"' for key, value in given.items())
    return f"<{name}{text}>{content}</{name}>" if content else f"<{name}{text}/>"


def document(parts: Iterable[str], ground: str = "") -> bytes:
    """An SVG without a size: it shows all that is drawn, on a ground of this colour."""
    head = f'<svg xmlns="{SVG}" {GROUND}="{escape(ground)}">'
    return f"{head}{''.join(parts)}</svg>".encode()


def number(value: Any, default: float = 0.0) -> float:
    """A finite number of a JSON file, else the default."""
    if isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < 1e9:
        return float(value)
    return default


def points_of(items: Any) -> list[Point]:
    """Points given as [x, y, ...] or as {"x": ..., "y": ...}.

    Raises:
        ImageError: there are some that are neither.
    """
    try:
        pairs = [(p["x"], p["y"]) if isinstance(p, dict) else (p[0], p[1]) for p in items or ()]
        return [(number(float(x)), number(float(y))) for x, y in pairs]
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise ImageError("the drawing's points are not pairs of numbers") from error


def path_data(points: Sequence[Point], closed: bool = False, smooth: bool = False) -> str:
    """Lines through some points, or a smooth curve through them; a single one becomes a dot."""
    if not points:
        return ""
    (x, y), rest = points[0], points[1:]
    data = [f"M{x:.6g} {y:.6g}"]
    if not rest:
        data.append("h0.01")
    elif smooth and len(points) > 2:
        data += _curves(points)
    else:
        data += [f"L{x:.6g} {y:.6g}" for x, y in rest]
    return "".join(data) + ("Z" if closed else "")


def _curves(points: Sequence[Point]) -> list[str]:
    """Catmull-Rom pieces as Bezier curves."""
    pieces = []
    for i in range(len(points) - 1):
        before, start, end = points[max(i - 1, 0)], points[i], points[i + 1]
        after = points[min(i + 2, len(points) - 1)]
        x1, y1 = start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6
        x2, y2 = end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6
        pieces.append(f"C{x1:.6g} {y1:.6g} {x2:.6g} {y2:.6g} {end[0]:.6g} {end[1]:.6g}")
    return pieces


def polygon(sides: int, width: float, height: float) -> list[Point]:
    """Corners of a regular polygon with one corner on top, stretched into a box from (0, 0)."""
    corners = [
        (math.sin(2 * math.pi * i / sides), -math.cos(2 * math.pi * i / sides))
        for i in range(sides)
    ]
    return _stretched(corners, width, height)


def star(width: float, height: float) -> list[Point]:
    """Corners of a five-pointed star in a box from (0, 0)."""
    corners = [
        (r * math.sin(math.pi * i / 5), -r * math.cos(math.pi * i / 5))
        for i, r in enumerate([1, 0.45] * 5)
    ]
    return _stretched(corners, width, height)


def _stretched(corners: Sequence[Point], width: float, height: float) -> list[Point]:
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return [
        ((x - min(xs)) / (max(xs) - min(xs)) * width, (y - min(ys)) / (max(ys) - min(ys)) * height)
        for x, y in corners
    ]


def arrow_head(before: Point, tip: Point, size: float) -> list[Point]:
    """The two strokes of an arrow's head, as one line through its tip."""
    back = math.atan2(before[1] - tip[1], before[0] - tip[0])
    left, right = (
        (tip[0] + size * math.cos(back + turn), tip[1] + size * math.sin(back + turn))
        for turn in (0.45, -0.45)
    )
    return [left, tip, right]


def text_lines(text: str, x: float, y: float, size: float, /, **attributes: object) -> list[str]:
    """A text, its first line's top at y, one element a line."""
    return [
        tag("text", escape(line), x=x, y=y + size * (0.95 + 1.25 * i), font_size=size, **attributes)
        for i, line in enumerate(text[:10_000].splitlines())
        if line.strip()
    ]
