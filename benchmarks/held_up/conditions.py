"""What a drawing may come in: one function a condition, from strokes and a seed to a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from held_up import camera, pages
from held_up.pages import BLACK, WHITE, Colour, Floats, Random, Stroke

Condition = Callable[[Sequence[Stroke], Random], Image.Image]

CONDITIONS: dict[str, Condition] = {}


def condition(name: str) -> Callable[[Condition], Condition]:
    """Put a function into the table under this name."""

    def add(function: Condition) -> Condition:
        CONDITIONS[name] = function
        return function

    return add


def _page(
    strokes: Sequence[Stroke],
    size: tuple[int, int] = (640, 640),
    width: float = 0.012,
    margin: float = 0.12,
    paper: Colour = WHITE,
    ink: Colour = BLACK,
) -> Floats:
    return pages.put_ink(pages.plain(size, paper), pages.ink_map(strokes, size, width, margin), ink)


def _png(scene: Floats) -> Image.Image:
    return Image.fromarray(scene.clip(0, 255).astype(np.uint8))


def _padded(page: Floats, sides: Sequence[int], colour: Colour) -> Floats:
    """With bars of so many pixels on the left, top, right and bottom."""
    left, top, right, bottom = sides
    out = pages.plain((page.shape[1] + left + right, page.shape[0] + top + bottom), colour)
    out[top : top + page.shape[0], left : left + page.shape[1]] = page
    return out


@condition("plain")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    return _png(_page(strokes, (256, 256), 0.011, 0.08, (255, 255, 255), (0, 0, 0)))


@condition("2-pixel black frame")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    return _png(
        pages.framed(_page(strokes, (256, 256), 0.011, 0.08, (255,) * 3, (0,) * 3), 2, (0,) * 3)
    )


@condition("nested frames")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page = pages.framed(_page(strokes), 3, (40, 40, 40))
    page = pages.framed(_padded(page, (25,) * 4, (245, 245, 240)), 6, (150, 30, 30))
    return _png(_padded(page, (30, 40, 30, 40), (90, 110, 90)))


@condition("coloured frame on white")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page = pages.framed(_page(strokes, margin=0.18), 4, (30, 60, 170))
    return _png(_padded(page, (40,) * 4, (255, 255, 255)))


@condition("black side bars")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    return _png(_padded(_page(strokes, (360, 360)), (140, 0, 140, 0), (0, 0, 0)))


@condition("letterbox, grey")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    return _png(_padded(_page(strokes), (0, 150, 0, 170), (70, 72, 75)))


@condition("dark desk")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    desk = pages.grained(pages.plain((900, 800), (48, 44, 42)), rng, 4)
    return camera.shoot(pages.laid(_page(strokes), desk, 120, 70), rng)


@condition("wooden desk")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    return camera.shoot(pages.laid(_page(strokes), pages.wood((960, 820), rng), 170, 80), rng)


@condition("checked tablecloth")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    cloth = pages.cloth((900, 860), rng, [(190, 40, 40), (235, 225, 220)], 40)
    return camera.shoot(pages.laid(_page(strokes, paper=(240, 240, 236)), cloth, 130, 110), rng)


@condition("white desk, page a little darker")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    desk = pages.grained(pages.plain((900, 800), (252, 252, 252)), rng, 2)
    return camera.shoot(pages.laid(_page(strokes, paper=(225, 224, 220)), desk, 130, 80), rng)


@condition("whiteboard with its frame")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    board = pages.framed(
        _page(strokes, (760, 560), 0.012, 0.14, (238, 240, 242), (30, 40, 130)), 14, (120, 122, 125)
    )
    wall = pages.grained(pages.plain((980, 760), (200, 192, 175)), rng, 3)
    return camera.shoot(camera.glare(pages.laid(board, wall, 110, 90), rng, 40), rng)


@condition("whiteboard with glare")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page = _page(strokes, (800, 620), 0.014, 0.12, (205, 208, 210), (25, 90, 60))
    return camera.shoot(camera.glare(camera.uneven_light(page, rng, 0.3), rng, 90), rng)


@condition("scanner's dark edges")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page = _padded(_page(strokes), (18, 10, 34, 26), (22, 22, 22))
    return _png(pages.grained(page, rng, 2))


@condition("desk along one side")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    sides = [0, 0, 0, 0]
    sides[int(rng.integers(4))] = 170
    page = _padded(_page(strokes), sides, (95, 62, 40))
    return camera.shoot(page, rng)


@condition("desk in two corners")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page = _page(strokes, (760, 760), margin=0.2)
    desk = pages.plain((720, 720), (60, 70, 90))
    return camera.shoot(camera.tilted(page, desk, float(rng.uniform(6, 10)), 0.05, 1.02), rng)


@condition("tilted page in uneven light")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page = pages.grained(_page(strokes, (640, 760), paper=(235, 233, 228)), rng, 2)
    desk = pages.wood((1000, 1000), rng, (95, 65, 45))
    seen = camera.tilted(page, desk, float(rng.uniform(-22, 22)), 0.18, 0.78)
    return camera.shoot(camera.uneven_light(seen, rng, 0.55), rng)


@condition("hard hand shadow")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page = pages.grained(_page(strokes), rng, 2)
    return camera.shoot(camera.hand_shadow(page, rng, 0.55, 1.5), rng)


@condition("soft shadow on cream")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page = pages.grained(_page(strokes, paper=(240, 228, 200)), rng, 3)
    return camera.shoot(camera.hand_shadow(page, rng, 0.6, 14), rng)


@condition("ruled paper")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    sheet = pages.ruled(pages.plain((640, 760)), 32, (150, 175, 215), 2)
    sheet[:, 80:82] = (225, 120, 120)
    return camera.shoot(pages.put_ink(sheet, pages.ink_map(strokes, (640, 760), 0.012, 0.1)), rng)


@condition("yellow legal pad")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    sheet = pages.ruled(pages.plain((640, 760), (250, 236, 130)), 30, (120, 150, 190), 2)
    sheet[:, 90:92] = sheet[:, 97:99] = (220, 110, 110)
    inked = pages.put_ink(sheet, pages.ink_map(strokes, (640, 760), 0.011, 0.1), (20, 30, 90))
    return camera.shoot(camera.uneven_light(inked, rng, 0.3), rng)


def _squared(colour: Colour, step: float) -> Condition:
    def make(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
        sheet = pages.ruled(pages.plain((700, 700)), step, colour, 1 + int(step > 20), True)
        inked = pages.put_ink(sheet, pages.ink_map(strokes, (700, 700), 0.012, 0.1))
        return camera.shoot(camera.uneven_light(inked, rng, 0.25), rng, 0.6)

    return make


condition("squared paper, blue")(_squared((140, 170, 220), 25))
condition("graph paper, green")(_squared((130, 195, 150), 14))
condition("squared paper, grey")(_squared((150, 150, 150), 30))


@condition("dotted paper")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    sheet = pages.dotted(pages.plain((700, 700)), 25, (130, 130, 135))
    return camera.shoot(pages.put_ink(sheet, pages.ink_map(strokes, (700, 700), 0.011, 0.1)), rng)


@condition("kraft paper")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    sheet = pages.grained(pages.plain((640, 640), (178, 140, 98)), rng, 8, 1.2)
    return camera.shoot(pages.put_ink(sheet, pages.ink_map(strokes, (640, 640), 0.012, 0.12)), rng)


@condition("kraft paper, white ink, on a white desk")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    sheet = pages.grained(pages.plain((640, 640), (150, 112, 76)), rng, 6, 1.2)
    inked = pages.put_ink(sheet, pages.ink_map(strokes, (640, 640), 0.013, 0.14), (245, 245, 240))
    return camera.shoot(pages.laid(inked, pages.plain((900, 800), (235, 235, 235)), 130, 80), rng)


@condition("blackboard")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    board = pages.grained(pages.plain((760, 620), (38, 62, 52)), rng, 5, 6)
    ink = pages.ink_map(strokes, (760, 620), 0.016, 0.12) * rng.uniform(0.55, 1, (620, 760))
    return camera.shoot(pages.put_ink(board, ink, (225, 225, 215)), rng)


@condition("blackboard with its wooden frame")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    board = pages.grained(pages.plain((760, 620), (40, 42, 45)), rng, 5, 6)
    ink = pages.ink_map(strokes, (760, 620), 0.016, 0.14)
    board = pages.framed(pages.put_ink(board, ink, (230, 230, 225)), 18, (165, 120, 70))
    wall = pages.plain((960, 800), (225, 222, 212))
    return camera.shoot(pages.laid(board, wall, 100, 90), rng)


@condition("cream paper")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    return camera.shoot(pages.grained(_page(strokes, paper=(244, 232, 205)), rng, 3), rng)


@condition("screen with bezel and moire")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    screen = pages.framed(_page(strokes, (820, 560), 0.014, 0.12), 26, (18, 18, 20))
    room = pages.plain((1000, 760), (110, 100, 92))
    seen = camera.tilted(screen, room, float(rng.uniform(-4, 4)), 0.06, 0.88)
    return camera.shoot(camera.moire(seen, rng), rng, 0.7)


@condition("screenshot, dark mode")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page = _page(strokes, (600, 800), 0.01, 0.15, (18, 18, 18), (235, 235, 235))
    return _png(_screenshot(page, (42, 42, 46), (200, 200, 200)))


@condition("screenshot, light")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    return _png(_screenshot(_page(strokes, (600, 800), 0.01, 0.15), (235, 236, 240), (90, 90, 95)))


def _screenshot(page: Floats, bar: Colour, icon: Colour) -> Floats:
    """With a status bar, a tool bar and their icons."""
    page[:60] = bar
    page[-70:] = bar
    picture = Image.fromarray(page.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    fill = tuple(int(v) for v in icon)
    for i in range(6):
        draw.rounded_rectangle((30 + 95 * i, 750, 60 + 95 * i, 780), 6, outline=fill, width=3)
    draw.text((20, 20), "12:30", fill=fill, font_size=22)
    draw.rectangle((540, 24, 575, 40), outline=fill, width=2)
    return np.asarray(picture, dtype=np.float64)


@condition("JPEG of low quality")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    return camera.shoot(_page(strokes, (400, 400)), rng, 0.6, 6, 18)


@condition("faint pencil")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    sheet = pages.grained(pages.plain((700, 700), (228, 226, 222)), rng, 2)
    ink = pages.ink_map(strokes, (700, 700), 0.007, 0.12) * rng.uniform(0.5, 1, (700, 700))
    page = pages.put_ink(sheet, ink, (120, 120, 122), 0.55)
    return camera.shoot(camera.uneven_light(page, rng, 0.3), rng, 0.7, 3)


@condition("scan of 4,000 px, 2-px lines")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    return _png(_page(strokes, (4000, 4000), 2 / 4000, 0.1))


@condition("100 px, thick lines")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    return _png(_page(strokes, (100, 100), 0.06, 0.1))


@condition("thick marker")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    return camera.shoot(_page(strokes, (700, 700), 0.045, 0.12), rng)


@condition("rounded corners on a desk")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    desk = pages.grained(pages.plain((860, 900), (70, 90, 120)), rng, 5)
    return camera.shoot(pages.laid(_page(strokes, (600, 700)), desk, 120, 90, 0.08), rng)


@condition("spiral binding")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page = _page(strokes, (640, 720), margin=0.14)
    picture = Image.fromarray(page.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for x in range(20, 630, 28):
        draw.ellipse((x, 14, x + 12, 26), fill=(60, 60, 60))
        draw.line((x + 6, 0, x + 6, 20), fill=(120, 120, 125), width=3)
    desk = pages.grained(pages.plain((840, 840), (110, 85, 60)), rng, 5)
    return camera.shoot(pages.laid(np.asarray(picture, dtype=np.float64), desk, 100, 50), rng)


@condition("hand at the edge")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    picture = Image.fromarray(_page(strokes, (720, 720), margin=0.2).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    skin, dark = (205, 155, 125), (150, 105, 80)
    draw.ellipse((560, 560, 800, 800), fill=skin, outline=dark, width=3)
    draw.rounded_rectangle((600, 500, 645, 700), 22, fill=skin, outline=dark, width=3)
    draw.rounded_rectangle((650, 480, 695, 700), 22, fill=skin, outline=dark, width=3)
    return camera.shoot(np.asarray(picture, dtype=np.float64), rng)


@condition("pencil lying at the edge")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    picture = Image.fromarray(_page(strokes, (720, 720), margin=0.2).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.polygon([(-10, 560), (150, 690), (135, 712), (-10, 600)], fill=(215, 160, 40))
    draw.polygon([(150, 690), (175, 724), (135, 712)], fill=(60, 50, 45))
    return camera.shoot(np.asarray(picture, dtype=np.float64), rng)


@condition("coloured pencils")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page, size = pages.plain((700, 700)), (700, 700)
    palette = [(210, 60, 50), (60, 120, 200), (70, 160, 80), (240, 170, 40), (150, 80, 170)]
    low, high = np.concatenate(strokes).min(axis=0), np.concatenate(strokes).max(axis=0)
    corners = [np.array([low, low]), np.array([high, high])]
    for i, stroke in enumerate(strokes):
        ink = pages.ink_map([stroke, *corners], size, 0.01, 0.12)
        page = pages.put_ink(page, ink, palette[i % len(palette)], 0.9)
    return camera.shoot(page, rng)


@condition("touching a frame on a dark desk")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    page = pages.framed(_page(strokes, margin=0.01), 4, (20, 20, 20))
    return camera.shoot(_padded(page, (90, 60, 90, 60), (60, 50, 45)), rng)


@condition("white ink on transparent")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    ink = pages.ink_map(strokes, (512, 512), 0.012, 0.1)
    rgba = np.full((512, 512, 4), 255.0)
    rgba[..., 3] = ink * 255
    return Image.fromarray(rgba.astype(np.uint8), "RGBA")


@condition("stained page with crumbs")
def _(strokes: Sequence[Stroke], rng: Random) -> Image.Image:
    picture = Image.fromarray(_page(strokes, (700, 700)).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y, r = rng.uniform(0, 700), rng.uniform(0, 700), rng.uniform(0.8, 3)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(90, 70, 50))
    draw.ellipse((430, 40, 640, 250), outline=(225, 200, 165), width=8)
    return camera.shoot(np.asarray(picture, dtype=np.float64), rng)
