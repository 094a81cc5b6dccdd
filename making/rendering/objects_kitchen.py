"""Vessels, a candle and two timepieces."""

from __future__ import annotations

import numpy as np

from rendering import materials as m
from rendering import shapes
from rendering.shapes import spline
from rendering.subject import Shot, Subject

TABLES = ("tabletop", "marble", "cloth", "paper", "marble", "tabletop")

# Each body: (radius, height) from the foot to the opening.
TEAPOTS = {
    "round": [(0.0, 0), (0.5, 0), (0.62, 0.06), (0.95, 0.5), (0.9, 1.0), (0.55, 1.35), (0.42, 1.4)],
    "tall": [(0.0, 0), (0.5, 0), (0.6, 0.06), (0.7, 0.5), (0.58, 1.3), (0.42, 1.8), (0.38, 1.9)],
    "squat": [(0.0, 0), (0.7, 0), (0.8, 0.05), (1.15, 0.35), (1.1, 0.6), (0.6, 0.95), (0.5, 0.98)],
    "cone": [(0.0, 0), (0.95, 0), (1.0, 0.08), (0.92, 0.35), (0.6, 1.1), (0.36, 1.5), (0.34, 1.55)],
    "barrel": [
        (0.0, 0),
        (0.68, 0),
        (0.74, 0.08),
        (0.8, 0.6),
        (0.76, 1.1),
        (0.66, 1.25),
        (0.6, 1.27),
    ],
    "urn": [(0.0, 0), (0.5, 0), (0.34, 0.15), (0.62, 0.5), (0.92, 1.0), (0.62, 1.4), (0.45, 1.46)],
}


def teapot(s: Subject) -> None:
    """A pot with a spout, a handle and a lid with a knob."""
    body = spline(TEAPOTS[s.cycle([*TEAPOTS, "urn", "cone"])], 60)
    hue = s.cycle([0.58, 0.02, 0.12, 0.4, 0.08, 0.95, 0.35, 0.14])
    color = m.hsv(hue, s.uniform(0.2, 0.75), 0.55)
    glaze = m.metal(roughness=0.16) if s.number % 6 == 4 else m.ceramic(color)
    top, rim = body[-1, 1], body[-1, 0]

    def radius(z: float) -> float:
        """The body's radius at a height on its side."""
        wide = int(np.argmax(body[:, 0]))
        return float(np.interp(z, body[wide:, 1], body[wide:, 0]))

    s.add(shapes.lathe(body), glaze)
    rise = s.uniform(0.14, 0.26)
    lid = spline([(rim * 1.06, 0), (rim * 0.9, rise * 0.6), (rim * 0.4, rise), (0, rise * 1.1)], 24)
    s.add(shapes.lathe(lid), glaze, "lid", (0, 0, top))
    s.add(shapes.ball(s.uniform(0.1, 0.15)), glaze, "knob", (0, 0, top + rise * 1.1 + 0.09))
    low, high = 0.35 * top, top * s.uniform(0.92, 1.08)
    out = body[:, 0].max()
    reach = s.uniform(0.5, 0.75)
    bend = [(out * 0.8, low), (out + 0.3 * reach, low + 0.12), (out + 0.6 * reach, 0.75 * high)]
    spout = spline([*bend, (out + reach, high)], 24)
    path = np.stack([spout[:, 0], 0 * spout[:, 0], spout[:, 1]], 1)
    s.add(shapes.tube(path, np.linspace(0.27, 0.1, 24)), glaze, "spout")
    grip = spline(
        [
            (-radius(0.85 * top) + 0.05, 0.85 * top),
            (-out - 0.35, 0.9 * top),
            (-out - 0.5, 0.6 * top),
            (-out - 0.25, 0.28 * top),
            (-out * 0.85, 0.25 * top),
        ],
        32,
    )
    if s.number % 3 == 0:
        arch = [(-rim - 0.1, top - 0.06), (-0.8, top + 0.5), (0, top + 0.95), (0.8, top + 0.5)]
        grip = spline([*arch, (rim + 0.1, top - 0.06)], 32)
    path = np.stack([grip[:, 0], 0 * grip[:, 0], grip[:, 1]], 1)
    s.add(shapes.tube(path, s.uniform(0.075, 0.1)), glaze, "handle")


