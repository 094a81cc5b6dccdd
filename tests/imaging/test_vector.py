from __future__ import annotations

import json

import numpy as np
import pytest

from sbir_cli.config import SketchConfig
from sbir_cli.errors import ImageError
from sbir_cli.imaging.vector import parse_quickdraw, parse_svg, rasterise


def test_quickdraw_strokes_become_points() -> None:
    line = json.dumps({"word": "cat", "drawing": [[[0, 10, 20], [5, 5, 6]], [[1], [2]]]})
    strokes = parse_quickdraw(line)
    assert [s.tolist() for s in strokes] == [[[0, 5], [10, 5], [20, 6]], [[1, 2]]]


def test_raw_quickdraw_strokes_with_times_are_read_alike() -> None:
    line = json.dumps({"drawing": [[[0.5, 10.25], [5, 5], [0, 17]]]})
    assert parse_quickdraw(line)[0].tolist() == [[0.5, 5], [10.25, 5]]


@pytest.mark.parametrize("line", ["", "{}", "[1]", '{"drawing": [[1]]}', '{"drawing": 3}', "x"])
def test_a_line_that_is_no_drawing_is_an_image_error(line: str) -> None:
    with pytest.raises(ImageError, match="Quick, Draw!"):
        parse_quickdraw(line)


SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
<g transform="translate(10 0) scale(2)"><path d="M0 0 L10 0 M20 20 h5"/></g>
<circle cx="50" cy="50" r="10" fill="none" stroke="black"/>
<rect x="1" y="2" width="3" height="4"/><line x1="0" y1="0" x2="5" y2="5"/>
<polyline points="0,0 1,1 2,0"/><path d="M0 0 C 0 10 10 10 10 0"/>
</svg>"""


def test_svg_shapes_become_strokes_with_transforms_applied() -> None:
    strokes = parse_svg(SVG.encode())
    assert len(strokes) == 7
    assert strokes[0].tolist() == [[10, 0], [30, 0]]
    assert strokes[1].tolist() == [[50, 40], [60, 40]]
    radii = np.linalg.norm(strokes[2] - 50, axis=1)
    assert np.allclose(radii, 10, atol=1e-6)
    curve = strokes[6]
    assert curve[0].tolist() == [0, 0] and curve[-1].tolist() == [10, 0]
    assert np.isclose(curve[:, 1].max(), 7.5, atol=0.05)  # the Bezier's height


@pytest.mark.parametrize("data", [b"<html><body>no</body></html", b"<svg", b"<a><b></a>"])
def test_broken_xml_is_an_image_error(data: bytes) -> None:
    with pytest.raises(ImageError, match="not an SVG"):
        parse_svg(data)


def test_rasterising_fits_the_drawing_and_keeps_its_aspect() -> None:
    config = SketchConfig(canvas=100, stroke_width=0.02, margin=0.1)
    wide = [np.array([[0.0, 0.0], [400.0, 0.0], [400.0, 100.0], [0.0, 100.0], [0.0, 0.0]])]
    dark = np.argwhere(np.asarray(rasterise(wide, config)) < 128)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    assert abs(left - 10) <= 1 and abs(right - 89) <= 1
    assert abs((bottom - top) - 80 / 4) <= 2 and abs((top + bottom) / 2 - 50) <= 1


def test_stroke_width_is_a_share_of_the_side() -> None:
    line = [np.array([[0.0, 0.0], [1.0, 0.0]])]
    for share in (0.02, 0.06):
        config = SketchConfig(canvas=200, stroke_width=share)
        column = np.asarray(rasterise(line, config))[:, 100]
        assert abs((255 - column.astype(float)).sum() / 255 - 200 * share) <= 1.1


def test_one_point_is_a_dot_and_no_stroke_an_error() -> None:
    assert np.asarray(rasterise([np.array([[3.0, 3.0]])])).min() < 128
    with pytest.raises(ImageError, match="no stroke"):
        rasterise([])


def _svg(body: str, head: str = 'viewBox="0 0 100 100"') -> bytes:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"<svg {names} {head}>{body}</svg>".encode()


LINE = '<path d="M1 1 L9 9" stroke="black" fill="none"/>'


@pytest.mark.parametrize(
    "hidden",
    [
        '<rect width="100%" height="100%" fill="white"/>',
        '<rect width="100" height="100" fill="#222"/>',
        '<rect x="5" y="5" width="9" height="9" fill="none" stroke="none"/>',
        '<path d="M0 0 L5 5" stroke="red" visibility="hidden"/>',
        '<path d="M0 0 L5 5" stroke="red" opacity="0"/>',
        '<path d="M0 0 L5 5" stroke="red" style="display:none !important"/>',
        '<g style="display:none"><path d="M0 0 L5 5" stroke="red"/></g>',
        '<symbol id="s"><path d="M0 0 L5 5" stroke="red"/></symbol>',
        '<mask id="m"><path d="M0 0 L5 5" stroke="red"/></mask>',
        '<marker id="k"><path d="M0 0 L5 5" stroke="red"/></marker>',
        '<defs><path id="d" d="M0 0 L5 5" stroke="red"/></defs>',
        '<clipPath id="c"><path d="M0 0 L5 5"/></clipPath>',
    ],
)
def test_what_nobody_sees_is_not_drawn(hidden: str) -> None:
    assert len(parse_svg(_svg(hidden + LINE))) == 1


@pytest.mark.parametrize(
    "shown",
    [
        '<defs><path id="d" d="M0 0 L5 5" stroke="red"/></defs><use href="#d"/>',
        '<symbol id="s"><path d="M0 0 L5 5" stroke="red"/></symbol><use xlink:href="#s"/>',
        '<rect x="5" y="5" width="9" height="9"/>',
        '<rect width="100" height="100" fill="white" stroke="black"/>',
    ],
)
def test_what_is_seen_is_drawn_once(shown: str) -> None:
    assert len(parse_svg(_svg(shown + LINE))) == 2


def test_an_svg_bomb_is_refused_at_once() -> None:
    layers = '<g id="a0"><path d="M0 0 L1 1"/></g>'
    for i in range(9):
        layers += f'<g id="a{i + 1}">' + f'<use href="#a{i}"/>' * 10 + "</g>"
    with pytest.raises(ImageError, match="unfolds to more than 100,000 shapes"):
        parse_svg(_svg(layers))
    with pytest.raises(ImageError, match="unfolds to more than 100,000 shapes"):
        parse_svg(_svg('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>'))


def test_a_deep_or_endless_ndjson_line_is_an_image_error() -> None:
    for line in ("[" * 200_000, '{"drawing": [[[1e999, 2], [' + "9" * 400 + ", 1]]]}"):
        with pytest.raises(ImageError):
            rasterise(parse_quickdraw(line))
