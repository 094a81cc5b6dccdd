"""Fruit, sweets and mushrooms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rendering import materials as m
from rendering import shapes
from rendering.shapes import Points, spline
from rendering.subject import Shot, Subject

TABLES = ("tabletop", "cloth", "marble", "tabletop", "paper", "marble")
BROWN = (0.12, 0.06, 0.025)


APPLE = [(0, -0.7), (0.2, -0.86), (0.5, -0.8), (0.85, -0.35), (1.0, 0.15)]
APPLE += [(0.93, 0.55), (0.6, 0.84), (0.28, 0.82), (0.08, 0.55), (0, 0.42)]


def apple_skin(s: Subject, color: m.RGB) -> Any:
    """Glossy skin streaked with a second colour."""
    skin = m.Surface(color, 0.22, Coat_Weight=0.3)
    other = m.hsv(s.uniform(0.1, 0.17), 0.75, 0.5)
    streak = skin.noise(2.2, (1, 1, 0.35), detail=6.0)
    return skin.paint(skin.ramp(streak, [(0.36, other), (0.55, color)])).material


def apple_at(s: Subject, x: float, y: float, color: m.RGB, tag: str) -> None:
    """One apple with a dimple, a stem and perhaps a leaf."""
    lobes, phase, slim = s.uniform(0.04, 0.09), s.uniform(0, 6), s.uniform(0.7, 1.0)
    side = spline(APPLE, 200)

    def bend(p: Points) -> Points:
        """Replace a sphere's profile by an apple's, with five faint lobes below."""
        around = np.arctan2(p[:, 1], p[:, 0])
        t = np.arcsin(np.clip(p[:, 2], -1, 1)) / np.pi + 0.5
        r, z = (np.interp(t, np.linspace(0, 1, 200), side[:, i]) for i in (0, 1))
        low = np.clip(0.3 - z, 0, 1)
        r = r * (1 + lobes * np.cos(5 * around + phase) * low) * (1 - low * (1 - slim) * 0.6)
        return np.stack([r * np.cos(around), r * np.sin(around), z], 1)

    tall = s.cycle([1.0, 0.9, 1.15, 0.97, 1.0, 0.85, 1.08, 0.95])
    s.add(shapes.ball((1, 1, tall), bend), apple_skin(s, color), f"apple{tag}", (x, y, 0))
    a = np.radians(np.linspace(200, 340, 20))
    s.line(np.stack([x + 0.33 * np.cos(a), y + 0.33 * np.sin(a), 0 * a + 0.86 * tall], 1))
    top = 0.4 * tall
    stem = spline([(0, 0, top), (0.03, 0, top + 0.4), (s.uniform(0.08, 0.25), 0, top + 0.9)], 10)
    brown = m.plastic(BROWN, 0.8)
    s.add(shapes.tube(stem, np.linspace(0.04, 0.07, 10)), brown, f"stem{tag}", (x, y, 0))
    if s.number % 3 != 1 or s.number == 7:
        green = m.plastic((0.07, 0.25, 0.03), 0.5)
        spot, turn = (x + 0.04, y, top + 0.5), (15, -25, s.cycle([-20, 160, 10]))
        s.add(shapes.leaf(0.8, 0.42), green, f"leaf{tag}", spot, turn)


def apple(s: Subject) -> None:
    """One apple, two or three."""
    reds = [(0.5, 0.02, 0.02), (0.2, 0.42, 0.03), (0.45, 0.01, 0.03), (0.36, 0.015, 0.01)]
    reds += [*reds[:2], (0.72, 0.48, 0.04), (0.2, 0.004, 0.01)]
    apple_at(s, 0, 0, s.cycle(reds), "")
    if s.number == 5:
        apple_at(s, 1.6, 0.9, (0.2, 0.42, 0.03), " two")
    if s.number == 8:
        apple_at(s, -1.75, 1.0, (0.72, 0.48, 0.04), " two")
        apple_at(s, 0.75, 1.9, (0.2, 0.42, 0.03), " three")
    s.move(turn=(s.uniform(10, 20), 0, 0))


def banana(s: Subject) -> None:
    """A single banana or a bunch that fans out from its stalk."""
    count = s.cycle([1, 3, 1, 4, 2, 1, 2, 5])
    skin = m.Surface((0.75, 0.5, 0.04), 0.4)
    spots = skin.noise(s.uniform(5, 9), detail=8.0)
    ripe = [(0.72, 0.5, 0.03), (0.6, 0.52, 0.05), (0.78, 0.55, 0.05)]
    green = s.cycle([*ripe, *ripe, (0.22, 0.4, 0.03), ripe[0]])
    stops = [(0.27, BROWN), (0.36, (0.6, 0.36, 0.03)), (0.45, green)]
    peel, tip = skin.paint(skin.ramp(spots, stops)).material, m.plastic(BROWN, 0.9)
    bow = s.cycle([1.7, 1.9, 1.35, 1.6, 2.1, 2.2, 1.5, 1.75])
    t = np.linspace(0, 1, 50)
    a, arc = t * bow, 3.0 / bow
    for i in range(count):
        path = np.stack([arc * np.sin(a), 0 * a, arc * (1 - np.cos(a))], 1)
        ends = np.interp(t, [0, 0.1, 0.17, 0.4, 0.75, 0.92, 0.97, 1], [8, 8, 18, 33, 32, 16, 7, 6])
        ends = ends / 100 * s.uniform(0.92, 1.08)
        body = shapes.tube(path, ends, sides=6)
        body.modifiers.new("round", "SUBSURF").render_levels = 1
        turn = (0, 19 * (i - (count - 1) / 2), 0)
        s.add(body, peel, f"banana {i}", (0, 0.16 * i, 0), turn)
        matrix = np.array(body.matrix_world)
        inward = np.stack([-np.sin(a), 0 * a, np.cos(a)], 1)
        ridge = path + ends[:, None] * (0.45 * inward + (0, 0.9, 0))
        s.line((ridge @ matrix[:3, :3].T + matrix[:3, 3])[9:46])
        for end in (path[0], path[-1]):
            spot = matrix[:3, :3] @ end + matrix[:3, 3]
            s.add(shapes.ball(0.085), tip, "", tuple(spot))
    if count > 1:
        crown = shapes.rod((-0.12, 0, 0), (0.1, 0.16 * (count - 1), 0), 0.15)
        s.add(crown, peel, "banana 0")
    s.move(turn=(90, 0, s.cycle([150, 20, -40, 165, 200, 100, -25, 185])))


@dataclass(frozen=True)
class MushroomStyle:
    """A cap's profile (radius, height), the stem's height and radius, and the cap's colour."""

    cap: tuple[tuple[float, float], ...]
    tall: float
    thick: float
    color: m.RGB