CUPS = {
    "mug": [(0.0, 0), (0.72, 0), (0.76, 0.04), (0.76, 0.04), (0.76, 1.6)],
    "tapered": [(0.0, 0), (0.5, 0), (0.54, 0.04), (0.54, 0.04), (0.85, 1.75)],
    "tea": [(0.0, 0), (0.4, 0), (0.42, 0.08), (0.7, 0.35), (0.95, 0.8), (1.02, 1.05)],
    "round": [(0.0, 0), (0.5, 0), (0.6, 0.04), (0.95, 0.55), (0.88, 1.1), (0.76, 1.3)],
    "low": [(0.0, 0), (0.85, 0), (0.95, 0.06), (0.95, 0.06), (0.98, 1.05)],
    "flared": [(0.0, 0), (0.45, 0), (0.5, 0.04), (0.58, 0.5), (0.62, 1.0), (0.9, 1.6)],
    "latte": [(0.0, 0), (0.55, 0), (0.62, 0.05), (0.7, 0.4), (0.62, 1.1), (0.72, 2.0)],
    "bowl": [(0.0, 0), (0.45, 0), (0.5, 0.1), (0.9, 0.22), (1.18, 0.6), (1.22, 0.9)],
}


def cup(s: Subject) -> None:
    """A cup with a handle and a drink, some on a saucer."""
    wall = spline(CUPS[s.cycle(list(CUPS))], 50)
    color = m.hsv(
        s.cycle([0.0, 0.6, 0.13, 0.35, 0.09, 0.85, 0.5, 0.13]), s.cycle([0.8, 0.6, 0.1]), 0.6
    )
    glaze = m.ceramic(color)
    top = wall[-1, 1]
    s.add(shapes.lathe(wall), glaze)
    inside = wall[wall[:, 1] > 0.05] - (0.07, 0)
    rim = [(wall[-1, 0], top), (wall[-1, 0] - 0.03, top + 0.025), (inside[-1, 0], top)]
    s.add(shapes.lathe(np.concatenate([rim, inside[::-1], [(0, 0.06)]])), glaze, "inside")
    level = top * s.uniform(0.78, 0.88)
    radius = float(np.interp(level, inside[:, 1], inside[:, 0]))
    drink = s.cycle([(0.03, 0.012, 0.005), (0.22, 0.07, 0.01), (0.35, 0.2, 0.1)])
    s.add(shapes.disc(radius, level), m.plastic(drink, 0.05), "inside")
    high, low = 0.86 * top, 0.25 * top
    edge = [float(np.interp(z, wall[20:, 1], wall[20:, 0])) for z in (high, low)]
    out = max(edge) + s.uniform(0.38, 0.5)
    bend = s.cycle([0.5, 0.9, 0.6])
    upper = [(edge[0] - 0.03, high), (out * 0.95, high + 0.02), (out, (high + low) * bend / 1.2)]
    grip = spline([*upper, (edge[1] + 0.25, low), (edge[1] - 0.03, low)], 30)
    path = np.stack([grip[:, 0], 0 * grip[:, 0], grip[:, 1]], 1)
    s.add(shapes.tube(path, s.uniform(0.08, 0.11)), glaze, "handle")
    if s.number in (3, 6, 8):
        dish = spline([(0, 0), (0.8, 0), (1.2, 0.1), (1.65, 0.26), (1.68, 0.24), (1.2, 0.04)], 40)
        s.move((0, 0, 0.06))
        s.add(shapes.lathe(dish), glaze, "saucer")
    s.move(turn=(0, 0, s.cycle([0, 180, 20, 160, -25, 0, 205, -20])))


