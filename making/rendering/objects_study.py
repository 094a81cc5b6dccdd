"""Books and ladders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from rendering import grounds, shapes
from rendering import materials as m
from rendering.shapes import Points, spline
from rendering.subject import Shot, Subject

TABLES = ("tabletop", "marble", "cloth", "tabletop", "marble", "paper", "cloth", "tabletop")
PAPER, INK, GOLD = (0.8, 0.76, 0.64), (0.06, 0.06, 0.07), (0.7, 0.48, 0.15)
COVERS = ((0.35, 0.03, 0.03), (0.03, 0.12, 0.32), (0.04, 0.2, 0.1), (0.3, 0.14, 0.05))


def leaves(axis: int) -> bpy.types.Material:
    """The cut edges of many pages stacked along a local axis (0 to 2)."""
    surface = m.Surface(PAPER, 0.8)
    stretch = [0.3, 0.3, 0.3]
    stretch[axis] = 30.0
    lines = surface.noise(2.0, stretch, detail=2.0)
    return surface.paint(surface.ramp(lines, [(0.35, m.shade(PAPER, 0.6)), (0.6, PAPER)])).material


def page_side(wide: float, thick: float) -> Points:
    """The top of one half of an open book, (k, 2) from the spine outwards."""
    knots = [(0, 0.06), (0.07, 0.75), (0.25, 1.12), (0.6, 1.02), (1.0, 0.8)]
    return spline(np.array(knots) * (wide, thick), 40)


def open_half(s: Subject, side: int, wide: float, tall: float, thick: float) -> None:
    """One half of an open book along y: a block of pages, its top page and the print."""
    top = page_side(wide, thick)
    edge = np.concatenate([top, [(wide * 1.03, 0.02), (0, 0.02)]]) * (side, 1)
    outline = edge if side > 0 else edge[::-1]
    s.add(shapes.slab(outline, tall, 0), leaves(1), f"block {side}", turn=(90, 0, 0))
    lift = np.add(top, (0, 0.006))
    ends = [np.insert(lift * (side, 1), 1, y, axis=1) for y in (-tall / 2, tall / 2)]
    white = m.plastic((0.84, 0.81, 0.72), 0.7)
    s.add(shapes.sheet(np.array(ends)), white, f"page {side}")
    ink, margin = m.plastic((0.16, 0.16, 0.17), 0.8), (top[:, 0] > 0.16) & (top[:, 0] < 0.92 * wide)
    picture = s.number in (4, 7) and side > 0
    rows = np.linspace(0.4, -0.4, 13) * tall
    for k, y in enumerate(rows):
        if picture and k < 7:
            continue
        reach = margin if k % 5 != 4 else margin & (top[:, 0] < 0.6 * wide)
        line = np.insert(np.add(lift[reach], (0, 0.006)) * (side, 1), 1, y, axis=1)
        band = np.stack([np.add(line, (0, d, 0)) for d in (-0.018, 0.018)])
        s.add(shapes.sheet(band), ink, "")
        if k % 2 == 0:
            s.line(line)
    if picture:
        plate = np.insert(np.add(lift[margin], (0, 0.006)) * (side, 1), 1, 0.0, axis=1)
        band = np.stack([np.add(plate, (0, d, 0)) for d in (-0.02, 0.42 * tall)])
        tint = m.mottled(m.hsv(s.uniform(0, 1), 0.6, 0.5), (0.75, 0.7, 0.5), 2.5, 0.6, 0)
        s.add(shapes.sheet(band), tint, f"picture {side}")


def open_book(s: Subject, color: m.RGB) -> None:
    """An open book that lies flat, its cover showing around the pages."""
    wide, tall, thick = s.cycle([1.0, 1.0, 1.0, 1.15, 1.0, 1, 0.95]), s.uniform(1.35, 1.55), 0.2
    for side in (-1, 1):
        open_half(s, side, wide, tall, thick)
    cover = shapes.box((2.16 * wide, tall + 0.12, 0.04), 0.01)
    s.add(cover, m.fabric(color, 90), "cover", (0, 0, 0))
    if s.number == 4:
        ribbon = np.array([(0.03, 0.72, 0.08), (0.04, 0, 0.09), (0.02, -0.72, 0.08)])
        path = spline([*ribbon, (0.05, -0.95, 0.0), (0.12, -1.1, 0.0)], 40)
        s.add(shapes.tube(path, 0.035, 8, flat=0.2), m.fabric((0.5, 0.02, 0.03)), "ribbon")


def closed_book(s: Subject, size: tuple[float, float, float], color: m.RGB, tag: str) -> None:
    """A closed book of (x, y, z) size lying on z = 0 with its spine at -x."""
    wide, tall, thick = size
    cloth = m.fabric(color, 110) if s.number != 8 else m.mottled(color, m.shade(color, 0.5), 5.0)
    pages = shapes.box((wide - 0.1, tall - 0.12, thick - 0.06), 0)
    s.add(pages, leaves(2), f"pages{tag}", (-0.02, 0, thick / 2), facets=True)
    for k, z in enumerate((0.03, thick - 0.03)):
        board = shapes.box((wide, tall, 0.06), 0.015)
        s.add(board, cloth, f"board {k}{tag}", (0, 0, z), facets=k == 1)
    bow = np.radians(np.linspace(90, 270, 17))
    back = np.stack([0.1 * np.cos(bow), thick / 2 * np.sin(bow)], 1)
    spot = (-wide / 2 + 0.01, 0, thick / 2)
    s.add(shapes.slab(back, tall, 0), cloth, f"spine{tag}", spot, (90, 0, 0))
    foil = m.metal(GOLD, 0.35)
    for y in (-0.36, -0.28, 0.28, 0.36):
        stripe = shapes.slab(back * 1.04, 0.03, 0)
        s.add(stripe, foil, "", np.add(spot, (0, y * tall, 0)), (90, 0, 0))
    for y, x, deep in ((0.24, 0.62, 0.16), (-0.2, 0.34, 0.05)):
        title = shapes.box((x * wide, deep * tall, 0.008), 0)
        s.add(title, foil, f"title {y}{tag}", (0.03, y * tall, thick))
    if s.number == 8:
        for x, y in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
            corner = shapes.box((0.16, 0.16, 0.075), 0.015)
            at = (x * (wide / 2 - 0.07), y * (tall / 2 - 0.07), thick - 0.03)
            s.add(corner, foil, f"corner {x} {y}", at)


def fanned_book(s: Subject, color: m.RGB) -> None:
    """A book that stands on its foot, its pages spread like a fan."""
    tall, wide = 1.7, 1.15
    for i, a in enumerate(np.radians(np.linspace(-68, 68, 13))):
        t = np.linspace(0, wide - 0.03, 14)
        bow = 0.16 * np.sin(a) * np.sin(np.pi * t / wide)
        x, y = t * np.sin(a) + bow * np.cos(a), -t * np.cos(a) + bow * np.sin(a)
        ends = [np.stack([x, y, np.full_like(t, z)], 1) for z in (0.04, tall - 0.04)]
        white = m.plastic(m.shade((0.84, 0.81, 0.72), s.uniform(0.92, 1.0)), 0.7)
        s.add(shapes.sheet(np.array(ends), 0.012), white, f"page {i}" if i % 2 == 0 else "page 0")
    for side in (-1, 1):
        a = np.radians(side * 76)
        at = (wide / 2 * np.sin(a), -wide / 2 * np.cos(a), tall / 2)
        board = shapes.box((wide + 0.04, 0.05, tall), 0.01)
        s.add(board, m.fabric(color, 90), f"board {side}", at, (0, 0, side * (76 - 90)))


def book(s: Subject) -> None:
    """A book: open, closed, standing, spread like a fan, or a small stack."""
    color = s.cycle([*COVERS, (0.28, 0.05, 0.2), (0.5, 0.22, 0.02), COVERS[1], (0.14, 0.06, 0.03)])
    if s.number in (1, 4, 7):
        open_book(s, color)
        s.move(turn={1: (0, 0, 14), 4: (0, 0, -24), 7: (38, 0, 8)}[s.number])
    elif s.number == 6:
        fanned_book(s, color)
    elif s.number == 3:
        closed_book(s, (1.25, 1.8, 0.34), color, "")
        s.move(turn=(90, 0, 28))
    elif s.number == 5:
        closed_book(s, (1.3, 1.75, 0.32), (0.55, 0.36, 0.08), " two")
        s.move((0.08, 0, -0.32), (0, 0, 14))
        closed_book(s, (1.2, 1.6, 0.26), color, "")
        s.move(turn=(0, 0, 50))
    else:
        closed_book(s, (1.3, 1.8, s.cycle([0, 0.36, 0, 0, 0, 0, 0, 0.55])), color, "")
        s.move(turn=(0, 0, s.cycle([0, 48, 0, 0, 0, 0, 0, 130])))


@dataclass(frozen=True)
class Leaning:
    """A ladder against a wall: height, width, rungs, rail's depth and the lean in degrees."""

    tall: float
    wide: float
    count: int
    rail: float
    tilt: float


