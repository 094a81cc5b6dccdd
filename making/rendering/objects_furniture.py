"""Chairs and tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from rendering import materials as m
from rendering import shapes
from rendering.shapes import Points, spline
from rendering.subject import Shot, Subject

ROOMS = ("room", "room", "paper", "room", "lawn", "room")
BROWNS = m.BROWNS


def legs(
    s: Subject, spots: Points, height: float, thick: float, material: Any, splay: float = 0.0
) -> None:
    """Round or square legs from the floor up to `height` at the (x, y) spots."""
    for i, (x, y) in enumerate(spots):
        foot = (x * (1 + splay), y * (1 + splay), 0)
        if splay:
            s.add(shapes.rod(foot, (x, y, height), thick * 0.45, 1.3), material, f"leg {i}")
        else:
            part = shapes.box((thick, thick, height), 0.015)
            s.add(part, material, f"leg {i}", (x, y, height / 2))


def corners(width: float, depth: float) -> Points:
    """The four corners of a rectangle, (4, 2)."""
    return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (width / 2, depth / 2)


def hoops(s: Subject, tall: float, y: float, seat: float, wood: Any) -> None:
    """A bent-wood back: one arch inside another."""
    for i, k in enumerate((1.0, 0.62)):
        arch = np.array([(-0.42, 0), (-0.47, 0.5), (0, tall), (0.47, 0.5), (0.42, 0)]) * k
        path = np.add(np.insert(spline(arch, 40), 1, 0, axis=1), (0, y, seat))
        s.add(shapes.tube(path, 0.045), wood, f"hoop {i}")


def chair_back(s: Subject, kind: str, width: float, y: float, seat: float, wood: Any) -> None:
    """The back of a chair: slats across, spindles, a panel or a hoop."""
    tall = s.cycle([1.15, 1.3, 1.0, 1.5, 1.15, 1.3, 1.2, 1.15])
    if kind == "hoop":
        hoops(s, tall, y, seat, wood)
        return
    for side in (-1, 1):
        post = shapes.box((0.1, 0.09, tall), 0.015)
        s.add(post, wood, f"post {side}", (side * (width / 2 - 0.05), y, seat + tall / 2))
    if kind == "slats":
        for i, f in enumerate(np.linspace(0.35, 0.92, s.cycle([3, 4, 3]))):
            rail = shapes.box((width - 0.15, 0.05, 0.15), 0.015)
            s.add(rail, wood, f"rail {i}", (0, y, seat + tall * f))
        return
    top = shapes.box((width - 0.15, 0.07, 0.18), 0.02)
    s.add(top, wood, "rail", (0, y, seat + tall - 0.1))
    if kind == "panel":
        soft = m.fabric(m.hsv(s.uniform(0, 1), 0.6, 0.3))
        pad = shapes.box((width - 0.2, 0.12, tall * 0.6), 0.05)
        s.add(pad, soft, "pad", (0, y, seat + tall * 0.55))
        return
    for x in np.linspace(-0.32, 0.32, 5) * width:
        spindle = shapes.rod((x, y, seat), (x, y, seat + tall - 0.15), 0.028)
        s.add(spindle, wood, "")
        s.line([(x, y, seat + 0.08), (x, y, seat + tall - 0.2)])


def chair(s: Subject) -> None:
    """A wooden chair; seat, legs and back differ between instances."""
    kind = s.cycle(["slats", "spindles", "hoop", "panel", "slats", "spindles", "hoop", "panel"])
    paints = [(0.65, 0.66, 0.62), (0.35, 0.05, 0.04), (0.05, 0.2, 0.32), (0.03, 0.03, 0.03)]
    color = s.cycle([*BROWNS, *paints])
    wood = m.wood(color) if s.number < 5 else m.plastic(color, 0.4)
    width, depth, seat = s.uniform(0.95, 1.15), s.uniform(0.9, 1.1), s.uniform(0.92, 1.08)
    splay = 0.22 if kind in ("hoop", "spindles") else 0.0
    if kind == "hoop":
        s.add(
            shapes.slab(shapes.circle(0.55, 48)[:-1, :2], 0.1, 0.03),
            wood,
            "seat",
            (0, 0, seat),
            facets=True,
        )
        width = depth = 0.8
    else:
        s.add(shapes.box((width, depth, 0.09), 0.03), wood, "seat", (0, 0, seat), facets=True)
    legs(s, corners(width - 0.12, depth - 0.12), seat, 0.1, wood, splay)
    if kind == "panel":
        soft = m.fabric((0.25, 0.07, 0.06))
        s.add(
            shapes.box((width - 0.08, depth - 0.08, 0.14), 0.06),
            soft,
            "cushion",
            (0, 0, seat + 0.1),
        )
    if not splay:
        for x in (-1, 1):
            bar = shapes.box((0.05, depth - 0.15, 0.07), 0.01)
            s.add(bar, wood, f"bar {x}", (x * (width / 2 - 0.06), 0, seat * 0.4))
    chair_back(s, kind, width, depth / 2 - 0.07, seat, wood)


def table(s: Subject) -> None:
    """A table on four legs, a column or trestles."""
    kind = s.cycle(["four", "round", "low", "trestle", "desk", "column", "desk", "round"])
    tones = [BROWNS[1], BROWNS[0], BROWNS[3], BROWNS[2], (0.7, 0.7, 0.67), BROWNS[0]]
    color = s.cycle([*tones, BROWNS[2], (0.06, 0.22, 0.2)])
    wood = m.wood(color, "x")
    high = {"low": 0.85, "desk": 1.35}.get(kind, 1.45)
    sizes = {"low": (2.0, 1.1), "desk": (2.0, 1.0), "trestle": (2.7, 1.1)}
    width, depth = sizes.get(kind, (2.3, 1.4))
    if kind in ("round", "column"):
        radius = 1.1 if kind == "round" else 0.85
        top = shapes.slab(shapes.circle(radius, 72)[:-1, :2], 0.09, 0.03)
    else:
        top = shapes.box((width, depth, 0.1), 0.02)
    s.add(top, wood, "top", (0, 0, high), facets=True)
    if kind == "column":
        stem = [(0.55, 0), (0.5, 0.06), (0.1, 0.16), (0.07, 0.5), (0.14, 0.8), (0.08, 1.1)]
        s.add(shapes.lathe(spline([*stem, (0.2, high - 0.05)], 50)), wood, "column")
    elif kind == "trestle":
        trestles(s, high, wood)
    else:
        thick = s.cycle([0.14, 0.1, 0.12, 0.1, 0.09])
        spots = corners(width - 0.2, depth - 0.2) if kind != "round" else corners(1.1, 1.1)
        legs(s, spots, high, thick, wood, 0.18 if kind == "round" else 0)
    if kind in ("four", "low", "desk"):
        under_top(s, kind, (width, depth, high), wood)


def trestles(s: Subject, high: float, wood: Any) -> None:
    """Two crossed pairs of beams and a brace between them."""
    for x in (-0.9, 0.9):
        for side in (-1, 1):
            beam = shapes.box((0.11, 0.11, high * 1.09), 0.015)
            spot = (x, 0.04 * side, high / 2 - 0.03)
            s.add(beam, wood, f"beam {x} {side}", spot, (side * 24, 0, 0))
    s.add(shapes.box((1.8, 0.08, 0.14), 0.01), wood, "brace", (0, 0, high * 0.45))


def under_top(s: Subject, kind: str, size: tuple[float, float, float], wood: Any) -> None:
    """An apron, a shelf, or an apron with two drawers, for a table of (x, y, z) size."""
    width, depth, high = size
    inset, thick, z = {
        "four": (0.2, 0.2, high - 0.13),
        "low": (0.3, 0.05, 0.25),
        "desk": (0.12, 0.3, high - 0.18),
    }[kind]
    board = shapes.box((width - inset, depth - inset, thick), 0.01)
    s.add(board, wood, "apron", (0, 0, z), facets=True)
    for x in (-0.48, 0.48) if kind == "desk" else ():
        front = shapes.box((0.85, 0.03, 0.22), 0.01)
        s.add(front, wood, f"drawer {x}", (x, -depth / 2 + 0.05, high - 0.19))
        s.add(shapes.ball(0.04), m.metal(), "", (x, -depth / 2 + 0.01, high - 0.19))


CLASSES = {
    "chair": (chair, Shot(ROOMS, azimuth=(-50, 50), elevation=(10, 26))),
    "table": (table, Shot((*ROOMS, "paper", "pavement"), azimuth=(-40, 40), elevation=(16, 30))),
}