def hourglass(s: Subject) -> None:
    """Two glass bulbs with sand between two plates held by posts."""
    wide, tall = s.cycle([0.55, 0.75, 0.45, 0.62, 0.8, 0.5]), s.cycle([1.0, 0.85, 1.2, 1.0])
    shape = s.cycle([0.75, 0.55, 0.9])
    half = [(0.07, 0), (0.1, 0.1), (wide * shape, 0.38), (wide, 0.68), (wide * 0.85, 1)]
    upper = spline(half, 30) * (1, tall)
    profile = np.concatenate([(upper * (1, -1))[::-1], upper[1:]])
    s.add(shapes.lathe(profile), m.glass(), "glass", clear=True)
    grain = m.hsv(s.cycle([0.1, 0.57, 0.95, 0.08]), s.uniform(0.4, 0.75), 0.6)
    sand = m.mottled(grain, m.shade(grain, 0.7), 40, 0.9, 0.3)
    inner = profile * (0.93, 1)
    fill = s.uniform(0.35, 0.6) * tall
    low = inner[inner[:, 1] < fill - tall]
    heap = [(0, -tall), *low, (0, fill - tall + 0.25 * wide)]
    s.add(shapes.lathe(heap), sand, "")
    s.line(shapes.circle(float(low[-1, 0]), z=fill - tall))
    high = inner[(inner[:, 1] > 0.02) & (inner[:, 1] < 0.45 * tall)]
    s.add(shapes.lathe([(0.0, 0.0), *high, (0, high[-1, 1] - 0.1)]), sand, "")
    s.line(shapes.circle(float(high[-1, 0]), z=float(high[-1, 1])))
    s.add(shapes.rod((0, 0, -tall + 0.1), (0, 0, 0.05), 0.02), sand, "")
    brown = s.cycle([(0.25, 0.1, 0.04), (0.45, 0.26, 0.12), (0.1, 0.05, 0.03)])
    frame = m.metal((0.75, 0.5, 0.2), 0.2) if s.number in (2, 5) else m.wood(brown)
    out = wide + 0.2
    for z in (-tall - 0.07, tall + 0.07):
        side = spline([(0, -0.07), (out, -0.07), (out + 0.06, 0), (out, 0.07), (0, 0.07)], 30)
        if s.number % 3 == 0:
            plate = shapes.box((out * 1.9, out * 1.9, 0.15), 0.03)
            s.add(plate, frame, f"plate {z}", (0, 0, z), facets=True)
        else:
            s.add(shapes.lathe(side), frame, f"plate {z}", (0, 0, z))
    posts = s.cycle([3, 4, 4])
    for i in range(posts):
        a = 2 * np.pi * (i + 0.5) / posts
        x, y = (out - 0.08) * np.cos(a), (out - 0.08) * np.sin(a)
        up = np.linspace(-tall, tall, 40)
        turned = 0.045 + 0.02 * np.cos(up / tall * np.pi * s.cycle([1, 4, 2])) ** 2
        s.add(shapes.lathe(np.stack([turned, up], 1)), frame, f"post {i}", (x, y, 0))
    s.move(turn=(0, 0, s.uniform(0, 40)))


def flame(s: Subject, at: tuple[float, float, float], size: float) -> None:
    """A wick with a burning flame."""
    glow = spline([(0, 0), (0.1, 0.08), (0.12, 0.2), (0.06, 0.42), (0, 0.62)], 24) * size
    s.add(shapes.lathe(glow), m.emitter((1.0, 0.55, 0.13), 9.0), "flame", at)
    wick = shapes.rod((0, 0, -0.12 * size), (0, 0, 0.06 * size), 0.02 * size)
    s.add(wick, m.plastic((0.02, 0.02, 0.02)), "", at)
    s.line(np.array([(0, 0, -0.12 * size), (0, 0, 0)]) + at)


WAXES = ((0.8, 0.74, 0.6), (0.55, 0.04, 0.05), (0.85, 0.83, 0.78), (0.75, 0.6, 0.3))


def wax(s: Subject, radius: float, height: float, z: float, x: float = 0.0) -> None:
    """A wax candle with drips and a flame."""
    color = s.cycle([*WAXES, *WAXES[:2], WAXES[2], (0.05, 0.12, 0.4)])
    stuff = m.Surface(color, 0.35, Subsurface_Weight=0.4).material
    side = [(0, 0), (radius, 0), (radius, 0), (radius, height), (radius, height)]
    side += [(radius * 0.85, height - 0.02), (0, height - 0.07)]
    s.add(shapes.lathe(spline(side, 40)), stuff, f"wax {x}", (x, 0, z))
    for i in range(5):
        a = i * 2 * np.pi / 5 + s.uniform(-0.4, 0.4)
        foot = height * s.uniform(0.45, 0.85)
        run = [(radius * np.cos(a), radius * np.sin(a), h) for h in (height - 0.01, foot)]
        bead = np.array([0.05, 0.05, 0.05, 0.05, 0.055, 0.06, 0.065, 0.06, 0.045, 0.0])
        drip = shapes.tube(np.linspace(run[0], run[1], 10), bead * min(1.4, radius / 0.2))
        s.add(drip, stuff, f"drip {i} {x}" if i % 2 else f"wax {x}", (x, 0, z))
    flame(s, (x, 0, z + height - 0.02), 0.75 if radius < 0.4 else 1.0)


