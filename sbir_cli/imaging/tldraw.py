"""tldraw's own files as SVG: those of today (`records`) and those of its first version."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from sbir_cli.errors import ImageError
from sbir_cli.imaging import markup
from sbir_cli.imaging.markup import Point, arrow_head, number, path_data, points_of, tag

_COLOURS = {
    **{"black": "#1d1d1d", "white": "#ffffff", "grey": "#9fa8b2", "yellow": "#f1ac4b"},
    **{"light-blue": "#4ba1f1", "light-green": "#4cb05e", "light-red": "#f87777"},
    **{"light-violet": "#e085f4", "orange": "#e16919", "green": "#099268", "red": "#e03131"},
}
_WIDTHS = {"s": 2.0, "m": 3.5, "l": 5.0, "xl": 10.0}
_FONTS = {"s": 18.0, "m": 24.0, "l": 36.0, "xl": 44.0}
_PALE = "#f4f4f4"  # fills that are lighter than their line
_DEEPEST = 50


def tldraw_svg(file: dict[str, Any]) -> bytes:
    """The first page of a `.tldr` file that holds anything.

    Raises:
        ImageError: nothing is drawn in it, or its points cannot be read.
    """
    if isinstance(file.get("document"), dict) and "pages" in file["document"]:
        from sbir_cli.imaging.tldraw_old import old_tldraw_svg

        return old_tldraw_svg(file["document"])
    records = [r for r in file.get("records") or [] if isinstance(r, dict)]
    by_id = {str(r.get("id")): r for r in records}
    children: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        if record.get("typeName") == "shape":
            children.setdefault(str(record.get("parentId")), []).append(record)
    pages = [r for r in records if r.get("typeName") == "page" and str(r.get("id")) in children]
    if not pages:
        raise ImageError("nothing is drawn in the file", remedy="draw at least one line")
    first = min(pages, key=lambda page: str(page.get("index")))
    return markup.document(_layer(str(first["id"]), children, by_id, 0))


def _layer(
    parent: str, children: dict[str, list[dict[str, Any]]], by_id: dict[str, Any], depth: int
) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    for shape in sorted(children.get(parent, []), key=lambda s: str(s.get("index"))):
        props = shape.get("props")
        inner = "".join(_shape(shape, props if isinstance(props, dict) else {}, by_id))
        inner += "".join(_layer(str(shape.get("id")), children, by_id, depth + 1))
        x, y = number(shape.get("x")), number(shape.get("y"))
        place = f"translate({x} {y}) rotate({math.degrees(number(shape.get('rotation')))})"
        if inner:
            yield tag("g", inner, transform=place, opacity=number(shape.get("opacity"), 1))


def _shape(shape: dict[str, Any], props: dict[str, Any], by_id: dict[str, Any]) -> list[str]:
    kind = shape.get("type")
    width, height = number(props.get("w")), number(props.get("h")) + number(props.get("growY"))
    if kind in ("draw", "highlight"):
        return _draw(props, wide=kind == "highlight")
    if kind == "line":
        corners = props.get("points")
        if isinstance(corners, dict):
            corners = sorted(corners.values(), key=lambda p: str(p.get("index")))
        smooth = props.get("spline") == "cubic"
        return [tag("path", d=path_data(points_of(corners), smooth=smooth), **_style(props, False))]
    if kind == "arrow":
        return _arrow(props)
    if kind == "geo":
        return _geo(props, width, height) + _label(props, width, height)
    if kind == "image":
        asset = by_id.get(str(props.get("assetId")), {}).get("props") or {}
        size = {"width": width, "height": height, "preserveAspectRatio": "none"}
        return [tag("image", href=asset.get("src"), **size)]
    if kind == "note":
        return [tag("rect", width=200, height=200, fill=_PALE), *_label(props, 200, 200)]
    return _label(props, None, None) if kind == "text" else []


def _style(props: dict[str, Any], closed: bool) -> dict[str, object]:
    colour = _COLOURS.get(str(props.get("color")), "#333333")
    kind = props.get("fill", "none") if closed else "none"
    fill = {"none": "none", "fill": colour}.get(str(kind), _PALE)
    width = _WIDTHS.get(str(props.get("size")), 3.5) * number(props.get("scale"), 1)
    round_ends = {"stroke_linecap": "round", "stroke_linejoin": "round"}
    return {"stroke": colour, "stroke_width": width, "fill": fill, **round_ends}


def _draw(props: dict[str, Any], wide: bool) -> list[str]:
    points: list[Point] = []
    for segment in props.get("segments") or []:
        packed = segment.get("path") if isinstance(segment, dict) else None
        points += unpack(packed) if packed else points_of((segment or {}).get("points"))
    across, down = number(props.get("scaleX"), 1), number(props.get("scaleY"), 1)
    points = [(x * across, y * down) for x, y in points]
    style = _style(props, bool(props.get("isClosed")))
    if wide:  # a highlighter
        style |= {"stroke_width": 24, "stroke_opacity": 0.3}
    return [tag("path", d=path_data(points), **style)]


def unpack(text: str) -> list[Point]:
    """Points of a packed path: base64 of x, y, pressure, the first as float32, then differences
    as float16.

    Raises:
        ImageError: the text is damaged.
    """
    try:
        data = base64.b64decode(text, validate=True)
        first = np.frombuffer(data[:12], "<f4").astype(np.float64)
        rest = np.frombuffer(data[12:], "<f2").astype(np.float64)
        steps = np.concatenate([first, rest]).reshape(-1, 3)
    except (binascii.Error, ValueError, TypeError) as error:
        raise ImageError("a packed stroke of the drawing is damaged") from error
    return [(float(x), float(y)) for x, y, _ in np.cumsum(steps, axis=0)]


def _arrow(props: dict[str, Any]) -> list[str]:
    ends = [props.get(key) for key in ("start", "end")]
    start, end = ((number(e.get("x")), number(e.get("y"))) for e in ends if isinstance(e, dict))
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = max(math.hypot(dx, dy), 1e-9)
    bend = 2 * number(props.get("bend"))
    knee = (
        (start[0] + end[0]) / 2 - dy / length * bend,
        (start[1] + end[1]) / 2 + dx / length * bend,
    )
    style = _style(props, False)
    curve = f"M{start[0]} {start[1]}Q{knee[0]} {knee[1]} {end[0]} {end[1]}"
    parts = [tag("path", d=curve, **style)]
    heads = (("arrowheadStart", "none", start), ("arrowheadEnd", "arrow", end))
    for key, default, tip in heads:
        if props.get(key, default) != "none":
            head = arrow_head(knee, tip, min(20, length / 2))
            parts.append(tag("path", d=path_data(head), **style))
    return parts


_SIDES = {"triangle": 3, "diamond": 4, "pentagon": 5, "hexagon": 6, "octagon": 8}
_OUTLINES: dict[str, list[Point]] = {  # in a box of 1 x 1
    "rhombus": [(0.25, 0), (1, 0), (0.75, 1), (0, 1)],
    "rhombus-2": [(0, 0), (0.75, 0), (1, 1), (0.25, 1)],
    "trapezoid": [(0.25, 0), (0.75, 0), (1, 1), (0, 1)],
    "arrow-right": [(0, 0.25), (0.6, 0.25), (0.6, 0), (1, 0.5), (0.6, 1), (0.6, 0.75), (0, 0.75)],
    "arrow-left": [(1, 0.25), (0.4, 0.25), (0.4, 0), (0, 0.5), (0.4, 1), (0.4, 0.75), (1, 0.75)],
    "arrow-up": [(0.25, 1), (0.25, 0.4), (0, 0.4), (0.5, 0), (1, 0.4), (0.75, 0.4), (0.75, 1)],
    "arrow-down": [(0.25, 0), (0.25, 0.6), (0, 0.6), (0.5, 1), (1, 0.6), (0.75, 0.6), (0.75, 0)],
}
_HEART = "M.5 1C-.4 .4 .1 -.3 .5 .25C.9 -.3 1.4 .4 .5 1Z"


def _geo(props: dict[str, Any], width: float, height: float) -> list[str]:
    kind, style = str(props.get("geo", "rectangle")), _style(props, True)
    if kind in ("ellipse", "oval", "cloud"):
        half = {"rx": width / 2, "ry": height / 2}
        return [tag("ellipse", cx=width / 2, cy=height / 2, **half, **style)]
    if kind == "heart":
        style["stroke_width"] = number(style["stroke_width"]) / max(width, height, 1)
        return [tag("path", d=_HEART, transform=f"scale({width} {height})", **style)]
    if kind in _OUTLINES:
        corners = [(x * width, y * height) for x, y in _OUTLINES[kind]]
    elif kind == "star":
        corners = markup.star(width, height)
    elif kind in _SIDES:
        corners = markup.polygon(_SIDES[kind], width, height)
    else:
        corners = [(0, 0), (width, 0), (width, height), (0, height)]
    parts = [tag("path", d=path_data(corners, closed=True), **style)]
    if kind == "x-box":
        cross = f"M0 0L{width} {height}M{width} 0L0 {height}"
        parts.append(tag("path", d=cross, **style))
    return parts


def _label(props: dict[str, Any], width: float | None, height: float | None) -> list[str]:
    text = props.get("text")
    if not isinstance(text, str):
        text = _plain_text(props.get("richText"), 0)
    size = _FONTS.get(str(props.get("size")), 24.0) * number(props.get("scale"), 1)
    colour = _COLOURS.get(str(props.get("color")), "#333333")
    if width is None or height is None:
        return markup.text_lines(text, 0, 0, size, fill=colour)
    top = height / 2 - size * 0.625 * (1 + text.count("\n"))
    return markup.text_lines(text, width / 2, top, size, fill=colour, text_anchor="middle")


def _plain_text(node: Any, depth: int) -> str:
    if not isinstance(node, dict) or depth > _DEEPEST:
        return ""
    parts = [_plain_text(child, depth + 1) for child in node.get("content") or []]
    end = "\n" if node.get("type") == "paragraph" else ""
    return str(node.get("text", "")) + "".join(parts) + end