@dataclass(frozen=True)
class Folding:
    """A step ladder: height, treads, and how far it is turned in degrees."""

    tall: float
    steps: int
    turn: float


LADDERS: tuple[Leaning | Folding, ...] = (
    Leaning(3.3, 0.85, 8, 0.12, 14),
    Folding(2.3, 5, 28),
    Leaning(3.0, 0.95, 7, 0.11, 12),
    Folding(2.2, 5, -35),
    Folding(2.6, 7, 24),
    Leaning(3.4, 1.15, 7, 0.12, 13),
    Folding(1.4, 3, -24),
    Leaning(3.6, 0.8, 10, 0.1, 12),
)


def straight_ladder(s: Subject, kind: Leaning, stuff: Any) -> None:
    """Two rails with rungs; a rustic one is made of poles and narrows upwards."""
    rustic, tall, foot = s.number == 6, kind.tall, kind.wide / 2
    top = foot * (0.6 if rustic else 1.0)
    for side in (-1, 1):
        if rustic:
            pole = shapes.rod((side * foot, 0, 0), (side * top, 0, tall), kind.rail / 2, 0.8)
            s.add(pole, stuff, f"rail {side}")
        else:
            board = shapes.box((0.6 * kind.rail, kind.rail, tall), 0.015)
            s.add(board, stuff, f"rail {side}", (side * foot, 0, tall / 2))
    for i, z in enumerate(np.linspace(0.09, 0.93, kind.count) * tall):
        reach = foot + (top - foot) * z / tall + 0.08 * rustic
        bar = shapes.rod((-reach, 0, z), (reach, 0, z), 0.4 * kind.rail)
        s.add(bar, stuff, f"rung {i}")


