"""A headless Chromium that draws on the page, or the reason why there is none."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sbir_cli.imaging.vector import read_strokes
from sbir_cli.web.reading import placed
from tests.cli.conftest import command, environment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
SKETCHES = ROOT / "examples" / "sketches"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def open_browser() -> Iterator[Browser]:
    """Debian's Chromium; skips with the reason where it or Playwright is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs: pip install playwright")
    path = os.environ.get("SBIR_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("needs a browser: apt-get install chromium, or SBIR_CHROMIUM=its path")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


def axe() -> str:
    """The source of axe-core; skips where it is missing."""
    path = Path(os.environ.get("SBIR_AXE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
    if not path.is_file():
        pytest.skip("needs axe-core: npm install --no-save axe-core, or SBIR_AXE=its axe.min.js")
    return path.read_text("utf-8")


@contextmanager
def drawing_server(*options: str | Path, port: int = 0) -> Iterator[str]:
    """`sbir draw` as a process; gives its address."""
    process = subprocess.Popen(
        command("draw", "--no-open", "--port", str(port), *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().strip()
        assert url.startswith("http://"), "the server did not start"
        yield url
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def strokes_of(name: str, number: int = 1) -> list[list[list[int]]]:
    """The strokes of an example sketch on the page's sheet of 1000 units."""
    data = (SKETCHES / name / f"{name}_{number}.svg").read_bytes()
    strokes = read_strokes(data)
    assert strokes
    return [_thinned(stroke) for stroke in placed(strokes)]


def _thinned(stroke: list[list[int]], step: int = 45) -> list[list[int]]:
    """As few points as a quick hand's: each takes the browser a frame."""
    kept = stroke[:1]
    for point in stroke[1:]:
        if math.dist(point, kept[-1]) >= step:
            kept.append(point)
    return [*kept, stroke[-1]]


def draw(page: Page, strokes: Sequence[Any], sheet: str = "#canvas-like") -> None:
    """Real pointer events of a mouse along the strokes."""

    def down(x: float, y: float) -> None:
        page.mouse.move(x, y)
        page.mouse.down()

    along(page, strokes, sheet, down, page.mouse.move, page.mouse.up)


def draw_by_touch(page: Page, strokes: Sequence[Any], sheet: str = "#canvas-like") -> None:
    """Real touch events of one finger along the strokes."""
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: dict[str, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    along(
        page,
        strokes,
        sheet,
        lambda x, y: touch("touchStart", {"x": x, "y": y}),
        lambda x, y: touch("touchMove", {"x": x, "y": y}),
        lambda: touch("touchEnd"),
    )


def along(
    page: Page,
    strokes: Sequence[Any],
    sheet: str,
    down: Callable[[float, float], Any],
    move: Callable[[float, float], Any],
    up: Callable[[], Any],
) -> None:
    """Walk along strokes on a sheet, in the units of the window."""
    box = page.locator(sheet).bounding_box()
    assert box is not None
    for stroke in strokes:
        points = [
            (box["x"] + x * box["width"] / 1000, box["y"] + y * box["height"] / 1000)
            for x, y in stroke
        ]
        down(*points[0])
        for x, y in points[1:] or points:
            move(x, y)
        up()


def settled(page: Page) -> list[str]:
    """The names of the photos shown once every question was answered."""
    page.wait_for_function(
        "() => !document.querySelector('#grid.stale') && document.querySelector('#grid li')"
    )
    page.wait_for_load_state("networkidle")
    page.wait_for_function("() => !document.querySelector('#grid.stale')")
    return [str(name) for name in page.locator(".photo .name").all_text_contents()]


def classes(names: Sequence[str]) -> list[str]:
    """Of example photos."""
    return [name.rpartition("_")[0] for name in names]