MUSHROOMS = {
    "fly": MushroomStyle(
        ((0.95, 0), (0.9, 0.2), (0.6, 0.5), (0, 0.62)), 1.3, 0.2, (0.6, 0.03, 0.015)
    ),
    "button": MushroomStyle(
        ((0.6, -0.1), (0.78, 0.12), (0.6, 0.52), (0, 0.66)), 0.8, 0.24, (0.7, 0.62, 0.5)
    ),
    "cone": MushroomStyle(
        ((0.6, -0.12), (0.52, 0.15), (0.25, 0.62), (0, 0.9)), 1.6, 0.11, (0.45, 0.3, 0.15)
    ),
    "flat": MushroomStyle(
        ((1.15, 0.08), (1.05, 0.16), (0.6, 0.26), (0, 0.32)), 1.2, 0.14, (0.5, 0.24, 0.06)
    ),
    "cep": MushroomStyle(
        ((0.85, 0), (0.95, 0.2), (0.7, 0.6), (0, 0.75)), 0.9, 0.34, (0.25, 0.1, 0.03)
    ),
}


def mushroom_at(s: Subject, x: float, y: float, size: float, kind: str, tag: str) -> None:
    """One mushroom: a bent stem, a cap, gills, and spots on a fly agaric."""
    style = MUSHROOMS[kind]
    tall, lean = style.tall * size, s.uniform(-0.18, 0.18)
    stem = spline([(x, y, -0.1), (x + lean / 2, y, tall / 2), (x + lean, y, tall + 0.1)], 24)
    pale = m.mottled((0.75, 0.68, 0.55), (0.6, 0.5, 0.36), 6.0)
    swell = np.interp(np.linspace(0, 1, 24), [0, 0.3, 1], [1.5, 1, 0.85])
    s.add(shapes.tube(stem, swell * style.thick * size), pale, f"stem{tag}")
    cap = spline(style.cap, 30) * size
    at, turn = (x + lean, y, tall), (s.uniform(-6, 6), lean * 40, 0)
    skin = m.mottled(style.color, m.shade(style.color, 0.65), 3.0, 0.3, 0.1)
    s.add(shapes.lathe(cap), skin, f"cap{tag}", at, turn)
    r, z = cap[0]
    under = [(r, z), (r * 0.6, z + 0.12 * size), (0, z + 0.1)]
    s.add(shapes.lathe(under), pale, f"gills{tag}", at, turn)
    for k in range(26 if kind == "fly" else 0):
        row = cap[int(s.uniform(3, 28))]
        a = k * 2.4
        spot = (at[0] + row[0] * np.cos(a), y + row[0] * np.sin(a), tall + row[1])
        r = s.uniform(0.05, 0.11) * size
        s.add(shapes.ball((r, r, r * 0.6)), pale, f"spot {k}" if k % 3 else "", spot)


