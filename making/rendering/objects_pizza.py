"""Pizza, whole and in slices."""

from __future__ import annotations

import numpy as np

from rendering import materials as m
from rendering import shapes
from rendering.shapes import Points, spline
from rendering.subject import Shot, Subject

TABLES = ("paper", "marble", "tabletop", "cloth", "marble", "tabletop", "marble", "cloth")

CHEESE, SAUCE, DOUGH = (0.8, 0.5, 0.13), (0.5, 0.08, 0.02), (0.6, 0.36, 0.14)
SALAMI, BASIL = (0.42, 0.04, 0.02), (0.05, 0.2, 0.02)


def sector(radius: Points, turn: Points, whole: bool) -> Points:
    """The outline of a round or of a slice of it; `turn` is in radians."""
    arc = np.stack([radius * np.cos(turn), radius * np.sin(turn)], 1)
    return arc[:-1] if whole else np.concatenate([[(0.0, 0.0)], arc])


def wavy(s: Subject, turn: Points, size: float) -> Points:
    """A sum of random waves around a circle."""
    waves = [(k, s.uniform(0, 6), s.uniform(0.4, 1.0)) for k in (3, 7, 12, 19)]
    return np.asarray(size * sum(w * np.sin(k * turn + f) for k, f, w in waves))


def pizza_piece(s: Subject, kind: str, start: float, stop: float, tag: str) -> None:
    """A pizza between two angles in degrees: crust, sauce, cheese and toppings."""
    whole = stop - start == 360
    turn = np.radians(np.linspace(start, stop, max(24, int((stop - start) / 2.5))))
    bread = m.mottled(DOUGH, (0.36, 0.16, 0.04), 4.0, 0.75, 0.3)
    s.add(shapes.slab(sector(0 * turn + 1.0, turn, whole), 0.07, 0), bread, f"dough{tag}")
    red = m.plastic(SAUCE, 0.3)
    s.add(shapes.slab(sector(0.93 + 0 * turn, turn, whole), 0.03, 0), red, "", (0, 0, 0.045))
    molten = m.mottled(CHEESE, (0.62, 0.2, 0.03), 5.0, 0.35, 0.5)
    edge = sector(0.885 + wavy(s, turn, 0.012), turn, whole)
    s.add(shapes.slab(edge, 0.04, 0.01), molten, f"cheese{tag}", (0, 0, 0.07))
    ring = np.stack([np.cos(turn), np.sin(turn), 0 * turn + 0.06], 1)
    swell = 0.105 + wavy(s, turn, 0.006)
    rim = shapes.tube(ring[:-1] if whole else ring, swell[:-1] if whole else swell, closed=whole)
    s.add(rim, bread, f"crust{tag}")
    pizza_toppings(s, kind, (start, stop), tag)


def pizza_toppings(s: Subject, kind: str, span: tuple[float, float], tag: str) -> None:
    """Scatter toppings some way apart and clear of the edges of the piece."""
    whole, taken = span[1] - span[0] == 360, np.zeros((0, 2))
    apart = {"salami": 0.29, "basil": 0.27, "olive": 0.17, "supreme": 0.22}[kind]
    apart *= 1.0 if span[1] - span[0] > 90 else 0.82
    for _ in range(500):
        r, a = 0.76 * np.sqrt(s.uniform(0, 1)), s.uniform(*span)
        gap = np.radians(min(a - span[0], span[1] - a, 90))
        spot = r * np.array([np.cos(np.radians(a)), np.sin(np.radians(a))])
        near = np.linalg.norm(taken - spot, axis=1).min(initial=9.0)
        if near > apart and (whole or r * np.sin(gap) > 0.11):
            lay_topping(s, kind, len(taken), (*spot, 0.1), tag)
            taken = np.concatenate([taken, [spot]])


