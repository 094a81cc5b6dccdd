"""The page in a real browser: drawn on with real pointer events."""

from __future__ import annotations

import json
import os
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import Run
from tests.web.browser import (
    SKETCHES,
    axe,
    classes,
    draw,
    draw_by_touch,
    drawing_server,
    open_browser,
    settled,
    strokes_of,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.slow
PATIENCE_MS = 90_000  # of a machine that has other things to do
SCREENSHOTS = os.environ.get("SBIR_SCREENSHOTS")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from open_browser()


@pytest.fixture(scope="module")
def url(browser: Browser) -> Iterator[str]:
    with drawing_server() as address:
        yield address


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The page on a desk, with nothing drawn; an error in it fails the test."""
    with_errors: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    opened = _open(context, url, with_errors)
    yield opened
    context.close()
    assert with_errors == []


def _open(context: BrowserContext, url: str, errors: list[str]) -> Page:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    page.wait_for_selector(".tries button")
    return page


def _picture(page: Page, name: str) -> None:
    """Keep what the page looks like, where SBIR_SCREENSHOTS names a folder."""
    if SCREENSHOTS:
        page.wait_for_timeout(700)  # photos that move
        page.screenshot(path=Path(SCREENSHOTS, f"{name}.jpg"), type="jpeg", quality=82)


@pytest.mark.parametrize("name", ["hourglass", "guitar", "chair"])
def test_drawn_by_hand_the_class_comes_first(page: Page, name: str) -> None:
    draw(page, strokes_of(name))
    found = classes(settled(page))
    assert found[0] == name and found[:5].count(name) >= 3
    assert page.locator("#seen").is_visible() and page.locator("#welcome").is_hidden()
    if name == "guitar":
        _picture(page, "draw")


def test_photos_come_while_the_pen_is_still_down(page: Page) -> None:
    stroke = [[200 + (i % 10) * 60, 100 + i * 20] for i in range(40)]
    box = page.locator("#canvas-like").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    for x, y in stroke:
        page.mouse.move(box["x"] + x * box["width"] / 1000, box["y"] + y * box["height"] / 1000)
    page.wait_for_selector("#grid li")
    page.mouse.up()


def test_undo_redo_eraser_and_clear(page: Page) -> None:
    strokes = strokes_of("hourglass")
    draw(page, strokes)
    whole = settled(page)
    draw(page, [[[50, 50], [950, 60]]])
    assert settled(page) != whole
    page.keyboard.press("z")
    assert settled(page) == whole
    page.keyboard.press("y")
    assert settled(page) != whole
    page.keyboard.press("Control+z")
    assert settled(page) == whole
    page.click("#eraser")
    rows = [[[30, y], [970, y], [970, y + 25], [30, y + 25]] for y in range(30, 971, 50)]
    draw(page, [[point for row in rows for point in row]])
    page.wait_for_selector("#grid li", state="detached")
    assert page.locator("#clear").is_disabled() and page.locator("#welcome").is_visible()
    page.click("#undo")
    assert settled(page) == whole
    page.keyboard.press("x")
    page.wait_for_selector("#grid li", state="detached")


def test_the_eraser_cuts_a_stroke_where_it_went(page: Page) -> None:
    draw(page, [[[100, 500], [900, 500]], [[500, 100], [500, 900]]])
    settled(page)
    page.keyboard.press("e")
    draw(page, [[[700, 300], [700, 700]]])
    settled(page)
    page.wait_for_function("() => location.hash.length > 10")
    page.wait_for_timeout(600)
    unpack = "async () => (await import('/static/address.js')).unpack(location.hash)"
    strokes = page.evaluate(unpack)["like"]["strokes"]
    assert len(strokes) == 3
    ends = sorted((s[0][0], s[-1][0]) for s in strokes if s[0][1] == s[-1][1])
    assert ends[0][0] == 100 and 640 < ends[0][1] < 670 and 730 < ends[1][0] < 760


def test_too_little_is_said_to_be(page: Page) -> None:
    draw(page, [[[500, 500], [520, 520]]])
    settled(page)
    assert "very little" in page.inner_text("#hint")
    page.click("summary")
    page.check("#sure")
    page.wait_for_selector("text=Nothing here looks like your drawing.")
    assert page.is_disabled("#cut") and page.locator("#grid li").count() == 0


def test_not_like_this(page: Page) -> None:
    draw(page, strokes_of("chair"))
    first = settled(page)
    page.keyboard.press("n")
    draw(page, strokes_of("chair"), "#canvas-unlike")
    settled(page)
    page.click("#tab-like")
    draw(page, [[[30, 30], [40, 30]]])
    assert settled(page) != first
    assert page.locator("#tab-unlike.used").count() == 1


def _drop(page: Page, name: str, data: bytes, kind: str, event: str = "drop") -> None:
    page.evaluate(
        """([name, bytes, kind, event]) => {
            const [given, heard] = [new DataTransfer(), {bubbles: true, cancelable: true}];
            given.items.add(new File([new Uint8Array(bytes)], name, {type: kind}));
            const made = event === "paste"
                ? new ClipboardEvent("paste", {clipboardData: given, ...heard})
                : new DragEvent(event, {dataTransfer: given, ...heard});
            document.body.dispatchEvent(made);
        }""",
        [name, list(data), kind, event],
    )


@pytest.mark.parametrize(
    ("suffix", "kind", "event"),
    [("svg", "image/svg+xml", "drop"), ("png", "image/png", "drop"), ("png", "image/png", "paste")],
)
def test_a_drawing_is_dropped_or_pasted(page: Page, suffix: str, kind: str, event: str) -> None:
    data = (SKETCHES / "hourglass" / f"hourglass_1.{suffix}").read_bytes()
    if event == "drop":
        _drop(page, "h", data, kind, "dragenter")
        assert page.locator("#drop").is_visible()
    _drop(page, f"hourglass.{suffix}", data, kind, event)
    assert classes(settled(page))[0] == "hourglass"
    assert page.locator("#drop").is_hidden()
    page.click("#undo")
    page.wait_for_selector("#grid li", state="detached")


def test_a_drawing_is_opened_and_what_is_none_is_said(page: Page) -> None:
    wrong: Any = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no drawing"}
    for file in (SKETCHES / "guitar" / "guitar_1.png", wrong):
        with page.expect_file_chooser() as chooser:
            page.click("#open")
        chooser.value.set_files(file)
        page.wait_for_selector("#grid li")
    page.wait_for_selector("#hint.bad")
    assert "not an image" in page.inner_text("#hint")
    assert classes(settled(page))[0] == "guitar"


def test_a_finger_draws_on_a_phone(browser: Browser, url: str) -> None:
    errors: list[str] = []
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
        color_scheme="dark",
    )
    page = _open(context, url, errors)
    draw_by_touch(page, strokes_of("hourglass"))
    assert classes(settled(page))[0] == "hourglass"
    assert page.evaluate("scrollY") == 0  # the finger drew, it did not scroll
    first = page.locator(".photo").first.bounding_box()
    assert first is not None and first["y"] + first["height"] < 844  # seen while drawing
    _picture(page, "draw-phone")
    context.close()
    assert errors == []


def test_while_a_pen_draws_the_palm_does_not(page: Page) -> None:
    marks = page.evaluate(
        """() => {
            const sheet = document.querySelector("#canvas-like");
            const box = sheet.getBoundingClientRect();
            const send = (type, pointerType, pointerId, x, more = {}) => sheet.dispatchEvent(
                new PointerEvent(type, {pointerType, pointerId, isPrimary: true, bubbles: true,
                    clientX: box.x + x, clientY: box.y + 100, width: 5, height: 5, ...more}));
            sheet.setPointerCapture = () => {};
            send("pointerdown", "touch", 1, 200, {width: 90}); // a broad palm comes first
            send("pointerup", "touch", 1, 200);
            send("pointerdown", "pen", 2, 50);
            send("pointermove", "pen", 2, 90);
            send("pointerdown", "touch", 3, 200); // and one beside the pen
            send("pointermove", "touch", 3, 250);
            send("pointerup", "touch", 3, 250);
            send("pointerup", "pen", 2, 90);
            send("pointerdown", "touch", 4, 200); // and one that rests a while longer
            send("pointerup", "touch", 4, 200);
        }"""
    )
    assert marks is None
    settled(page)
    page.click("#undo")
    page.wait_for_selector("#grid li", state="detached")
    assert page.locator("#undo").is_disabled()  # there was one mark


def test_fifty_quick_strokes_leave_the_last_answer(page: Page) -> None:
    for i in range(50):
        draw(page, [[[100 + 15 * i, 100], [900 - 15 * i, 900 - 5 * i]]])
    shown = settled(page)
    page.wait_for_timeout(700)  # the address follows
    assert settled(page) == shown
    page.reload()
    assert settled(page) == shown


def test_the_address_keeps_the_question(page: Page, browser: Browser) -> None:
    draw(page, strokes_of("chair"))
    settled(page)
    page.click(".photo >> nth=0")
    page.click("text=Less like this")
    page.click("summary")
    page.check("#mirror")
    page.fill("#cut", "40")
    page.wait_for_timeout(900)
    shown = settled(page)
    again = browser.new_context(viewport={"width": 1280, "height": 800})
    other = again.new_page()
    other.goto(page.url)
    assert settled(other) == shown
    assert other.is_checked("#mirror") and other.input_value("#cut") == "40"
    again.close()


def test_the_saved_drawing_and_the_command_give_the_same_list(
    page: Page, tmp_path: Path, sbir: Run
) -> None:
    draw(page, strokes_of("umbrella"))
    draw(page, [[[100, 900], [900, 880], [700, 940]]])
    settled(page)
    page.keyboard.press("s")
    words = shlex.split(page.inner_text(".command"))
    assert words[:3] == ["sbir", "query", "drawing.ndjson"]
    for name in ("drawing.ndjson", "drawing.svg", "drawing.png"):
        with page.expect_download() as download:
            page.click(f"text={name}")
        download.value.save_as(tmp_path / name)
    page.keyboard.press("Escape")
    done = sbir(*words[1:], "--format", "jsonl", cwd=tmp_path)
    listed = [json.loads(line) for line in done.stdout.splitlines()]
    shown = settled(page)
    assert [Path(hit["path"]).name for hit in listed] == shown[: len(listed)] and len(listed) == 30
    scores = [f"{hit['score']:.3f}" for hit in listed]
    assert scores == page.locator(".photo .score").all_inner_texts()[:30]
    for name in ("drawing.svg", "drawing.png"):  # with their own lines, not the model's
        done = sbir("query", name, "-n", "10", "--format", "paths", cwd=tmp_path)
        paths = done.stdout.decode().splitlines()
        assert "umbrella" in classes([Path(path).name for path in paths])


def test_a_photo_large_by_keyboard_alone_and_more_like_it(page: Page) -> None:
    page.click("text=chair")
    settled(page)
    page.locator(".photo").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    wanted = page.evaluate("document.activeElement.title")
    page.keyboard.press("Enter")
    assert page.locator("#viewer").is_visible()
    assert page.inner_text("#viewer .path") == wanted
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#viewer .path") != wanted
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => document.querySelector('#viewer img').naturalWidth > 0")
    _picture(page, "draw-photo")
    page.keyboard.press("m")
    assert page.locator("#viewer").is_hidden()
    page.wait_for_selector("#examples-of li")
    page.wait_for_function(
        "wanted => document.querySelector('.photo').title === wanted", arg=wanted
    )
    page.click("#examples-of button")
    settled(page)
    assert page.locator("#examples-of li").count() == 0


def test_why_a_photo_was_found_is_shown_and_gone_again(page: Page) -> None:
    page.click("text=chair")
    settled(page)
    page.click(".photo >> nth=0")
    photo = page.get_attribute("#viewer img", "src")
    page.keyboard.press("w")
    page.wait_for_selector("#viewer .why[aria-pressed=true]")  # once torch is loaded
    assert "not what made the score" in page.inner_text("#viewer .hint")
    assert "lines between parts" in (page.get_attribute("#viewer img", "alt") or "")
    page.wait_for_function("() => document.querySelector('#viewer img').naturalWidth > 600")
    _picture(page, "draw-why")
    page.click("#viewer .why")
    assert page.get_attribute("#viewer img", "src") == photo
    assert page.inner_text("#viewer .hint") == ""
    page.keyboard.press("m")
    page.wait_for_selector("#examples-of li")
    page.keyboard.press("x")  # the photo alone is asked by now
    page.wait_for_function("() => !document.querySelector('#seen').checkVisibility()")
    settled(page)
    page.click(".photo >> nth=0")
    assert page.inner_text("#viewer .why") == "Why? Needs a drawing"
    page.keyboard.press("w")
    page.wait_for_function(
        "() => document.querySelector('#viewer .hint').textContent.startsWith('only a drawing')"
    )


def test_what_is_found_behind_it_leaves_the_large_photo_as_it_is(page: Page) -> None:
    page.click("text=chair")
    settled(page)
    page.click(".photo >> nth=0")
    page.evaluate(  # as words whose model was still loading are answered
        """() => {
            document.querySelector("#where").value = "guitar/*";
            document.querySelector("#where").dispatchEvent(new Event("input"));
        }"""
    )
    page.wait_for_function(
        "() => document.querySelector('.photo .name').textContent.startsWith('guitar')"
    )
    assert "chair" in page.inner_text("#viewer .path")
    page.keyboard.press("m")
    assert "chair" in (page.get_attribute("#examples-of button", "aria-label") or "")


def test_words_join_the_drawing(page: Page) -> None:
    page.click("text=guitar")
    settled(page)
    assert page.locator("#weight-field").is_hidden()
    page.fill("#words", "cup")
    names = "[...document.querySelectorAll('.photo .name')].slice(0, 10).map(n => n.textContent)"
    found = f"() => {names}.some(name => name.startsWith('cup'))"  # none of ten without words
    page.wait_for_function(found, timeout=120_000)  # once the words' model is loaded
    assert page.locator("#weight-field").is_visible()
    assert classes(settled(page))[0] == "guitar"


def test_more_photos_come_by_scrolling(page: Page) -> None:
    page.click("text=guitar")
    assert len(settled(page)) < 272
    photos = page.locator("#grid li")
    for count in range(60, 301, 30):  # thirty at a time
        page.mouse.wheel(0, 20_000)
        photos.nth(min(count, 272) - 1).wait_for(state="attached")
    assert photos.count() == 272
    names = page.eval_on_selector_all(".photo", "all => all.map(one => one.title)")
    assert len(set(names)) == 272


def test_another_site_can_neither_ask_nor_show(browser: Browser, url: str) -> None:
    """A hostile page in the same browser, from another origin on this machine."""
    with _hostile_site() as site:
        context = browser.new_context()
        page = context.new_page()
        page.goto(site)
        seen = page.evaluate(
            """async (url) => {
                const body = JSON.stringify({gallery: "0", words: "x"});
                const tries = [
                    fetch(url + "api/start"),
                    fetch(url + "api/find", {method: "POST", body}),
                    fetch(url + "api/find", {method: "POST", body, mode: "no-cors"})
                        .then((r) => { if (r.type === "opaque") throw new Error("opaque"); }),
                ];
                const asked = (await Promise.allSettled(tries)).map((one) => one.status);
                const image = new Image();
                image.src = url + "static/icon.svg";
                const shown = await image.decode().then(() => true, () => false);
                return [...asked, shown];
            }""",
            url,
        )
        assert seen == ["rejected", "rejected", "rejected", False]
        framed = page.evaluate(
            """async (url) => {
                const frame = document.createElement("iframe");
                frame.src = url;
                document.body.append(frame);
                await new Promise((done) => { frame.onload = done; setTimeout(done, 2000); });
                try { return frame.contentDocument?.body.innerHTML ?? "kept out"; }
                catch { return "kept out"; }
            }""",
            url,
        )
        assert framed == "kept out"
        context.close()


class _Hostile(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>hostile</title>")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def _hostile_site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hostile)
    threading.Thread(target=server.serve_forever).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_the_server_goes_and_comes_back_and_the_drawing_stays(browser: Browser) -> None:
    errors: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    with drawing_server() as url:
        page = _open(context, url, errors)
        strokes = strokes_of("hourglass")
        draw(page, strokes[:-1])
        settled(page)
    draw(page, strokes[-1:])
    page.wait_for_selector("#gone:not([hidden])")
    assert "cannot be reached" in page.inner_text("#gone")
    with drawing_server(port=int(url.rstrip("/").rpartition(":")[2])):
        page.wait_for_selector("#gone", state="hidden")
        assert classes(settled(page))[0] == "hourglass"
    context.close()
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (820, 1100), (320, 640)])
def test_axe_finds_nothing(browser: Browser, url: str, scheme: Any, size: tuple[int, int]) -> None:
    source = axe()
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    page = _open(context, url, [])
    _without_faults(page, source)
    _picture(page, f"draw-welcome-{size[0]}-{scheme}")
    page.click("text=chair")
    settled(page)
    page.fill("#words", "x")
    page.click("summary")
    page.click("#tab-unlike")
    _without_faults(page, source)
    page.click(".photo >> nth=0")
    _without_faults(page, source)
    if size[0] == 320:  # where the sentence and the buttons have least room
        page.click("#viewer .why")
        page.wait_for_selector("#viewer .why[aria-pressed=true]")
        _without_faults(page, source)
        _picture(page, f"draw-why-{scheme}")
    page.click("#viewer .less")
    page.wait_for_selector("#examples-of li")
    for opener in ("#save", "#help"):
        page.click(opener)
        _without_faults(page, source)
        page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    context.close()


def _without_faults(page: Page, source: str) -> None:
    page.evaluate(source)
    found = page.evaluate("async () => (await axe.run()).violations")
    assert [(f["id"], [n["html"] for n in f["nodes"]]) for f in found] == []
