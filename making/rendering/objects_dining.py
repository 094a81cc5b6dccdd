"""Wine bottles and spoons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rendering import materials as m
from rendering import shapes
from rendering.shapes import Points, spline
from rendering.subject import Shot, Subject

TABLES = ("tabletop", "marble", "cloth", "paper", "marble", "tabletop", "cloth", "marble")

# Each bottle's side: (radius, height) from the foot to the lip.
BOTTLES = {
    "bordeaux": [(0.36, 0.03), (0.37, 0.1), (0.37, 1.3), (0.35, 1.45), (0.2, 1.65), (0.145, 1.8)],
    "burgundy": [(0.4, 0.03), (0.41, 0.1), (0.41, 0.95), (0.37, 1.2), (0.24, 1.52), (0.15, 1.85)],
    "flute": [(0.31, 0.03), (0.32, 0.1), (0.32, 0.9), (0.28, 1.25), (0.2, 1.65), (0.13, 2.0)],
    "sparkling": [(0.42, 0.03), (0.44, 0.12), (0.44, 0.9), (0.4, 1.2), (0.26, 1.55), (0.16, 1.9)],
    "flask": [(0.3, 0.03), (0.42, 0.1), (0.58, 0.42), (0.52, 0.75), (0.24, 1.08), (0.13, 1.4)],
}
LIP = 2.35


@dataclass(frozen=True)
class BottleStyle:
    """A bottle's shape, glass, wine (seen through clear glass only), label and foil."""

    shape: str
    glass: m.RGB
    wine: m.RGB | None
    label: m.RGB
    mark: m.RGB
    foil: m.RGB


CREAM, GOLD, INK = (0.8, 0.75, 0.6), (0.7, 0.46, 0.12), (0.03, 0.03, 0.035)
WHITE, RUBY = (0.85, 0.84, 0.8), (0.3, 0.015, 0.03)
GREEN, OLIVE = (0.003, 0.016, 0.005), (0.016, 0.02, 0.003)
WINES = (
    BottleStyle("bordeaux", GREEN, None, CREAM, RUBY, RUBY),
    BottleStyle("burgundy", OLIVE, None, WHITE, INK, GOLD),
    BottleStyle("flute", (0.86, 0.93, 0.8), (0.75, 0.62, 0.2), WHITE, (0.08, 0.3, 0.12), GOLD),
    BottleStyle("sparkling", GREEN, None, INK, GOLD, GOLD),
    BottleStyle("bordeaux", (0.012, 0.005, 0.002), None, WHITE, (0.05, 0.1, 0.3), INK),
    BottleStyle("burgundy", (0.95, 0.93, 0.92), (0.8, 0.3, 0.25), CREAM, RUBY, (0.6, 0.3, 0.3)),
    BottleStyle("flask", GREEN, None, CREAM, RUBY, RUBY),
    BottleStyle("bordeaux", (0.004, 0.008, 0.025), None, RUBY, GOLD, (0.6, 0.6, 0.62)),
)


def bottle_at(s: Subject, style: BottleStyle, x: float, y: float, tag: str) -> None:
    """A corked bottle with a label and a foil at (x, y)."""
    neck = BOTTLES[style.shape][-1][0]
    top = [(neck, LIP - 0.2), (neck, LIP - 0.12)]
    side = spline([(0.0, 0.0), (0.28, 0.0), *BOTTLES[style.shape], *top], 120)
    at = (x, y, 0)
    rim = [(neck, LIP - 0.1), (neck + 0.03, LIP - 0.09), (neck + 0.03, LIP - 0.02), (neck, LIP)]
    whole = np.concatenate([side, rim, [(0, LIP)]])
    if style.wine is None:
        glass = m.Surface(style.glass, 0.04, Coat_Weight=1.0, Coat_Roughness=0.02).material
    else:
        glass = m.glass(style.glass)
        inner = side[side[:, 1] < 1.75] * (0.93, 1) + (0, 0.02)
        wine = m.plastic(style.wine, 0.25)
        s.add(shapes.lathe([*inner, (0, inner[-1, 1])]), wine, "", at)
    s.add(shapes.lathe(whole), glass, f"bottle{tag}", at)
    foil = np.array([(r + 0.008, z) for r, z in whole[:-1] if z > 1.86] + [(0, LIP + 0.008)])
    s.add(shapes.lathe(foil), m.metal(style.foil, 0.35), f"foil{tag}", at)
    if style.shape == "flask":
        basket(s, side, at)
    else:
        bottle_label(s, style, float(side[:, 0].max()) + 0.004, at, tag)


def basket(s: Subject, side: Points, at: tuple[float, float, float]) -> None:
    """Straw wound around the belly of a flask."""
    straw = m.mottled((0.62, 0.42, 0.17), (0.38, 0.22, 0.07), 12.0, 0.8, 0.5)
    belly = side[(side[:, 1] > 0.02) & (side[:, 1] < 0.85)]
    wall = shapes.lathe(np.add(belly, (0.012, 0)))
    s.add(wall, straw, "straw", at)
    for z in np.arange(0.06, 0.86, 0.075):
        r = float(np.interp(z, belly[:, 1], belly[:, 0]))
        ring = shapes.tube(shapes.circle(r + 0.015, z=z)[:-1], 0.035, 8, closed=True)
        s.add(ring, straw, "straw", at)
    for z in (0.25, 0.48, 0.7):
        r = float(np.interp(z, belly[:, 1], belly[:, 0])) + 0.06
        s.line(np.add(shapes.circle(r, z=z), at))