def candle(s: Subject) -> None:
    """One pillar or three, a taper in a stick, a chamber stick, or a branched holder."""
    brass = m.metal(s.cycle([(0.8, 0.55, 0.2), (0.75, 0.75, 0.77)]), 0.22)
    kind = s.cycle(["stick", "pillar", "chamber", "branched", "short", "dish", "three", "stick"])
    if kind in ("pillar", "short"):
        wax(s, *((0.42, 1.8) if kind == "pillar" else (0.62, 0.95)), 0.06)
        dish = [(0, 0), (0.7, 0), (0.85, 0.08), (0.85, 0.1), (0.6, 0.06), (0, 0.06)]
        s.add(shapes.lathe(spline(dish, 30)), m.ceramic((0.5, 0.55, 0.6)), "dish")
    elif kind == "three":
        for x, tall in ((-0.82, 1.0), (0, 1.75), (0.82, 0.65)):
            wax(s, 0.36, tall, 0.08, x)
        tray = shapes.box((2.7, 1.0, 0.1), 0.03)
        s.add(tray, m.wood((0.16, 0.07, 0.035), "x"), "tray", (0, 0, 0.04))
    elif kind == "branched":
        s.add(
            shapes.lathe(spline([(0, 0), (0.5, 0), (0.45, 0.06), (0.06, 0.2)], 30)), brass, "foot"
        )
        s.add(shapes.rod((0, 0, 0.1), (0, 0, 1.3), 0.05), brass, "stem")
        arms = spline([(-0.7, 1.15), (-0.6, 0.8), (0, 0.65), (0.6, 0.8), (0.7, 1.15)], 40)
        s.add(shapes.tube(np.insert(arms, 1, 0, axis=1), 0.04), brass, "arms")
        for x, z in ((-0.7, 1.15), (0, 1.3), (0.7, 1.15)):
            s.add(shapes.lathe([(0, 0), (0.13, 0.0), (0.17, 0.12), (0, 0.1)]), brass, "", (x, 0, z))
            wax(s, 0.1, 0.75, z + 0.08, x)
    else:
        stick = [(0, 0), (0.5, 0), (0.45, 0.08), (0.1, 0.2), (0.16, 0.5), (0.08, 0.8), (0.22, 1.0)]
        if kind != "stick":
            stick = [
                (0, 0),
                (0.7, 0),
                (0.8, 0.15),
                (0.75, 0.12),
                (0.2, 0.06),
                (0.2, 0.3),
                (0.25, 0.3),
            ]
        s.add(shapes.lathe(spline(stick, 60)), brass, "stick")
        if kind != "stick":
            ring = shapes.circle(0.24)[:-1, [0, 2, 1]] + (1.0, 0, 0.24)
            s.add(shapes.tube(ring, 0.05, closed=True), brass, "ring")
        wax(s, 0.17, s.cycle([1.3, 1, 1.4, 1, 1, 0.9, 1, 1.9]), stick[-1][1] - 0.06)


# The angles of the hour hand and of the minute hand.
TIMES = [(305, 55), (60, 300), (210, 0), (320, 90), (100, 330), (240, 40), (150, 270), (30, 210)]