def lean_on_wall(s: Subject, tilt: float, wall: bpy.types.Material) -> None:
    """Lean what was made so far against a wall of its own."""
    s.move(turn=(-tilt, 0, 0))
    s.settle()
    back = float(s.vertices()[:, 1].max())
    grounds.place(grounds.plane(30), wall, (0, back + 0.01, 0), (90, 0, 0))


def step_ladder(s: Subject, kind: Folding, paint: Any, tread: Any) -> None:
    """A folding ladder with treads in front, a hind frame and a platform on top."""
    tall = kind.tall
    wide, top, spread = 0.42 * tall**0.7, 0.28 * tall**0.7, 0.27 * tall
    for side in (-1, 1):
        for back, way in ((0, -1), (1, 1)):
            foot = (side * wide / 2, way * spread, 0)
            head = (side * top / 2, way * 0.07, tall)
            bar = shapes.tube(np.linspace(foot, head, 5), 0.062 if back else 0.075, 4)
            s.add(bar, paint, f"rail {side} {way}")
        x, y = side * wide * 0.42, 0.5 * spread
        front, hind = (x, -y, tall * 0.47), (x, y, tall * 0.47)
        s.add(shapes.rod(front, hind, 0.022), m.metal(), "")
        s.line([front, hind])
    for i, f in enumerate(np.linspace(0, 1, kind.steps + 1)[1:-1]):
        half = wide + (top - wide) * f
        at = (0, -spread + (spread - 0.07) * f, tall * f)
        s.add(shapes.box((half, 0.24, 0.055), 0.01), tread, f"step {i}", at)
    for f in (0.3, 0.65):
        half, y = wide + (top - wide) * f, spread - (spread - 0.07) * f
        s.add(
            shapes.rod((-half / 2, y, tall * f), (half / 2, y, tall * f), 0.03), paint, f"bar {f}"
        )
    s.add(shapes.box((top + 0.16, 0.36, 0.08), 0.02), tread, "top", (0, 0, tall + 0.03))


def ladder(s: Subject) -> None:
    """A ladder that leans on a wall, or a step ladder."""
    pine, dark = m.wood((0.55, 0.36, 0.18)), m.wood((0.3, 0.15, 0.06))
    zinc = m.metal((0.72, 0.73, 0.75), 0.35)
    paints = [m.plastic(c) for c in ((0.5, 0.06, 0.03), (0.75, 0.42, 0.02), (0.04, 0.14, 0.32))]
    stuff = s.cycle([pine, zinc, paints[0], pine, paints[1], dark, paints[2], zinc])
    kind = s.cycle(LADDERS)
    if isinstance(kind, Folding):
        rubber = m.plastic((0.04, 0.04, 0.04), 0.7)
        step_ladder(s, kind, stuff, s.cycle([pine, zinc, pine, pine, zinc, pine, rubber]))
        s.move(turn=(0, 0, kind.turn))
        return
    straight_ladder(s, kind, stuff)
    brick = m.bricks((0.32, 0.12, 0.07), (0.4, 0.38, 0.34), 1.6, 0.9, 0.35, 0.9)
    plaster = m.mottled((0.72, 0.68, 0.58), (0.62, 0.58, 0.5), 1.5, 0.9, 0.2)
    planks = m.bricks((0.1, 0.17, 0.2), (0.02, 0.02, 0.02), 1.0, 5.0, 0.42, 0.7)
    lean_on_wall(s, kind.tilt, {1: brick, 6: planks}.get(s.number, plaster))


FLOORS = ("pavement", "room", "lawn", "paper", "pavement", "lawn", "room", "pavement")

CLASSES = {
    "book": (book, Shot(TABLES, azimuth=(-12, 12), elevation=(26, 42))),
    "ladder": (ladder, Shot(FLOORS, azimuth=(-26, 26), elevation=(4, 18))),
}
