from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sbir_cli.config import SketchConfig
from sbir_cli.errors import ImageError
from sbir_cli.imaging.sketches import read_sketches
from sbir_cli.imaging.tldraw import unpack

CORNERS = [[0, 0], [80, 0], [80, 80], [0, 80], [0, 0]]
QUICKDRAW = {"word": "box", "drawing": [[[0, 80, 80, 0, 0], [0, 0, 80, 80, 0]]]}


def _read(data: bytes | dict[str, Any] | list[Any], **options: Any) -> list[Any]:
    raw = data if isinstance(data, bytes) else json.dumps(data, **options).encode()
    return read_sketches("-", raw, SketchConfig(fit=True))


def _seen(data: bytes | dict[str, Any] | list[Any]) -> np.ndarray[Any, Any]:
    (sketch,) = _read(data)
    return np.asarray(sketch.image.convert("L").resize((32, 32), Image.Resampling.BOX)).astype(int)


def _excalidraw(*elements: dict[str, Any], **state: Any) -> dict[str, Any]:
    common = {"strokeColor": "#1e1e1e", "backgroundColor": "transparent", "strokeWidth": 2}
    drawn = [{"x": 100, "y": 50, "width": 80, "height": 80, **common, **e} for e in elements]
    return {"type": "excalidraw", "version": 2, "elements": drawn, "appState": state, "files": {}}


def _tldraw(*shapes: dict[str, Any]) -> dict[str, Any]:
    records: list[dict[str, Any]] = [{"typeName": "page", "id": "page:p", "index": "a1"}]
    for i, shape in enumerate(shapes):
        base = {"typeName": "shape", "id": f"shape:{i}", "parentId": "page:p", "index": f"a{i}"}
        records.append({**base, "x": 10, "y": 20, "rotation": 0, "opacity": 1, **shape})
    return {"tldrawFileFormatVersion": 1, "schema": {}, "records": records}


def _packed(points: Sequence[Sequence[float]]) -> str:
    array = np.array([[x, y, 0.5] for x, y in points])
    steps = np.diff(array, axis=0).astype("<f2").tobytes()
    return base64.b64encode(array[0].astype("<f4").tobytes() + steps).decode()


POINTS = [{"x": x, "y": y, "z": 0.5} for x, y in CORNERS]
BOXES: list[Any] = [
    _excalidraw({"type": "rectangle"}),
    _excalidraw({"type": "freedraw", "points": CORNERS}),
    _excalidraw({"type": "line", "points": CORNERS, "angle": 0}),
    _excalidraw({"type": "rectangle"}, {"type": "ellipse", "isDeleted": True}),
    _excalidraw({"type": "rectangle"}, {"type": "ellipse", "opacity": 0}),
    _excalidraw({"type": "ellipse"}, {"type": "rectangle", "backgroundColor": "#ffffff"}),
    _excalidraw({"type": "rectangle", "strokeColor": "#fff"}, viewBackgroundColor="#121212"),
    _excalidraw({"type": "rectangle", "angle": np.pi / 2}),
    _tldraw({"type": "geo", "props": {"geo": "rectangle", "w": 80, "h": 80, "size": "m"}}),
    _tldraw({"type": "draw", "props": {"segments": [{"type": "free", "points": POINTS}]}}),
    _tldraw({"type": "draw", "props": {"segments": [{"type": "free", "path": _packed(CORNERS)}]}}),
    _tldraw(
        {
            "type": "line",
            "props": {"points": {str(i): {**p, "index": f"a{i}"} for i, p in enumerate(POINTS)}},
        }
    ),
    {
        "name": "New Document",
        "document": {
            "pages": {
                "page": {
                    "shapes": {
                        "1": {"type": "draw", "point": [9, 9], "points": CORNERS, "childIndex": 1}
                    }
                }
            }
        },
    },
    QUICKDRAW,
    [QUICKDRAW],
    QUICKDRAW["drawing"],
    [{"penColor": "black", "points": POINTS}],
    [{"paths": POINTS, "strokeColor": "black"}],
]


@pytest.mark.parametrize("file", BOXES, ids=range(len(BOXES)))
@pytest.mark.parametrize("indent", [None, 2])
def test_a_box_is_a_box_in_every_program_s_file(file: Any, indent: int | None) -> None:
    (sketch,) = _read(file, indent=indent)
    seen = np.asarray(sketch.image.convert("L").resize((32, 32), Image.Resampling.BOX))
    box = _seen(QUICKDRAW)
    assert np.abs(seen.astype(int) - box).mean() < 16
    assert seen[8:24, 8:24].min() > 200 and sketch.name == "-"


