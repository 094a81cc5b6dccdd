"""Files of tldraw's first version as SVG."""

from __future__ import annotations

import math
from typing import Any

from sbir_cli.errors import ImageError
from sbir_cli.imaging import markup
from sbir_cli.imaging.markup import Point, arrow_head, number, path_data, points_of, tag

_WIDTHS = {"small": 2.0, "medium": 3.5, "large": 5.0}


def old_tldraw_svg(document: dict[str, Any]) -> bytes:
    """The first page that holds anything; fills are pale, as in the program.

    Raises:
        ImageError: nothing is drawn in it, or its points cannot be read.
    """
    pages = document.get("pages")
    for page in pages.values() if isinstance(pages, dict) else []:
        shapes = page.get("shapes") if isinstance(page, dict) else None
        found = [s for s in shapes.values() if isinstance(s, dict)] if shapes else []
        if found:
            ordered = sorted(found, key=lambda shape: number(shape.get("childIndex")))
            return markup.document(_shape(shape) for shape in ordered)
    raise ImageError("nothing is drawn in the file", remedy="draw at least one line")


def _pair(value: Any) -> Point:
    points = points_of([value]) if value else [(0.0, 0.0)]
    return points[0]


def _shape(shape: dict[str, Any]) -> str:
    given = shape.get("style")
    look: dict[str, Any] = given if isinstance(given, dict) else {}
    colour = str(look.get("color", "black"))
    style: dict[str, object] = {
        "stroke": {"white": "#f0f0f0", "black": "#1d1d1d"}.get(colour, "#444444"),
        "stroke_width": _WIDTHS.get(str(look.get("size")), 3.5),
        "fill": "#f4f4f4" if look.get("isFilled") else "none",
    }
    (x, y), (width, height) = _pair(shape.get("point")), _pair(shape.get("size"))
    inner, middle = _outline(shape, width, height, style)
    turn = math.degrees(number(shape.get("rotation")))
    return tag("g", inner, transform=f"translate({x} {y}) rotate({turn} {middle[0]} {middle[1]})")


def _outline(
    shape: dict[str, Any], width: float, height: float, style: dict[str, object]
) -> tuple[str, Point]:
    """What a shape draws at its own origin, and the point it is turned about."""
    kind, middle = shape.get("type"), (width / 2, height / 2)
    if kind == "rectangle":
        return tag("rect", width=width, height=height, rx=3, **style), middle
    if kind == "triangle":
        return tag("path", d=path_data(markup.polygon(3, width, height), True), **style), middle
    if kind == "ellipse":
        rx, ry = _pair(shape.get("radius"))
        return tag("ellipse", cx=rx, cy=ry, rx=rx, ry=ry, **style), (rx, ry)
    if kind == "text":
        return "".join(markup.text_lines(str(shape.get("text", "")), 0, 0, 28)), (0, 0)
    points = points_of(shape.get("points"))
    if kind in ("line", "arrow"):
        handles = shape.get("handles")
        known: dict[str, Any] = handles if isinstance(handles, dict) else {}
        names = ("start", "bend", "end")
        points = [_pair(known[name].get("point")) for name in names if name in known]
    if not points:
        return "", middle
    if kind != "draw" or math.dist(points[0], points[-1]) > 8:
        style["fill"] = "none"
    inner = tag("path", d=path_data(points, smooth=kind != "draw"), **style)
    if kind == "arrow" and len(points) > 1:
        inner += tag("path", d=path_data(arrow_head(points[-2], points[-1], 15)), **style)
    low, high = (tuple(pick(c) for c in zip(*points, strict=True)) for pick in (min, max))
    return inner, ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)