def mushroom(s: Subject) -> None:
    """A mushroom or a small group."""
    kind = s.cycle(["fly", "button", "cone", "flat", "cep", "fly", "cep", "cone"])
    mushroom_at(s, 0, 0, 1.0, kind, "")
    if s.number in (3, 4, 6, 7):
        mushroom_at(s, s.cycle([0.9, -0.9]) * 0.95, 0.3, 0.6, kind, " two")
    if s.number in (3, 7):
        mushroom_at(s, -0.75, -0.3, 0.5, kind, " three")


def donut_at(s: Subject, color: m.RGB, tag: str) -> None:
    """A ring of dough with icing and sprinkles about the origin."""
    fat = s.cycle([0.42, 0.34, 0.48, 0.4, 0.3, 0.45, 0.5, 0.4])
    ring = shapes.circle(1.0, 64)[:-1]
    dough = m.mottled((0.55, 0.3, 0.1), (0.4, 0.19, 0.05), 5.0, 0.6)
    s.add(shapes.tube(ring, fat, 32, closed=True, flat=0.8), dough, f"dough{tag}")
    turn = np.linspace(0, 2 * np.pi, 96)
    edge = np.zeros(96)
    for k in (3, 5, 8, 11):
        edge += np.sin(k * turn + s.uniform(0, 6)) * s.uniform(3, 8)
    rows = []
    for f in np.linspace(0, 1, 14):
        outer, inner = np.radians(16 + edge), np.radians(205 + edge[::-1] * 0.6)
        a = outer * (1 - f) + inner * f
        r = 1 + (fat + 0.035) * np.cos(a)
        rows.append(
            np.stack([r * np.cos(turn), r * np.sin(turn), (fat * 0.8 + 0.05) * np.sin(a)], 1)
        )
    s.add(shapes.sheet(np.array(rows), 0.03, closed=True), m.plastic(color, 0.18), f"icing{tag}")
    for k in range(70 if s.number not in (3, 7) else 0):
        a, b = s.uniform(0, 6.28), np.radians(s.uniform(35, 150))
        r = 1 + (fat + 0.05) * np.cos(b)
        spot = np.array([r * np.cos(a), r * np.sin(a), (fat * 0.8 + 0.065) * np.sin(b)])
        way = s.rng.normal(0, 1, 3) * (1, 1, 0.2)
        way = 0.065 * way / np.linalg.norm(way)
        bright = m.plastic(m.hsv(s.uniform(0, 1), 0.8, 0.8))
        s.add(shapes.rod(spot - way, spot + way, 0.022), bright, "")
        if k % 5 == 0:
            s.line([spot - way * 1.2, spot + way * 1.2])


ICINGS = [(0.75, 0.2, 0.35), (0.1, 0.035, 0.015), (0.8, 0.78, 0.72), (0.3, 0.6, 0.7)]
ICINGS += [*ICINGS[:2], (0.3, 0.48, 0.12), (0.45, 0.25, 0.6)]


def donut(s: Subject) -> None:
    """One iced donut, or one that leans on another."""
    if s.number == 8:
        donut_at(s, ICINGS[1], " two")
        s.move((0.9, 1.9, 0))
    donut_at(s, s.cycle(ICINGS), "")


def scoop(s: Subject, at: tuple[float, float, float], size: float, color: m.RGB, tag: str) -> None:
    """A rough ball of ice cream with a ragged skirt."""
    waves = [(int(k), s.uniform(0, 6), s.uniform(0.01, 0.05)) for k in (3, 5, 7, 9)]

    def bend(p: Points) -> Points:
        """Add a ragged rim low on a sphere."""
        a = np.arctan2(p[:, 1], p[:, 0])
        rag = 0.1 + sum(w * np.sin(k * a + f) for k, f, w in waves)
        wide = 1 + rag * np.exp(-(((p[:, 2] + 0.45) / 0.22) ** 2))
        return p * np.stack([wide, wide, np.ones_like(wide)], 1)

    cream = m.mottled(color, m.shade(color, 0.8), 7.0, 0.45, 0.6)
    s.add(shapes.ball((size, size, size * 0.9), bend), cream, f"scoop{tag}", at)


