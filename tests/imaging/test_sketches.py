from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from sbir_cli.errors import ImageError
from sbir_cli.imaging.drawing import fit_to_ink, normalise
from sbir_cli.imaging.sketches import read_sketches
from tests.fakes import draw_sketch


def _array(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(image.convert("L"))


def test_dark_on_white_is_left_as_it_is() -> None:
    sketch = draw_sketch()
    assert np.array_equal(_array(normalise(sketch.copy())), _array(sketch))


def test_light_on_dark_is_turned_round() -> None:
    sketch = draw_sketch()
    assert np.array_equal(_array(normalise(ImageOps.invert(sketch))), _array(sketch))


@pytest.mark.parametrize("ink", [0, 255])
def test_strokes_on_a_transparent_ground_are_seen_whatever_their_ink(ink: int) -> None:
    sketch = draw_sketch()
    rgba = Image.merge("RGBA", [Image.new("L", sketch.size, ink)] * 3 + [ImageOps.invert(sketch)])
    assert np.abs(_array(normalise(rgba)).astype(int) - _array(sketch)).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "I;16"])
def test_every_mode_gives_the_same_drawing(tmp_path: Path, mode: str) -> None:
    sketch = draw_sketch().point(lambda v: 255 if v > 127 else 0)
    if mode == "I;16":
        stored = Image.fromarray(np.asarray(sketch).astype(np.uint16) * 257)
    else:
        stored = sketch.convert(mode)
    path = tmp_path / ("s.tiff" if mode == "CMYK" else "s.png")
    stored.save(path)
    (read,) = read_sketches(str(path))
    assert np.abs(_array(read.image).astype(int) - _array(sketch)).max() <= 1


def test_a_long_drawing_is_padded_to_a_square_with_white() -> None:
    sketch = draw_sketch().resize((64, 32))
    square = normalise(sketch)
    assert square.size == (64, 64)
    assert _array(square)[:16].min() == 255 and _array(square)[16:48].min() < 100


@pytest.mark.parametrize("corner", [(0, 0), (300, 340), (150, 20)])
def test_a_small_drawing_is_cut_out_of_its_canvas(corner: tuple[int, int]) -> None:
    sketch = draw_sketch().resize((96, 96))
    canvas = Image.new("RGB", (512, 512), "white")
    canvas.paste(sketch, corner)
    canvas.putpixel((505, 500), (90, 90, 90))  # a speck
    alone = fit_to_ink(normalise(sketch), 0.06)
    cut = fit_to_ink(normalise(canvas), 0.06)
    assert abs(cut.width - alone.width) <= 2
    rows, columns = np.nonzero(_array(cut) < 128)
    for span in (rows, columns):  # in the middle, the longer side up to the margin
        assert abs(span.min() + span.max() - cut.width) <= 3
    assert max(np.ptp(rows), np.ptp(columns)) == pytest.approx(0.88 * cut.width, abs=3)


def test_a_drawing_that_fills_its_canvas_stays_as_large_as_it_was() -> None:
    full = Image.new("RGB", (100, 100), "white")
    full.paste((0, 0, 0), (0, 40, 100, 60))
    assert fit_to_ink(full, 0.06).size == (100, 100)


def test_light_strokes_on_light_grey_stay_as_they_are() -> None:
    chalk = Image.new("RGB", (60, 60), (200, 200, 200))
    chalk.paste((255, 255, 255), (10, 10, 20, 20))
    assert np.array_equal(_array(fit_to_ink(normalise(chalk), 0.06)), _array(chalk))


def test_a_huge_thin_scan_fits_in_memory() -> None:
    scan = Image.new("L", (60_000, 30), 255)
    scan.paste(0, (10_000, 10, 50_000, 20))
    assert max(normalise(scan).size) <= 2048


@pytest.mark.parametrize(
    "blank",
    [
        Image.new("L", (32, 32), 255),
        Image.new("L", (32, 32), 0),
        Image.new("RGBA", (32, 32), (0, 0, 0, 0)),
        Image.new("L", (1, 1), 0),
    ],
)
def test_a_blank_drawing_is_refused(blank: Image.Image) -> None:
    with pytest.raises(ImageError, match="the drawing is blank; draw dark strokes"):
        normalise(blank)


def test_svg_and_ndjson_are_told_from_their_content(tmp_path: Path) -> None:
    svg = b'\n<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">'
    svg += b'<path d="M0 0 L9 9" stroke="black"/></svg>'
    (sketch,) = read_sketches("-", svg)
    assert sketch.name == "-" and sketch.image.width == sketch.image.height

    line = json.dumps({"word": "x", "drawing": [[[0, 9], [0, 9]]]})
    (tmp_path / "one.ndjson").write_text(line + "\n")
    (tmp_path / "two.ndjson").write_text(f"{line}\n\n{line}\n")
    (one,) = read_sketches(str(tmp_path / "one.ndjson"))
    assert one.name == str(tmp_path / "one.ndjson")
    small = [_array(s.image.resize((32, 32), Image.Resampling.BOX)) for s in (one, sketch)]
    assert np.abs(small[0].astype(int) - small[1]).mean() < 12
    two = read_sketches(str(tmp_path / "two.ndjson"))
    assert [s.name.rpartition("#")[2] for s in two] == ["1", "3"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty file"),
        (b"just text", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "nothing in the drawing is visible"),
        (b'{"drawing": []}', "no stroke"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_that_names_the_file(
    tmp_path: Path, data: bytes, message: str
) -> None:
    path = tmp_path / "s.png"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=message) as error:
        read_sketches(str(path))
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


def test_a_missing_sketch_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file or directory; name a sketch file"):
        read_sketches(str(tmp_path / "nowhere.png"))