def dial(s: Subject, radius: float, square: bool) -> None:
    """A white clock face with marks and hands, facing -y at the origin."""
    black = m.plastic((0.02, 0.02, 0.02))
    white = m.plastic(s.cycle([(0.85, 0.85, 0.8), (0.8, 0.75, 0.6)]), 0.5)
    face = shapes.slab(shapes.circle(radius, 64)[:-1, :2], 0.04, 0)
    s.add(face, white, "face", turn=(90, 0, 0))
    for hour in range(12):
        a = hour * np.pi / 6
        size = (0.05, 0.02, 0.17) if hour % 3 == 0 else (0.03, 0.02, 0.09)
        spot = (0.83 * radius * np.sin(a), -0.03, 0.83 * radius * np.cos(a))
        s.add(shapes.box(size, 0), black, "", spot, (0, np.degrees(a), 0))
        tick = np.array([0.75, 0.93])[:, None] * radius * np.array([np.sin(a), 0, np.cos(a)])
        s.line(np.add(tick, (0, -0.05, 0)))
    turns = s.cycle(TIMES)
    for angle, reach, width in zip(turns, (0.45, 0.7), (0.07, 0.045), strict=True):
        a = np.radians(angle)
        tip = radius * reach * np.array([np.sin(a), 0, np.cos(a)])
        hand = shapes.box((width, 0.02, radius * reach), 0.0)
        s.add(hand, black, "", tip / 2 + (0, -0.05, 0), (0, angle, 0))
        s.line(np.add(np.stack([0 * tip, tip]), (0, -0.06, 0)))
    s.add(shapes.ball(0.05), black, "", (0, -0.05, 0))


def alarm_clock(s: Subject) -> None:
    """A bedside clock with two bells, feet and a handle."""
    square = s.number in (3, 6, 8)
    color = m.hsv(s.cycle([0.0, 0.5, 0.33, 0.12, 0.92, 0.6, 0.0, 0.06]), 0.75, 0.5)
    paint = m.plastic(color if s.number != 7 else (0.02, 0.02, 0.025), 0.25)
    chrome = m.metal(s.cycle([(0.8, 0.8, 0.82), (0.8, 0.55, 0.22)]), 0.12)
    case = paint if s.number != 4 else chrome
    deep = s.uniform(0.45, 0.7)
    outline = shapes.circle(0.95, 64)[:-1, :2]
    if square:
        outline = np.sign(outline) * np.abs(outline / 0.95) ** 0.35 * (0.95, 0.85)
    s.add(shapes.slab(outline, deep, 0.08), case, "case", (0, deep / 2 + 0.02, 0), (90, 0, 0))
    dial(s, 0.78 if not square else 0.7, square)
    tall = 0.85 if square else 0.95
    bell = spline([(0.32, 0), (0.3, 0.12), (0.2, 0.25), (0, 0.3)], 24) * s.cycle([1.25, 1.0, 1.1])
    lean = s.cycle([35, 28])
    for side in (-1, 1):
        a = np.radians(lean)
        spot = (side * np.sin(a) * tall * 1.1, deep / 2, np.cos(a) * tall * 1.1)
        s.add(shapes.lathe(bell), chrome, f"bell {side}", spot, (0, side * lean, 0))
        foot = shapes.rod((side * 0.45, deep / 2, -0.75), (side * 0.68, deep / 2, -1.12), 0.09, 0.7)
        s.add(foot, chrome, f"foot {side}")
    top = np.cos(np.radians(lean)) * tall * 1.1
    arch = [
        (-0.42, top + 0.3),
        (-0.3, top + 0.6),
        (0, top + 0.7),
        (0.3, top + 0.6),
        (0.42, top + 0.3),
    ]
    if s.number % 2:
        path = np.insert(spline(arch, 30), 1, deep / 2, axis=1)
        s.add(shapes.tube(path, 0.05), chrome, "handle")
    s.add(shapes.rod((0, deep / 2, tall * 0.9), (0, deep / 2, tall + 0.3), 0.03), chrome, "hammer")
    s.add(shapes.ball(0.09), chrome, "hammer", (0, deep / 2, tall + 0.3))


CLASSES = {
    "teapot": (teapot, Shot(TABLES, azimuth=(-30, 30), elevation=(8, 30))),
    "cup": (cup, Shot(TABLES, azimuth=(-30, 30), elevation=(18, 38))),
    "hourglass": (hourglass, Shot(TABLES, elevation=(4, 18))),
    "candle": (candle, Shot(TABLES, azimuth=(-15, 15), elevation=(6, 22))),
    "alarm_clock": (alarm_clock, Shot(TABLES, azimuth=(-30, 30), elevation=(2, 18))),
}