def test_texts_and_pictures_of_a_program_s_file_count() -> None:
    buffer = io.BytesIO()
    picture = Image.new("RGB", (90, 90), "white")
    picture.paste((0, 0, 0), (20, 20, 70, 24))
    picture.save(buffer, "PNG")
    link = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    file = _excalidraw({"type": "image", "fileId": "f"})
    file["files"] = {"f": {"dataURL": link}}
    assert _seen(file).min() < 128
    assert _seen(_excalidraw({"type": "text", "text": "hat", "fontSize": 20})).min() < 128
    rich = {
        "type": "doc",
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": "hat"}]}],
    }
    assert _seen(_tldraw({"type": "text", "props": {"richText": rich}})).min() < 128


@pytest.mark.parametrize(
    "kind",
    ["rectangle", "ellipse", "star", "cloud", "heart", "hexagon", "x-box", "arrow-up", "none"],
)
def test_every_shape_of_tldraw_is_drawn_in_its_box(kind: str) -> None:
    seen = _seen(_tldraw({"type": "geo", "props": {"geo": kind, "w": 80, "h": 80}}))
    assert seen.min() < 160 and seen[:1].min() > 200


def test_an_arrow_has_a_head() -> None:
    arrow = {"start": {"x": 0, "y": 40}, "end": {"x": 80, "y": 40}, "bend": 0}
    seen = _seen(_tldraw({"type": "arrow", "props": arrow}))
    tall = (seen < 200).sum(axis=0)
    assert tall[24:].max() > tall[6:18].max()


def test_one_file_is_one_drawing_unless_it_is_ndjson() -> None:
    line = json.dumps(QUICKDRAW)
    two = f"{line}\n{line}\n".encode()
    assert [sketch.name for sketch in _read(two)] == ["-#1", "-#2"]
    assert len(_read((line + "\n\n").encode())) == 1
    assert len(_read(QUICKDRAW, indent=1)) == 1
    assert len(_read(json.dumps(QUICKDRAW, indent=1).encode("utf-16"))) == 1


def test_a_bad_line_of_ndjson_is_told_and_the_others_are_read() -> None:
    line = json.dumps(QUICKDRAW)
    failures: list[ImageError] = []
    found = read_sketches("f", f"{line}\n{{}}\n{{\n{line}\n".encode(), bad_lines=failures)
    assert [sketch.name for sketch in found] == ["f#1", "f#4"]
    assert [str(error).partition(":")[0] for error in failures] == ["f#2", "f#3"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": 1}, "JSON, but no drawing of Quick, Draw!, Excalidraw or tldraw"),
        ([], "JSON, but no drawing"),
        (["x"], "Quick, Draw!"),
        ([QUICKDRAW, QUICKDRAW], "2 drawings in one list; write one a line"),
        (_excalidraw(), "nothing is drawn"),
        (_tldraw(), "nothing is drawn"),
        (_excalidraw({"type": "freedraw", "points": [["a", 2]]}), "not pairs of numbers"),
        (_excalidraw({"type": "line", "points": 7}), "not pairs of numbers"),
        (b'{"type": "excalidraw",\n"elements": [', "not JSON that can be read"),
        (b"%PDF-1.7 ...", "a PDF, not a drawing; export it as PNG or SVG"),
        (b"PK\x03\x04 damaged", "a damaged archive"),
    ],
)
def test_what_holds_no_drawing_is_one_sentence(data: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message) as error:
        _read(data, **({} if isinstance(data, bytes) else {"indent": 2}))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["mergedimage.png", "QuickLook/Thumbnail.png"])
def test_a_painting_program_s_archive_gives_its_picture(name: str) -> None:
    buffer, archive = io.BytesIO(), io.BytesIO()
    picture = Image.new("L", (64, 64), 255)
    picture.paste(0, (10, 10, 50, 14))
    picture.save(buffer, "PNG")
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("mimetype", "image/openraster")
        file.writestr(name, buffer.getvalue())
    assert np.array_equal(_seen(archive.getvalue()), _seen(buffer.getvalue()))


def test_a_damaged_packed_stroke_is_an_image_error() -> None:
    assert unpack(_packed([[1.5, 2], [3, 4]])) == [(1.5, 2.0), (3.0, 4.0)]
    for text in ("%%%", "AAAA", 7):
        with pytest.raises(ImageError, match="damaged"):
            unpack(text)  # type: ignore[arg-type]
