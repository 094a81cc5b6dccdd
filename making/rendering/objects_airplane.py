"""Airplanes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from mathutils import Matrix
from numpy.typing import ArrayLike

from rendering import materials as m
from rendering import shapes
from rendering.shapes import Points, spline
from rendering.subject import Shot, Subject


@dataclass(frozen=True)
class Plane:
    """One make of airplane; lengths are scene units, along x from tail to nose."""

    kind: str  # "jet" or "prop"
    size: tuple[float, float]  # length and largest radius of the fuselage
    wing: tuple[float, float, float, float]  # root chord, tip chord, half span, sweep
    level: float  # the wing's height, in radii of the fuselage
    colors: tuple[m.RGB, m.RGB]  # body and accent
    turn: tuple[float, float, float]  # roll, pitch and heading in degrees
    engines: str = ""  # "two", "four" or "props" under the wings, or "tail"
    upper: bool = False  # has a second pair of wings above


# Stands the x-y plane up as the y-z plane.
UPRIGHT = Matrix(((0, 0, 1, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1)))
WHITE, RED, CREAM = (0.78, 0.78, 0.76), (0.55, 0.03, 0.02), (0.75, 0.7, 0.6)
BLUE, YELLOW, ORANGE = (0.04, 0.12, 0.42), (0.75, 0.5, 0.03), (0.75, 0.3, 0.04)
GREY, GREEN, TEAL, PINE = (0.6, 0.62, 0.65), (0.06, 0.25, 0.1), (0.05, 0.3, 0.32), (0.5, 0.31, 0.15)
SWEPT, LONG, SMALL = (0.85, 0.3, 1.75, 0.8), (1.0, 0.3, 1.9, 0.95), (0.75, 0.25, 1.5, 0.55)
PLANES = [
    Plane("jet", (3.4, 0.27), SWEPT, -0.4, (WHITE, RED), (26, -8, 10), "two"),
    Plane("prop", (2.4, 0.27), (0.55, 0.45, 1.6, 0.05), 1.0, (YELLOW, BLUE), (-12, -6, 155)),
    Plane("jet", (3.7, 0.31), LONG, -0.5, (GREY, BLUE), (-30, 10, 162), "four"),
    Plane("prop", (2.2, 0.27), (0.55, 0.5, 1.3, 0.0), -0.7, (RED, CREAM), (0, -6, 28), upper=True),
    Plane("jet", (3.0, 0.25), SMALL, -0.6, (TEAL, WHITE), (32, -12, 22), "tail"),
    Plane("prop", (2.2, 0.3), (0.65, 0.6, 1.25, 0.05), -0.6, (PINE, RED), (0, -3, 150)),
    Plane("prop", (2.4, 0.25), (0.7, 0.4, 1.5, 0.2), -0.6, (WHITE, GREEN), (0, -4, 20)),
    Plane(
        "jet", (3.1, 0.28), (0.6, 0.35, 1.8, 0.12), 0.95, (ORANGE, WHITE), (-24, 6, 158), "props"
    ),
]

# A fuselage's radius along it, tail to nose, in units of its length and largest radius.
JET = [(0, 0.08), (0.12, 0.45), (0.3, 0.9), (0.42, 1), (0.84, 1), (0.93, 0.84), (0.98, 0.5)]
JET += [(1, 0.12)]
PROP = [(0, 0.15), (0.25, 0.5), (0.55, 0.95), (0.7, 1), (0.85, 0.95), (0.97, 0.75), (1, 0.6)]


def at(x: float, y: float, z: float) -> Points:
    """A point or a step."""
    return np.array((x, y, z), dtype=float)


def wing(s: Subject, make: ArrayLike, at: ArrayLike, rise: float, material: Any, tag: str) -> None:
    """A pair of wings with their leading root at `at`; `make` as in `Plane.wing`."""
    chord, tip, span, sweep = np.asarray(make, dtype=float)
    a = np.linspace(0, np.pi, 9)
    end = np.stack([-sweep - tip / 2 + tip / 2 * np.cos(a), span + 0.12 * np.sin(a)], 1)
    outline = np.concatenate([[(0, 0)], end, [(-chord, 0)]])
    for side in (-1, 1):
        part = shapes.slab(outline[::-side] * (1, side), 0.07, 0.025)
        s.add(part, material, f"{tag} {side}", at, (side * rise, 0, 0))


def airplane_tail(s: Subject, plane: Plane, accent: Any) -> None:
    """The fin and the tail planes."""
    back, high = -plane.size[0] / 2, plane.size[1] * 0.45
    tall, chord = plane.size[1] * (2.6 if plane.kind == "jet" else 2.3), plane.size[0] * 0.17
    lean = chord * (0.55 if plane.kind == "jet" else 0.35)
    fin = [(chord * 1.25, 0), (chord - lean, tall), (chord * 0.35 - lean, tall), (0.0, 0)]
    s.add(shapes.slab(fin, 0.06, 0.02), accent, "fin", (back, 0, high), (90, 0, 0))
    flat = (chord, chord * 0.5, plane.wing[2] * 0.36, chord * 0.6)
    root = (back + chord, 0, high + 0.02)
    if plane.engines == "tail":
        root = (back + chord - lean + 0.1, 0, high + tall)
    wing(s, flat, root, 3, accent, "tail plane")


def propeller(s: Subject, hub: Points, reach: float, angle: float, accent: Any) -> None:
    """Two blades and a spinner that points along +x."""
    a = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    blade = np.stack([0.055 * np.sin(a), reach * 0.5 * (1 - np.cos(a))], 1)
    dark = m.plastic((0.03, 0.03, 0.035), 0.3)
    for k in range(2):
        turn = (angle + 180 * k, 0, 0)
        item = shapes.slab(blade, 0.03, 0.01)
        item.data.transform(UPRIGHT)
        s.add(item, dark, f"blade {hub[1]:.1f} {k}", hub, turn)
    cone = spline([(0.11, -0.08), (0.1, 0.03), (0, 0.2)], 14)
    s.add(shapes.lathe(cone), accent, "spinner", hub, (0, 90, 0))


def jet_fittings(s: Subject, plane: Plane, root: Points, accent: Any) -> None:
    """Engines, cabin windows and the cockpit's window."""
    r, dark = plane.size[1], m.plastic((0.02, 0.025, 0.04), 0.08)
    steel = m.metal((0.6, 0.6, 0.62), 0.25)
    pod = [(0, -0.3), (0.08, -0.32), (0.13, -0.05), (0.14, 0.2), (0.11, 0.22)]
    pod += [(0.08, 0.1), (0, 0.1)]
    for k in range({"four": 2}.get(plane.engines, 1)):
        for side in (-1, 1):
            far = 0.36 + 0.3 * k
            spot = root + at(-plane.wing[3] * far, side * plane.wing[2] * far, -0.13)
            if plane.engines == "tail":
                spot = at(-plane.size[0] * 0.27, side * r * 1.35, r * 0.45)
            elif plane.engines == "props":
                spot = root + at(-0.15, side * plane.wing[2] * far, -0.06)
                propeller(s, spot + at(0.36, 0, 0), 0.4, 35, accent)
            s.add(shapes.lathe(pod), steel, f"engine {k} {side}", spot, (0, 90, 0))
    count = round(plane.size[0] * 3.2)
    for k, t in enumerate(np.linspace(0.3, 0.86, count)):
        for side in (-1, 1):
            x, z = (t - 0.5) * plane.size[0], r * 0.25
            pane = shapes.ball((0.042, 0.03, 0.055))
            s.add(pane, dark, f"window {k}", (x, side * np.sqrt(r * r - z * z), z))
    s.add(
        shapes.ball((0.12, r * 0.73, 0.06)), dark, "cockpit", (plane.size[0] * 0.435, 0, r * 0.42)
    )


