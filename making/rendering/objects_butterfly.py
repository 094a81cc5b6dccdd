"""Butterflies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rendering import materials as m
from rendering import shapes
from rendering.shapes import spline
from rendering.subject import Shot, Subject

# A right wing's outline seen from above: x outwards, y towards the head.
FORE = [(0.05, 0.28), (0.5, 0.78), (1.05, 1.12), (1.36, 1.1), (1.34, 0.85), (1.12, 0.4)]
FORE += [(0.9, 0.1), (0.45, 0.0), (0.05, 0.0)]
POINTED = [(0.05, 0.28), (0.6, 0.8), (1.2, 1.25), (1.5, 1.3), (1.35, 0.8), (1.05, 0.35)]
POINTED += [(0.85, 0.05), (0.45, 0.0), (0.05, 0.0)]
HIND = [(0.05, 0.1), (0.5, 0.06), (0.95, 0.0), (1.08, -0.35), (0.9, -0.78), (0.55, -0.92)]
HIND += [(0.22, -0.62), (0.05, -0.2)]
TAILED = [(0.05, 0.1), (0.5, 0.06), (0.92, -0.02), (0.98, -0.4), (0.8, -0.75), (0.74, -1.0)]
TAILED += [(0.78, -1.3), (0.66, -1.36), (0.55, -1.0), (0.35, -0.8), (0.05, -0.2)]


@dataclass(frozen=True)
class Wings:
    """A kind of butterfly: edge colour, inner colour, spots' colour, shape and pose."""

    edge: m.RGB
    inner: m.RGB
    spots: m.RGB | None
    fore: list[tuple[float, float]]
    hind: list[tuple[float, float]]
    raised: float  # degrees above flat
    heading: float
    eyes: bool = False  # a large spot on each wing


BLACK = (0.012, 0.01, 0.01)
BUTTERFLIES = [
    Wings(BLACK, (0.75, 0.22, 0.01), (0.8, 0.78, 0.7), FORE, HIND, 12, 15),
    Wings(BLACK, (0.02, 0.2, 0.75), None, FORE, HIND, 20, -20),
    Wings(BLACK, (0.8, 0.62, 0.08), (0.05, 0.15, 0.6), POINTED, TAILED, 10, 10),
    Wings((0.3, 0.1, 0.04), (0.55, 0.04, 0.02), None, FORE, HIND, 8, -35, True),
    Wings((0.1, 0.1, 0.1), (0.82, 0.8, 0.72), None, FORE, HIND, 25, 30),
    Wings((0.02, 0.08, 0.03), (0.15, 0.6, 0.3), None, POINTED, TAILED, 14, -12),
    Wings((0.1, 0.02, 0.15), (0.5, 0.2, 0.7), (0.85, 0.8, 0.85), FORE, HIND, 16, 40),
    Wings(BLACK, (0.75, 0.05, 0.03), (0.8, 0.78, 0.7), FORE, TAILED, 14, 18),
]


def wing_pair(s: Subject, look: Wings, size: float, side: int, tag: str) -> None:
    """A fore and a hind wing on one side (-1 or 1), with their patterns."""
    dark, light = m.plastic(look.edge, 0.6), m.mottled(look.inner, m.shade(look.inner, 0.6), 3, 0.5)
    pale = m.plastic(look.spots or (0.02, 0.02, 0.05), 0.6)
    turn = (0, -side * look.raised, 0)
    for name, points, root in (
        ("hind", look.hind, (0.1, -0.05)),
        ("fore", look.fore, (0.1, 0.12)),
    ):
        lift = (0, 0, 0.03 * size if name == "fore" else 0.0)
        outline = spline(points, 70, closed=True) * size
        inner = (outline - np.array(root) * size) * 0.8 + np.array(root) * size * 1.35
        flip, order = np.array((side, 1)), side
        item = shapes.slab((outline * flip)[::order], 0.02 * size, 0)
        s.add(item, dark, f"{name} {side}{tag}", lift, turn)
        panel = shapes.slab((inner * flip)[::order], 0.034 * size, 0)
        s.add(panel, light, f"panel {name} {side}{tag}", lift, turn)
        base = np.array(root) * size * 1.35
        for k in range(8, 64, 9):
            vein = np.array([base, inner[k] * 0.97 + base * 0.03]) * flip
            path = np.insert(vein, 2, 0.017 * size, axis=1)
            s.add(shapes.rod(path[0], path[1], 0.012 * size), dark, "", lift, turn)
        for k in range(12, 62, 5) if look.spots else ():
            spot = (outline[k] * 0.9 + inner[k] * 0.1) * flip * (0.97, 0.97)
            dot = shapes.circle(0.04 * size, 14)[:-1, :2] + spot
            s.add(shapes.slab(dot, 0.036 * size, 0), pale, "", lift, turn)
        if look.eyes:
            centre = (inner.mean(0) * 1.2 + base * -0.1) * flip
            for r, color, thick in (
                (0.2, (0.7, 0.5, 0.08), 0.04),
                (0.14, (0.03, 0.06, 0.3), 0.046),
                (0.05, (0.8, 0.8, 0.8), 0.052),
            ):
                disc = shapes.circle(r * size, 28)[:-1, :2] + centre
                label = f"eye {name} {side}{tag}" if r == 0.2 else ""
                s.add(shapes.slab(disc, thick * size, 0), m.plastic(color), label, lift, turn)


def butterfly_at(s: Subject, look: Wings, size: float, tag: str) -> None:
    """One butterfly about the origin: wings, a body and two feelers."""
    for side in (-1, 1):
        wing_pair(s, look, size, side, tag)
    fur = m.mottled(m.shade(look.edge, 1.5), m.shade(look.edge, 0.5), 20.0, 0.9, 0.5)
    t = np.linspace(0, 1, 30)
    side_view = [0.02, 0.08, 0.085, 0.06, 0.11, 0.12, 0.07, 0.09, 0.02]
    radius = np.interp(t, [0, 0.2, 0.4, 0.52, 0.62, 0.75, 0.84, 0.92, 1], side_view) * size
    path = np.stack([0 * t, -0.75 + 1.3 * t, 0 * t + 0.05], 1) * size
    s.add(shapes.tube(path, radius), fur, f"body{tag}")
    for side in (-1, 1):
        bend = [(side * 0.03, 0.5, 0.06), (side * 0.14, 0.8, 0.12), (side * 0.4, 1.12, 0.16)]
        feeler = spline(bend, 20) * size
        s.add(shapes.tube(feeler, 0.016 * size), fur, "")
        s.add(shapes.ball(0.04 * size), fur, "", feeler[-1])
        s.line(feeler)


def butterfly(s: Subject) -> None:
    """One butterfly or two above the ground, seen from above."""
    look = s.cycle(BUTTERFLIES)
    if s.number == 8:
        butterfly_at(s, BUTTERFLIES[1], 0.62, " two")
        s.move((1.75, 0.75, 0), (0, 0, -45))
    butterfly_at(s, look, 1.0, "")
    s.move(turn=(0, 0, look.heading))


CLASSES = {
    "butterfly": (
        butterfly,
        Shot(
            ("lawn", "marble", "soil", "paper", "lawn", "sand", "tabletop", "pavement"),
            azimuth=(-10, 10),
            elevation=(54, 72),
            sink=-0.35,
        ),
    ),
}