def cone(s: Subject, tall: float, wide: float) -> None:
    """A waffle cone with its lattice."""
    waffle = shapes.lathe([(0.02, 0), (wide, tall), (wide - 0.05, tall), (0, 0.1)])
    s.add(waffle, m.plastic((0.6, 0.33, 0.1), 0.6), "cone")
    crisp = m.plastic((0.38, 0.17, 0.04), 0.7)
    t = np.linspace(0.2, 0.98, 40)
    for k in range(10):
        for way in (-1, 1):
            a = k * np.pi / 5 + way * t * 1.6
            r = wide * t + 0.004
            path = np.stack([r * np.cos(a), r * np.sin(a), tall * t], 1)
            s.add(shapes.tube(path, 0.016, 6), crisp, "")
            if k % 2 == 0:
                s.line(path[10:])


def swirl(s: Subject, wide: float, z: float) -> None:
    """Soft ice cream wound up in a spiral from height z."""
    turn = np.linspace(0, 1, 160)
    a, r = turn * 8 * np.pi, (wide * 0.72) * (1 - turn) ** 0.8
    path = np.stack([r * np.cos(a), r * np.sin(a), z + 1.3 * turn], 1)
    color = (0.75, 0.35, 0.4) if s.number == 8 else (0.85, 0.8, 0.68)
    cream = m.plastic(color, 0.35)
    s.add(shapes.tube(path, 0.3 * (1 - turn) ** 0.7 + 0.02, 16), cream, "swirl")
    b = np.radians(np.linspace(180, 360, 30))
    for f in (0.14, 0.36, 0.6):
        out = wide * 0.72 * (1 - f) ** 0.8 + 0.24 * (1 - f) ** 0.7
        up = z + 1.3 * f + b * 0.04
        s.line(np.stack([out * np.cos(b), out * np.sin(b) - 0.08, up], 1))


FLAVOURS = ((0.75, 0.35, 0.4), (0.85, 0.78, 0.58), (0.16, 0.07, 0.03), (0.4, 0.65, 0.45))
# Where the scoops sit above the cone's rim: (x, z).
SCOOPS = {
    "one": [(0.0, 0.0)],
    "two": [(0.0, 0.0), (0.0, 0.95)],
    "three": [(-0.4, 0.0), (0.42, 0.05), (0.0, 0.75)],
    "swirl": [],
}


def ice_cream(s: Subject) -> None:
    """Scoops, or a soft swirl, in a waffle cone."""
    tall, wide = s.cycle([1.8, 1.5, 2.0, 1.6, 1.7, 1.9, 1.8, 2.0]), s.cycle([0.6, 0.68, 0.55])
    cone(s, tall, wide)
    kind = s.cycle(["one", "swirl", "two", "three", "one", "two", "three", "swirl"])
    if kind == "swirl":
        swirl(s, wide, tall + 0.1)
    size = wide * (0.9 if kind == "three" else 1.12)
    for i, (x, z) in enumerate(SCOOPS[kind]):
        flavour = FLAVOURS[(s.number + i) % 4]
        scoop(s, (x, 0.03 * i, tall + 0.3 + z), size, flavour, f" {i}")
    if s.number in (1, 3, 6):
        top = max(float(p[2]) for p in s.vertices())
        s.add(shapes.ball(0.2), m.plastic((0.5, 0.01, 0.02), 0.1), "cherry", (0, 0, top + 0.1))
        stem = spline([(0, 0, top + 0.28), (0.05, 0, top + 0.5), (0.2, 0, top + 0.68)], 12)
        s.add(shapes.tube(stem, 0.02), m.plastic((0.15, 0.3, 0.05)), "")
        s.line(stem)


CLASSES = {
    "apple": (apple, Shot(TABLES, elevation=(12, 28))),
    "banana": (banana, Shot(TABLES, azimuth=(-20, 20), elevation=(42, 62))),
    "mushroom": (mushroom, Shot(("soil", "lawn", "soil"), elevation=(2, 16))),
    "donut": (donut, Shot(TABLES, elevation=(36, 60))),
    "ice_cream": (ice_cream, Shot(("air", "paper", "air"), elevation=(0, 12))),
}
