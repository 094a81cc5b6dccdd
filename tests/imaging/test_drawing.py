from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import resvg_py
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from sbir_cli.config import SketchConfig
from sbir_cli.errors import ImageError
from sbir_cli.imaging.drawing import is_plain, prepare
from sbir_cli.imaging.strokes import stroke_width, thickened, thinned

Array = npt.NDArray[np.float64]
EXAMPLES = Path(__file__).parents[2] / "examples" / "sketches"


def house(
    side: int = 400, width: int = 6, paper: object = "white", ink: object = "black"
) -> Image.Image:
    """A house with a door and a chimney, a third of the page free around it."""
    page = Image.new("RGB", (side, side), paper)  # type: ignore[arg-type]
    draw = ImageDraw.Draw(page)
    u = side / 100
    for line in (
        [(30, 80), (30, 45), (50, 25), (70, 45), (70, 80), (30, 80)],
        [(45, 80), (45, 62), (56, 62), (56, 80)],
        [(60, 34), (60, 26), (65, 26), (65, 39)],
    ):
        draw.line([(x * u, y * u) for x, y in line], fill=ink, width=width, joint="curve")  # type: ignore[arg-type]
    return page


def _small(image: Image.Image) -> npt.NDArray[np.int64]:
    blurred = image.convert("L").resize((48, 48), Image.Resampling.BOX)
    return np.asarray(blurred.filter(ImageFilter.GaussianBlur(1))).astype(np.int64)


PLAIN = _small(prepare(house()))


def _on(page: Image.Image, colour: object, box: tuple[int, int, int, int]) -> Image.Image:
    """With so many pixels of a colour on the left, top, right and bottom."""
    left, top, right, bottom = box
    size = (page.width + left + right, page.height + top + bottom)
    ground = Image.new("RGB", size, colour)  # type: ignore[arg-type]
    ground.paste(page, (left, top))
    return ground


def _noisy(image: Image.Image, amount: float = 5) -> Image.Image:
    values = np.asarray(image.convert("RGB")).astype(float)
    values += np.random.default_rng(0).normal(0, amount, values.shape)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _framed(image: Image.Image, width: int, colour: str) -> Image.Image:
    return ImageOps.expand(image, width, colour)


