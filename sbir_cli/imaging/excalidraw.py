"""Excalidraw's own files as SVG."""

from __future__ import annotations

import math
from typing import Any

from sbir_cli.errors import ImageError
from sbir_cli.imaging import markup
from sbir_cli.imaging.markup import Point, arrow_head, number, path_data, points_of, tag


def excalidraw_svg(scene: dict[str, Any]) -> bytes:
    """The drawing of an `.excalidraw` file, or of what was copied from the program.

    Hatched fills are left out: the hatching is not a line of the drawing.

    Raises:
        ImageError: nothing is drawn, or its points are not pairs of numbers.
    """
    elements = [e for e in scene.get("elements") or [] if isinstance(e, dict)]
    files = scene.get("files")
    shown = [element for element in elements if not element.get("isDeleted")]
    if not shown:
        raise ImageError("nothing is drawn in the file", remedy="draw at least one line")
    parts = [_element(element, files if isinstance(files, dict) else {}) for element in shown]
    return markup.document(parts, _ground(scene))


def _ground(scene: dict[str, Any]) -> str:
    state = scene.get("appState")
    colour = state.get("viewBackgroundColor") if isinstance(state, dict) else None
    return colour if isinstance(colour, str) and colour != "transparent" else ""


def _element(element: dict[str, Any], files: dict[str, Any]) -> str:
    x, y = number(element.get("x")), number(element.get("y"))
    width, height = number(element.get("width")), number(element.get("height"))
    middle = width / 2, height / 2
    kind = element.get("type")
    if kind in ("line", "arrow", "freedraw"):
        points = points_of(element.get("points"))
        if not points:
            return ""
        xs, ys = [x for x, _ in points], [y for _, y in points]
        middle = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
        inner = _line(element, points)
    elif kind == "text":
        size = number(element.get("fontSize"), 20)
        colour = element.get("strokeColor", "black")
        inner = "".join(markup.text_lines(str(element.get("text", "")), 0, 0, size, fill=colour))
    elif kind == "image":
        file = files.get(str(element.get("fileId")))
        link = file.get("dataURL") if isinstance(file, dict) else None
        inner = tag("image", href=link, width=width, height=height, preserveAspectRatio="none")
    elif kind in ("rectangle", "diamond", "ellipse"):
        inner = _shape(element, str(kind), width, height)
    else:  # frames and embedded pages are not drawn
        return ""
    turn = math.degrees(number(element.get("angle")))
    place = f"translate({x} {y}) rotate({turn} {middle[0]} {middle[1]})"
    return tag("g", inner, transform=place, opacity=number(element.get("opacity"), 100) / 100)


def _style(element: dict[str, Any], pen: float = 1.0) -> dict[str, object]:
    filled = element.get("fillStyle", "solid") == "solid"
    fill = element.get("backgroundColor") if filled else None
    return {
        "stroke": element.get("strokeColor", "black"),
        "stroke_width": pen * max(number(element.get("strokeWidth"), 1), 0.1),
        "fill": fill if isinstance(fill, str) and fill != "transparent" else "none",
        "stroke_linecap": "round",
        "stroke_linejoin": "round",
    }


def _line(element: dict[str, Any], points: list[Point]) -> str:
    kind = element["type"]
    style = _style(element, 2.5 if kind == "freedraw" else 1.0)
    smooth = kind != "freedraw" and bool(element.get("roundness") or element.get("curve"))
    closed = len(points) > 2 and math.dist(points[0], points[-1]) < 8
    if not closed:
        style["fill"] = "none"
    parts = [tag("path", d=path_data(points, smooth=smooth), **style)]
    if kind == "arrow" and len(points) > 1:
        size = min(30.0, math.dist(points[-2], points[-1]) / 2)
        ends = (("startArrowhead", points[1], points[0]), ("endArrowhead", points[-2], points[-1]))
        for key, before, tip in ends:
            if element.get(key, "arrow" if key == "endArrowhead" else None):
                parts.append(tag("path", d=path_data(arrow_head(before, tip, size)), **style))
    return "".join(parts)


def _shape(element: dict[str, Any], kind: str, width: float, height: float) -> str:
    style = _style(element)
    if kind == "ellipse":
        size = {"cx": width / 2, "cy": height / 2, "rx": abs(width) / 2, "ry": abs(height) / 2}
        return tag("ellipse", **size, **style)
    if kind == "diamond":
        return tag("path", d=path_data(markup.polygon(4, width, height), closed=True), **style)
    rounded = element.get("roundness") or element.get("strokeSharpness") == "round"
    radius = min(32, 0.25 * min(abs(width), abs(height))) if rounded else 0
    return tag("rect", width=abs(width), height=abs(height), rx=radius, **style)
