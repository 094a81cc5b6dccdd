"""JSON files of drawing programs: whose they are, and the strokes or the SVG that they hold."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from sbir_cli.errors import ImageError
from sbir_cli.imaging import vector
from sbir_cli.imaging.excalidraw import excalidraw_svg
from sbir_cli.imaging.markup import points_of
from sbir_cli.imaging.tldraw import tldraw_svg

_UNKNOWN = "JSON, but no drawing of Quick, Draw!, Excalidraw or tldraw"


def split_lines(text: str) -> list[tuple[int, str]] | None:
    """The lines of an ndjson file with their numbers; None for a single JSON value.

    A file is ndjson when one of its first two lines is a whole object and it has more of them.
    """
    lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
    if len(lines) < 2:
        return None
    return lines if any(_is_object(line) for _, line in lines[:2]) else None


def _is_object(line: str) -> bool:
    if not line.strip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def read_document(text: str) -> list[vector.Stroke] | bytes:
    """One drawing: strokes of Quick, Draw! and signature pads, SVG of all else.

    Raises:
        ImageError: not JSON, of a program that is not known, or several drawings in one value.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = "not a Quick, Draw! line" if '"drawing"' in text else "not JSON that can be read"
        raise ImageError(
            what, remedy="name an image, SVG, ndjson or a drawing program's file"
        ) from error
    if isinstance(value, dict):
        if "drawing" in value:
            return vector.quickdraw_strokes(value)
        if isinstance(value.get("elements"), list) or value.get("type") == "excalidraw":
            return excalidraw_svg(value)
        if isinstance(value.get("records"), list) or isinstance(value.get("document"), dict):
            return tldraw_svg(value)
    if isinstance(value, list) and value:
        return _strokes(value)
    raise ImageError(_UNKNOWN, remedy="export the drawing as PNG or SVG")


def _strokes(items: list[Any]) -> list[vector.Stroke]:
    if all(isinstance(item, dict) and "drawing" in item for item in items):
        if len(items) == 1:
            return vector.quickdraw_strokes(items[0])
        raise ImageError(f"{len(items):,} drawings in one list", remedy="write one a line: ndjson")
    strokes = []
    for item in items:
        points = (item.get("points") or item.get("paths")) if isinstance(item, dict) else None
        if isinstance(points, list):
            strokes.append(np.array(points_of(points), dtype=np.float64).reshape(-1, 2))
    if strokes:
        return [stroke for stroke in strokes if len(stroke)]
    return vector.quickdraw_strokes({"drawing": items})