def prop_fittings(s: Subject, plane: Plane, root: Points, accent: Any) -> None:
    """A propeller, a canopy, and struts to an upper wing."""
    r = plane.size[1]
    nose = np.array((plane.size[0] / 2 + 0.06, 0, 0))
    propeller(s, nose, 0.58, s.cycle([20, 65, 0, 30, 0, 50, -25]), accent)
    pane = m.plastic((0.05, 0.09, 0.13), 0.05)
    if not plane.upper:
        size = (0.42, r * 0.72, r * (0.95 if plane.level < 0 else 0.85))
        s.add(shapes.ball(size), pane, "canopy", (0.2, 0, r * 0.62))
    else:
        rim = np.add(shapes.circle(0.17)[:-1], (-0.28, 0, r * 0.92))
        s.add(shapes.tube(rim, 0.05, closed=True), m.plastic((0.1, 0.05, 0.02)), "seat")
        top = root + at(0.15, 0, 3.1 * r)
        wing(s, plane.wing, top, 2, accent, "upper")
        for y in (-0.95, -0.2, 0.2, 0.95):
            for x in (-0.1, -0.4):
                foot, head = root + at(x, y, 0.05 * abs(y)), top + at(x, y, 0.04 * abs(y))
                s.add(shapes.rod(foot, head, 0.02), accent, "")
                s.line([foot, head])
    if plane.level > 0.5:
        for side in (-1, 1):
            foot, head = at(0.1, side * r * 0.8, -r * 0.6), root + at(-0.25, side * 0.8, 0)
            s.add(shapes.rod(foot, head, 0.022), accent, "")
            s.line([foot, head])