def bottle_label(
    s: Subject, style: BottleStyle, radius: float, at: tuple[float, float, float], tag: str
) -> None:
    """A printed paper label around the front of a bottle."""
    low, high = s.cycle([(0.3, 0.95), (0.25, 0.75), (0.32, 0.8), (0.28, 0.85)])
    middle = 270 + s.cycle([0, 14, -10, 8])
    bands = [(low, high, 62.0, style.label, f"label{tag}")]
    bands.append((low + 0.04, low + 0.07, 50.0, style.mark, ""))
    bands.append((high - 0.09, high - 0.05, 50.0, style.mark, ""))
    bands.append((low + 0.2, low + 0.34, s.cycle([14.0, 30.0, 22.0]), style.mark, f"mark{tag}"))
    for k, (start, stop, reach, color, outline) in enumerate(bands):
        out = radius + 0.003 * (k > 0)
        strip = shapes.lathe([(out, start), (out, stop)], 40, (middle - reach, middle + reach))
        s.add(strip, m.plastic(color, 0.6), outline, at)


def wine_bottle(s: Subject) -> None:
    """A full bottle of wine, or two."""
    style = s.cycle(WINES)
    bottle_at(s, style, 0, 0, "")
    if s.number == 5:
        bottle_at(s, WINES[2], 0.85, 0.35, " two")


@dataclass(frozen=True)
class SpoonStyle:
    """A bowl's length, half width and depth, the handle's length and end half width."""

    bowl: float
    wide: float
    deep: float
    handle: float
    end: float


SPOONS = {
    "table": SpoonStyle(1.0, 0.36, 0.18, 2.0, 0.15),
    "tea": SpoonStyle(0.85, 0.3, 0.15, 1.55, 0.19),
    "soup": SpoonStyle(0.85, 0.43, 0.2, 1.9, 0.13),
    "cooking": SpoonStyle(0.95, 0.4, 0.12, 2.5, 0.1),
}


def spoon_half(style: SpoonStyle, x: Points) -> Points:
    """Half the width of a spoon at distances x from the tip of its bowl."""
    egg = np.clip(x / style.bowl, 0, 1)
    bowl = style.wide * np.sin(np.pi * egg**0.85) ** 0.62
    along = np.clip((x - style.bowl) / style.handle, 0, 1)
    stem = 0.065 + (style.end - 0.065) * along**1.6
    tip = np.sqrt(np.clip((style.bowl + style.handle - x) / (1.2 * style.end), 0, 1))
    both = (bowl * (x < style.bowl)) ** 4 + (stem * tip * (x > 0.7 * style.bowl)) ** 4
    half: Points = both**0.25
    return half


def spoon_at(s: Subject, style: SpoonStyle, stuff: Any, y: float, tag: str) -> None:
    """One spoon along x at y: a bowl, and a handle that rises and falls."""
    long = style.bowl + style.handle
    x = long * (1 - np.cos(np.linspace(0, np.pi, 110))) / 2
    half = np.maximum(spoon_half(style, x), 0.003)
    u = np.linspace(-1, 1, 21)
    egg = np.clip(x / style.bowl, 0, 1)
    hollow = style.deep * np.sin(np.pi * egg) ** 0.6
    along = np.clip((x - style.bowl) / style.handle, 0, 1)
    rise = 0.2 * np.sin(np.pi * along**0.7)
    crown = 0.03 * np.clip(along * 4, 0, 1)
    level = style.deep * (1 - along) + rise
    z = level[:, None] + np.outer(crown - hollow, 1 - u**2)
    grid = np.stack([np.repeat(x[:, None], 21, 1), y + np.outer(half, u), z], -1)
    s.add(shapes.sheet(grid, 0.05), stuff, f"spoon{tag}")
    a = np.linspace(0, 2 * np.pi, 60)
    middle = 0.5 * style.bowl
    rim = [middle + 0.38 * style.bowl * np.cos(a), y + 0.72 * style.wide * np.sin(a)]
    s.line(np.stack([*rim, 0 * a + style.deep], 1))


def spoon(s: Subject) -> None:
    """A steel, silver, wooden or plastic spoon lying on a table; once a pair."""
    kind = s.cycle(["table", "cooking", "tea", "soup", "table", "tea", "cooking", "soup"])
    style, steel = SPOONS[kind], m.metal((0.78, 0.78, 0.8), 0.14)
    stuff = s.cycle(
        [
            steel,
            m.wood((0.5, 0.3, 0.14), "x"),
            m.metal((0.8, 0.55, 0.2), 0.2),
            m.plastic((0.6, 0.03, 0.03), 0.25),
            m.metal((0.7, 0.68, 0.64), 0.22),
            m.plastic((0.05, 0.3, 0.45), 0.3),
            m.wood((0.2, 0.09, 0.04), "x"),
            m.metal((0.75, 0.42, 0.3), 0.18),
        ]
    )
    spoon_at(s, style, stuff, 0, "")
    if s.number == 5:
        spoon_at(s, SPOONS["tea"], stuff, 0.95, " two")
    s.move(turn=(0, 0, s.cycle([-45, 130, 50, -130, -100, 40, -60, 140])))


CLASSES = {
    "wine_bottle": (wine_bottle, Shot(TABLES, azimuth=(-20, 20), elevation=(3, 18))),
    "spoon": (spoon, Shot(TABLES[2:] + TABLES[:2], azimuth=(-15, 15), elevation=(46, 64))),
}