def _lit(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(float) * np.linspace(1, 0.45, image.width)[None, :, None]
    return Image.fromarray(values.astype(np.uint8))


def _shaded(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(float)
    values[:, : image.width * 9 // 20] *= 0.45
    return Image.fromarray(values.astype(np.uint8))


def _ruled(image: Image.Image, step: int, colour: tuple[int, ...], columns: bool) -> Image.Image:
    values = np.asarray(image).copy()
    paper = np.full_like(values, 250)
    paper[step::step] = colour
    if columns:
        paper[:, step::step] = colour
    return Image.fromarray(np.minimum(values, paper))


def _tilted(angle: float) -> Image.Image:
    desk = _on(house(), (70, 55, 45), (200, 200, 200, 200))
    return desk.rotate(angle, Image.Resampling.BICUBIC, fillcolor=(70, 55, 45))


def _crumbs(page: Image.Image) -> Image.Image:
    pen = ImageDraw.Draw(page)
    for x, y in np.random.default_rng(2).uniform(12, 388, (40, 2)):
        pen.rectangle((x, y, x + 1, y + 1), fill=(90, 60, 30))
    return page


HELD_UP: dict[str, Callable[[], Image.Image]] = {
    "frame": lambda: _framed(house(), 2, "black"),
    "nested frames": lambda: _framed(_framed(_framed(house(), 3, "navy"), 20, "ivory"), 8, "brown"),
    "thick frame": lambda: _framed(house(), 30, "darkgreen"),
    "side bars": lambda: _on(house(), "black", (150, 0, 150, 0)),
    "bars above and below": lambda: _on(house(), (60, 60, 60), (0, 120, 0, 90)),
    "dark on the left": lambda: _on(house(), (30, 30, 30), (120, 0, 0, 0)),
    "red at the bottom": lambda: _on(house(), (160, 30, 30), (0, 0, 0, 120)),
    "grey desk": lambda: _noisy(_on(house(), (90, 90, 95), (90, 60, 120, 140))),
    "white desk": lambda: _noisy(_on(house(paper=(215, 212, 205)), (252, 252, 252), (90,) * 4), 3),
    "tilted": lambda: _noisy(_tilted(14)),
    "uneven light": lambda: _noisy(_lit(house())),
    "shadow": lambda: _noisy(_shaded(house())),
    "cream": lambda: house(paper=(244, 232, 205)),
    "kraft": lambda: _noisy(house(paper=(180, 140, 100)), 8),
    "blackboard": lambda: _noisy(house(paper=(40, 60, 50), ink=(225, 225, 215)), 6),
    "white on black": lambda: house(paper="black", ink="white"),
    "dark mode in a light frame": lambda: _on(
        house(paper=(20, 20, 22), ink=(230, 230, 230)), (235, 235, 235), (60, 80, 60, 80)
    ),
    "ruled": lambda: _noisy(_ruled(house(), 20, (150, 180, 220), False), 3),
    "squared": lambda: _noisy(_ruled(house(), 16, (150, 200, 160), True), 3),
    "yellow ink": lambda: house(ink=(250, 215, 60)),
    "pencil": lambda: _noisy(house(paper=(230, 229, 226), ink=(165, 165, 168)), 3),
    "small lines on a large page": lambda: house(3000, 3),
    "specks": lambda: Image.fromarray(
        np.where(np.random.default_rng(1).random((400, 400, 1)) < 0.0004, 60, np.asarray(house()))
    ),
    "crumbs": lambda: _crumbs(house()),
}


@pytest.mark.parametrize("name", HELD_UP)
def test_a_drawing_is_seen_as_when_it_is_plain(name: str) -> None:
    seen = _small(prepare(HELD_UP[name]()))
    assert np.abs(seen - PLAIN).mean() < 14


def test_a_plain_drawing_is_told_by_a_quick_look() -> None:
    assert is_plain(house()) and is_plain(house(paper="black", ink="white"))
    for name in ("frame", "side bars", "cream", "ruled", "yellow ink", "shadow"):
        assert not is_plain(HELD_UP[name]())


def test_a_drawn_box_is_a_drawing_not_a_frame() -> None:
    page = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(page).rectangle((20, 60, 280, 240), outline="black", width=6)
    for image in (page, _framed(page, 3, "black"), _on(page, (50, 50, 50), (60, 60, 60, 60))):
        seen = _small(prepare(image))
        assert seen.min() < 170 and (seen < 200).any(axis=0).sum() > 36


@pytest.mark.parametrize("name", ["hammer", "ladder", "table"])
def test_thick_ink_with_light_holes_is_no_dark_page_with_light_lines(name: str) -> None:
    thin = (EXAMPLES / name / f"{name}_1.svg").read_text("utf-8")
    thick = re.sub(r'stroke-width="[\d.]+"', 'stroke-width="14"', thin)
    data = resvg_py.svg_to_bytes(svg_string=thick, width=700, background="#fafaf8")
    image = Image.open(io.BytesIO(bytes(data))).convert("RGB")
    rows = (np.asarray(prepare(_noisy(image)).convert("L")) < 128).any(axis=1)
    assert rows.mean() > 0.6  # else the holes alone, in a few places


@pytest.mark.parametrize("share", [0.4, 0.58, 0.62, 0.8])
@pytest.mark.parametrize("place", [(0.02, 0.15), (0.18, 0.05)])
def test_a_drawing_that_spans_most_of_a_clean_canvas_lies_where_it_was_drawn(
    share: float, place: tuple[float, float]
) -> None:
    canvas = Image.new("RGB", (500, 500), "white")
    left, top = (round(500 * at) for at in place)
    size = round(500 * share)
    ImageDraw.Draw(canvas).rectangle((left, top, left + size, top + size // 2), outline=0, width=6)
    rows, columns = np.nonzero(np.asarray(prepare(canvas).convert("L")) < 128)
    seen = np.array([columns.min(), rows.min(), np.ptp(columns), np.ptp(rows)])
    side = prepare(canvas).width
    if share > 0.6:
        assert side == 500 and np.abs(seen - (left, top, size, size // 2)).max() <= 4
    else:
        assert seen[2] == pytest.approx(0.88 * side, abs=4) and seen[0] == pytest.approx(
            0.06 * side, abs=4
        )


@pytest.mark.parametrize("width", [1, 3, 8])
def test_a_line_s_width_is_measured_and_changed(width: int) -> None:
    ink = np.zeros((400, 400), np.uint8)
    ink[50 : 50 + width, 40:360] = 255
    assert stroke_width(ink) == pytest.approx(width, rel=0.1, abs=0.1)
    assert stroke_width(thickened(ink, 2.5)) == pytest.approx(width + 5, rel=0.15)
    wide = thickened(ink, 10)
    assert stroke_width(thinned(wide, 8)) == pytest.approx(8, rel=0.3)


@pytest.mark.parametrize("side", [120, 700, 4000])
def test_lines_that_are_too_thin_or_thick_become_usual(side: int) -> None:
    config = SketchConfig(fit=True)
    width = 8 if side == 120 else 2
    seen = 255 - np.asarray(prepare(house(side, width), config).convert("L"))
    assert config.thinnest <= stroke_width(seen) / seen.shape[0] <= config.thickest


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 2), (7, 7), (64, 64)])
def test_odd_pictures_are_drawings_or_blank(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for values in (
        rng.integers(0, 256, (*shape, 3)),
        np.full((*shape, 3), 127),
        np.indices((*shape, 3)).sum(axis=0) * 9 % 256,
    ):
        try:
            seen = prepare(Image.fromarray(values.astype(np.uint8)))
        except ImageError:
            continue
        assert seen.width == seen.height and seen.mode == "RGB"
