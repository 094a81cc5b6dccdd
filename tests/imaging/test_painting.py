from __future__ import annotations

import base64
import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sbir_cli.config import SketchConfig
from sbir_cli.errors import ImageError
from sbir_cli.imaging.sketches import read_sketches

NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
LINE = '<path d="M10 10 L90 90" stroke="black" stroke-width="3" fill="none"/>'
OTHER = '<path d="M10 90 L90 10" stroke="black" stroke-width="3" fill="none"/>'
BOX = '<rect x="10" y="10" width="80" height="80" fill="none" stroke="black" stroke-width="3"/>'


def _svg(body: str, head: str = 'viewBox="0 0 100 100"') -> bytes:
    return f"<svg {NAMES} {head}>{body}</svg>".encode()


def _seen(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    (sketch,) = read_sketches("-", data, SketchConfig(fit=True))
    return np.asarray(sketch.image.convert("L").resize((64, 64), Image.Resampling.BOX))


def _same(one: bytes, other: bytes, most: float = 6.0) -> bool:
    return float(np.abs(_seen(one).astype(int) - _seen(other)).mean()) < most


def _png(size: tuple[int, int] = (100, 100)) -> str:
    buffer = io.BytesIO()
    picture = Image.new("RGB", size, "white")
    for i in range(12, 88):
        picture.paste((0, 0, 0), (i, i, i + 3, i + 3))
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    "hidden",
    [
        OTHER.replace('"black"', '"white"'),
        OTHER.replace('"black"', '"transparent"'),
        OTHER.replace('width="3"', 'width="0"'),
        OTHER.replace("fill=", 'stroke-opacity="0" fill='),
        OTHER.replace("fill=", 'opacity="0" fill='),
        OTHER.replace("fill=", 'style="stroke: rgba(0, 0, 0, 0)" fill='),
        OTHER.replace("fill=", 'style="visibility:hidden" fill='),
        f'<g display="none">{OTHER}</g>',
        f"<style>g {{ display: none }}</style><g>{OTHER}</g>",
        OTHER + '<rect width="100" height="100" fill="white"/>',
        OTHER + '<rect width="100" height="100" fill="#fdf6e3"/>',
        '<clipPath id="c"><rect width="1" height="1"/></clipPath>'
        f'<g clip-path="url(#c)">{OTHER}</g>',
        f'<mask id="m"/><g mask="url(#m)">{OTHER}</g>',
        f"<defs>{OTHER}</defs>",
        f"<symbol>{OTHER}</symbol>",
        f'<svg x="200" width="50" height="50">{OTHER}</svg>',
        f'<g transform="translate(500 0)">{OTHER}</g>',
        f"<switch><g/>{OTHER}</switch>",
    ],
)
def test_what_nobody_sees_leaves_no_ink(hidden: str) -> None:
    assert _same(_svg(hidden + LINE), _svg(LINE))


@pytest.mark.parametrize(
    "shown",
    [
        f'<defs><g id="a">{OTHER}</g></defs><use href="#a"/>',
        f'<symbol id="s" viewBox="0 0 100 100">{OTHER}</symbol><use xlink:href="#s"/>',
        "<style>.pen { stroke: var(--ink, black); stroke-width: 3 }</style>"
        '<path class="pen" d="M10 90 L90 10"/>',
        "<style>@media (prefers-color-scheme: dark) { path { stroke: white } }</style>" + OTHER,
        OTHER.replace('"black"', '"light-dark(black, white)"'),
        OTHER.replace('"black"', '"oklch(0.2 0.1 250)"'),
        OTHER.replace('"black"', '"currentColor"'),
        '<polygon points="9,89 11,91 91,11 89,9"/>',
        OTHER.replace("fill=", 'style="filter: url(#none)" filter="url(#none)" fill='),
        f"<switch><foreignObject><p/></foreignObject>{OTHER}</switch>",
    ],
)
def test_what_is_seen_is_painted(shown: str) -> None:
    assert _same(_svg(shown + LINE), _svg(OTHER + LINE))
    assert not _same(_svg(shown + LINE), _svg(LINE), 6)


def test_later_shapes_cover_earlier_ones_and_pages_are_paper() -> None:
    half = '<rect width="100" height="45" fill="#fff"/>'
    assert not _same(_svg(BOX + half), _svg(BOX))
    page = '<rect width="100" height="100" fill="#222"/>'
    assert _same(_svg(page + BOX.replace('"black"', '"#eee"')), _svg(BOX))
    assert _same(_svg('<rect width="100" height="100" fill="#f5e8c7"/>' + BOX), _svg(BOX))