def lay_topping(s: Subject, kind: str, k: int, at: tuple[float, ...], tag: str) -> None:
    """One bit of sausage, olive, pepper, basil or mozzarella."""
    what = {
        "salami": ("salami", "salami"),
        "basil": ("leaf", "white"),
        "olive": ("olive", "mushroom", "pepper", "olive", "leaf"),
        "supreme": ("salami", "olive", "pepper", "mushroom"),
    }[kind]
    bit, around = what[k % len(what)], (0, 0, s.uniform(0, 360))
    name = f"bit {k}{tag}"
    if bit == "salami":
        disc = shapes.slab(shapes.circle(s.uniform(0.105, 0.125), 28)[:-1, :2], 0.03, 0.008)
        s.add(disc, m.mottled(SALAMI, (0.55, 0.12, 0.05), 9.0, 0.3, 0.1), name, at)
    elif bit == "olive":
        ring = shapes.tube(shapes.circle(0.055, 20)[:-1], 0.025, 8, closed=True)
        s.add(ring, m.plastic((0.015, 0.012, 0.015), 0.15), name, at)
    elif bit == "pepper":
        arc = shapes.circle(0.1, 40)[:22]
        green = m.plastic(s.cycle([(0.08, 0.3, 0.03), (0.6, 0.06, 0.02), (0.7, 0.4, 0.02)]), 0.2)
        s.add(shapes.tube(arc, 0.024, 8), green, name, at, around)
    elif bit == "leaf":
        s.add(shapes.leaf(0.26, 0.16, 0.15), m.plastic(BASIL, 0.4), name, at, around)
    elif bit == "white":
        blob = shapes.ball(s.rng.uniform((0.09, 0.08, 0.035), (0.14, 0.12, 0.04)))
        s.add(blob, m.plastic((0.85, 0.8, 0.68), 0.3), name, at, around)
    else:
        cap = spline([(-0.03, 0), (-0.03, 0.07), (-0.1, 0.09), (0, 0.17), (0.1, 0.09)], 24)
        half = np.concatenate([cap, [(0.03, 0.07), (0.03, 0)]])
        s.add(shapes.slab(half, 0.025, 0), m.plastic((0.62, 0.5, 0.36), 0.6), name, at, around)


def delivery_box(s: Subject) -> None:
    """A cardboard box around the pizza, its lid open behind."""
    card = m.mottled((0.5, 0.34, 0.19), (0.44, 0.29, 0.16), 3.0, 0.8, 0.05)
    s.add(shapes.box((2.5, 2.5, 0.03), 0), card, "", (0, 0, -0.06))
    for side in (-1, 1):
        s.add(shapes.box((0.03, 2.5, 0.26), 0), card, "", (side * 1.24, 0, 0.06))
        s.add(shapes.box((2.5, 0.03, 0.26), 0), card, "", (0, side * 1.24, 0.06))
    s.add(shapes.box((2.5, 0.03, 1.2), 0), card, "", (0, 1.45, 0.75), (-20, 0, 0))


def pizza(s: Subject) -> None:
    """A whole pizza, one with a slice drawn out or missing, a slice, or two slices."""
    kind = s.cycle(["salami", "salami", "supreme", "basil", "olive", "olive", "salami", "salami"])
    if s.number in (2, 5):
        pizza_piece(s, kind, 62, 118, "")
    elif s.number == 8:
        pizza_piece(s, "salami", 36, 88, "")
        s.move((0.12, 0, 0))
        pizza_piece(s, "olive", 96, 148, " two")
    elif s.number == 3:
        pizza_piece(s, kind, 270, 315, " slice")
        way = np.radians(292.5)
        s.move((0.32 * np.cos(way), 0.32 * np.sin(way), 0))
        pizza_piece(s, kind, -45, 270, "")
    else:
        pizza_piece(s, kind, *((20, 290) if s.number == 7 else (0, 360)), "")
    if s.number in (1, 4, 7):
        board = shapes.slab(shapes.circle(1.3, 90)[:-1, :2], 0.08, 0.02)
        stuff = m.ceramic((0.75, 0.74, 0.7)) if s.number == 4 else m.wood((0.4, 0.22, 0.1), "x")
        s.add(board, stuff, "", (0, 0, -0.08))
    if s.number == 6:
        delivery_box(s)


CLASSES = {
    "pizza": (pizza, Shot(TABLES, azimuth=(-15, 15), elevation=(42, 62))),
}