def landing_gear(s: Subject, plane: Plane) -> None:
    """Two main wheels on legs and a small tail wheel."""
    rubber, steel = m.plastic((0.02, 0.02, 0.02), 0.7), m.metal((0.4, 0.4, 0.42))
    low = -plane.size[1] - 0.32
    for side in (-1, 1):
        hub = np.array((0.42, side * 0.38, low))
        s.add(shapes.ball((0.16, 0.06, 0.16)), rubber, f"wheel {side}", hub)
        top = at(0.35, side * plane.size[1] * 0.6, -plane.size[1] * 0.6)
        s.add(shapes.rod(top, hub, 0.03), steel, "")
        s.line([top, hub])
    s.add(shapes.ball((0.08, 0.04, 0.08)), rubber, "", (-plane.size[0] * 0.43, 0, -0.14))


def airplane(s: Subject) -> None:
    """An airliner, a business jet, a light plane, a biplane or a wooden toy."""
    plane = s.cycle(PLANES)
    paint, accent = (m.plastic(c, 0.22) for c in plane.colors)
    if s.number == 6:
        paint = m.wood(plane.colors[0], "x", 3)
    body = spline(JET if plane.kind == "jet" else PROP, 60)
    x, r = (body[:, 0] - 0.5) * plane.size[0], body[:, 1] * plane.size[1]
    rise = np.clip(0.4 - body[:, 0], 0, 1) * plane.size[1] * 1.3
    path = np.stack([x, 0 * x, rise], 1)
    s.add(shapes.tube(path, r, 32), paint, "fuselage")
    root = np.array((plane.wing[0] * 0.6 + 0.05, 0, plane.level * plane.size[1]))
    wing(s, plane.wing, root, 4 if plane.level < 0.5 else 1, paint, "wing")
    airplane_tail(s, plane, accent)
    (jet_fittings if plane.kind == "jet" else prop_fittings)(s, plane, root, accent)
    if plane.kind == "prop":
        landing_gear(s, plane)
    roll, pitch, heading = plane.turn
    s.move(turn=(roll, pitch, 0))
    s.move(turn=(0, 0, heading))


CLASSES = {
    "airplane": (
        airplane,
        Shot(
            ("air", "air", "air", "lawn", "air", "tabletop", "pavement", "air"),
            azimuth=(-12, 12),
            elevation=(2, 13),
        ),
    ),
}