def test_a_view_box_cuts_and_a_small_drawing_is_enlarged() -> None:
    assert _same(_svg(LINE + '<path d="M110 0 L190 90" stroke="black"/>'), _svg(LINE))
    small = f'<g transform="translate(30 60) scale(0.05)">{BOX}</g>'
    assert _same(_svg(small), _svg(BOX))
    assert _same(_svg(BOX, 'width="50mm" height="2in" viewBox="0 0 100 100"'), _svg(BOX))
    assert _same(_svg(f'<g transform="translate(5000 3)">{BOX}</g>', ""), _svg(BOX))


def test_pictures_in_the_file_count_and_texts_do() -> None:
    picture = f'<image width="100" height="100" href="data:image/png;base64,{_png()}"/>'
    assert _same(_svg(picture), _svg(LINE), 8)
    inner = base64.b64encode(_svg(BOX)).decode()
    nested = f'<image width="100" height="100" href="data:image/svg+xml;base64,{inner}"/>'
    assert _same(_svg(nested), _svg(BOX))
    text = '<text x="5" y="60" font-size="40" font-family="No Such Font">Hat</text>'
    assert _seen(_svg(text)).min() < 128


@pytest.mark.parametrize("link", ["{path}", "file://{path}", "http://127.0.0.1:9/x.png", "x.png"])
@pytest.mark.parametrize("name", ["href", "xlink:href"])
def test_no_file_and_no_address_is_read(tmp_path: Path, link: str, name: str) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(base64.b64decode(_png()))
    body = f'<image {name}="{link.format(path=path)}" width="100" height="100"/>'
    with pytest.raises(ImageError, match="nothing in the drawing is visible"):
        _seen(_svg(body))
    use = f'<use {name}="{link.format(path=path)}#a"/>'
    with pytest.raises(ImageError, match="nothing in the drawing is visible"):
        _seen(_svg(use))


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(_svg(BOX)),
        f'<?xml version="1.0" encoding="UTF-16"?>{_svg(BOX).decode()}'.encode("utf-16"),
        _svg(BOX).decode().encode("utf-16-le"),
        b"\xef\xbb\xbf" + _svg(BOX),
        f'<?xml version="1.0" encoding="ISO-8859-1"?><!-- \xe9 -->{_svg(BOX).decode()}'.encode(
            "latin-1"
        ),
        f'<svg viewBox="0 0 100 100"><g inkscape:label="1" my:x="2">{BOX}</g></svg>'.encode(),
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://x/svg11.dtd">' + _svg(BOX),
        b"<!-- made by hand -->\n" + _svg(BOX),
    ],
)
def test_every_way_to_store_an_svg_is_read(data: bytes) -> None:
    assert _same(data, _svg(BOX))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (_svg(""), "nothing in the drawing is visible"),
        (
            _svg('<rect width="100" height="100" fill="white"/>'),
            "nothing in the drawing is visible",
        ),
        (_svg(OTHER.replace('"black"', '"none"')), "nothing in the drawing is visible"),
        (b"<html><body>no</body></html>", "not an SVG drawing"),
        (b"<svg", "not an SVG drawing that can be read"),
        (gzip.compress(_svg(BOX))[:-20], "damaged gzip"),
        (_svg("<g>" * 300 + BOX + "</g>" * 300), "nests groups more than 100 deep"),
    ],
)
def test_an_svg_that_shows_nothing_says_so(data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        _seen(data)


@pytest.mark.parametrize(
    "body",
    [
        '<pattern id="p" width="1e6" height="1e6" patternUnits="userSpaceOnUse">'
        '<rect width="1" height="1"/></pattern><rect width="90" height="90" fill="url(#p)"/>',
        '<path d="M-1e30 0L1e30 50" stroke="black" stroke-width="1e10"/>' * 3,
        '<filter id="f" width="9999"><feTurbulence numOctaves="99999999"/></filter>'
        '<rect x="9" y="9" width="30" height="30" filter="url(#f)"/>',
        '<path d="M0 0L100 100" stroke="black" stroke-dasharray="1e-9"/>',
        '<svg width="1e9" height="1e9"><g opacity=".5"><circle r="1e8"/></g></svg>',
    ],
)
def test_a_hostile_svg_is_a_drawing_or_one_sentence(body: str) -> None:
    try:
        _seen(_svg(body))
        _seen(_svg(body, 'width="1e8" height="1e8"'))
    except ImageError as error:
        assert "\n" not in str(error)
