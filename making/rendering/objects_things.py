"""An umbrella, hats, guitars and hammers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rendering import materials as m
from rendering import shapes
from rendering.shapes import spline
from rendering.subject import Shot, Subject

TABLES = ("tabletop", "marble", "paper", "tabletop", "cloth", "tabletop")
BROWNS = m.BROWNS


def canopy(s: Subject, radius: float, rise: float, panels: int) -> None:
    """Umbrella panels between ribs, with scalloped lower edges."""
    hue, second = s.cycle([0.0, 0.6, 0.13, 0.8, 0.35, 0.95, 0.07, 0.0]), s.uniform(0, 1)
    base = m.hsv(hue, 0.85, 0.5)
    other = s.cycle([base, (0.75, 0.73, 0.7), m.hsv(second, 0.7, 0.5)])
    cloths = [m.Surface(c, 0.6, Sheen_Weight=0.2).material for c in (base, other)]
    t = np.linspace(0, 1, 16)
    for i in range(panels):
        a = np.linspace(i, i + 1, 9) * 2 * np.pi / panels
        sag = np.sin(np.linspace(0, np.pi, 9))
        r = radius * np.sin(t * 1.5)[:, None] / np.sin(1.5) * (1 - 0.05 * sag * t[:, None])
        z = rise * (np.cos(t * 1.5)[:, None] + 0.1 * sag * t[:, None] ** 2)
        grid = np.stack([r * np.cos(a), r * np.sin(a), z + 0 * r], -1)
        s.add(shapes.sheet(grid), cloths[i % 2], f"panel {i}")


def umbrella(s: Subject) -> None:
    """An open umbrella, standing in the air or put down on its rim."""
    radius, rise = s.cycle([1.2, 1.15, 1.3, 1.05, 1.25, 1.1]), s.cycle([0.6, 0.85, 0.45, 0.7])
    canopy(s, radius, rise, s.cycle([8, 8, 10]))
    steel, grip = m.metal(), m.wood(BROWNS[s.number % 4])
    long = s.cycle([1.5, 1.7, 1.4])
    s.add(shapes.rod((0, 0, rise + 0.22), (0, 0, -long + 0.2), 0.032), steel, "")
    s.line([(0, 0, rise), (0, 0, rise + 0.22)])
    s.line([(0, 0, rise - 0.1), (0, 0, -long + 0.45)])
    if s.number in (3, 8):
        s.add(shapes.rod((0, 0, 0), (0, 0, -2.0), 0.045), grip, "")
        s.line([(0, 0, 0), (0, 0, -2.0)])
    else:
        bend = [(0, -long + 0.45), (0, -long), (0.03, -long - 0.15), (0.17, -long - 0.27)]
        hook = spline([*bend, (0.31, -long - 0.15), (0.33, -long)], 36)
        s.add(shapes.tube(np.insert(hook, 1, 0, axis=1), 0.055), grip, "grip")
    tilts = [(8, 12, 30), (-12, -18, 10), (0, 0, 5), (-100, 0, -40), (10, 24, 0), (-112, 0, 60)]
    s.move(turn=s.cycle([*tilts, (-104, 0, 38), (-6, 12, 0)]))


@dataclass(frozen=True)
class HatStyle:
    """Crown height, brim radius, how far the brim's edge is raised, and the felt's colour."""

    tall: float
    brim: float
    droop: float
    color: m.RGB


HATS = {
    "top": HatStyle(1.25, 1.2, 0.1, (0.02, 0.02, 0.025)),
    "fedora": HatStyle(0.8, 1.35, 0.0, (0.2, 0.13, 0.08)),
    "sun": HatStyle(0.62, 1.9, -0.28, (0.7, 0.5, 0.25)),
    "cowboy": HatStyle(0.9, 1.75, 0.0, (0.33, 0.16, 0.06)),
    "bowler": HatStyle(0.78, 1.12, 0.12, (0.05, 0.05, 0.06)),
    "boater": HatStyle(0.5, 1.4, 0.0, (0.72, 0.58, 0.3)),
    "witch": HatStyle(2.0, 1.5, -0.05, (0.07, 0.02, 0.12)),
    "panama": HatStyle(0.85, 1.5, 0.0, (0.72, 0.66, 0.52)),
}
BANDS = [(0.25, 0.02, 0.02), (0.02, 0.02, 0.02), (0.3, 0.05, 0.1), (0.05, 0.02, 0.01)]
BANDS += [*BANDS[:2], (0.7, 0.35, 0.02), (0.02, 0.03, 0.1)]


def hat(s: Subject) -> None:
    """A hat: crown, brim and band; the brim may curl and the crown be pinched."""
    kind = s.cycle(list(HATS))
    style = HATS[kind]
    tall, brim, droop = style.tall, style.brim, style.droop
    felt = m.fabric(style.color, 25 if kind in ("sun", "boater") else 90)
    waist = 0.88 if kind == "top" else 1.0
    crown = [(0.82, 0), (0.8, tall * 0.4), (0.68, tall * 0.8), (0.4, tall * 0.98), (0, tall)]
    if kind in ("top", "boater"):
        edge = (0.8, tall * 0.97)
        crown = [(0.82, 0), (0.8 * waist, tall * 0.5), edge, edge, (0.74, tall), (0, tall)]
    elif kind == "witch":
        waist = 0.85
        crown = [(0.82, 0), (0.62, tall * 0.25), (0.34, tall * 0.6), (0.1, tall * 0.96), (0, tall)]
    s.add(shape_hat(shapes.lathe(spline(crown, 40)), kind, tall), felt, "crown")
    under = [(0.81, 0.02), ((0.81 + brim) / 2, droop * 0.3), (brim, droop)]
    rim = spline([*under, (brim, droop + 0.04), (0.81, 0.06)], 30)
    s.add(shape_hat(shapes.lathe(rim), kind, tall), felt, "brim")
    strip = [(0.835, 0.04), (0.835 * (waist + 1) / 2, 0.24 if kind != "cowboy" else 0.16)]
    band = m.fabric(s.cycle(BANDS))
    s.add(shape_hat(shapes.lathe(strip), kind, tall), band, "band")
    s.move(turn=(0, 0, s.cycle([10, 35, 0, 12, 20, -20, 15, -30])))


def shape_hat(part: Any, kind: str, tall: float) -> Any:
    """Make a turned hat part oval, curl its brim and pinch its crown."""
    for vertex in part.data.vertices:
        x, y, z = vertex.co
        r = float(np.hypot(x, y))
        if kind in ("fedora", "cowboy", "panama"):
            out = max(0.0, r - 0.82)
            curl = {"fedora": 0.25, "cowboy": 0.75, "panama": 0.45}[kind]
            z += curl * out * (x / (r + 1e-6)) ** 2 - 0.12 * out * (y / (r + 1e-6)) ** 2
            if z > 0.5 * tall and r < 0.82:
                z -= 0.3 * np.exp(-((x / 0.2) ** 2)) * (z - 0.5 * tall) * (1.2 if y < 0 else 0.8)
                x *= 1 - 0.25 * (y < 0) * (z / tall)
        vertex.co = (x * 0.9, y * 1.08, z)
    return part


# Half the outline of an acoustic guitar's body: (x outwards, y from the tail up).
ACOUSTIC = [(0, 0), (0.45, 0.03), (0.78, 0.35), (0.74, 0.75)]
ACOUSTIC += [(0.5, 1.08), (0.58, 1.45), (0.42, 1.75), (0, 1.82)]
# The whole outline of a horned electric guitar's body.
ELECTRIC = [(0, 0.02), (0.5, 0.05), (0.66, 0.4), (0.46, 0.85), (0.5, 1.2), (0.6, 1.55)]
ELECTRIC += [(0.42, 1.5), (0.15, 1.25), (-0.15, 1.25), (-0.45, 1.62), (-0.66, 1.75)]
ELECTRIC += [(-0.56, 1.3), (-0.48, 0.9), (-0.68, 0.45), (-0.5, 0.08)]
TIMBERS = [(0.6, 0.34, 0.12), (0.35, 0.12, 0.04), BROWNS[2], (0.62, 0.42, 0.2)]
TIMBERS += [*TIMBERS[:3], (0.14, 0.02, 0.012)]


GUITAR_TURNS = [(78, 0, 8), (76, 0, -12), (0, 0, 40), (80, 12, 0), (78, 0, 14), (0, 0, -60)]
GUITAR_TURNS += [(79, -16, -6), (76, 22, 16)]


def guitar(s: Subject) -> None:
    """An acoustic or electric guitar, leaning on a wall or lying on the floor."""
    plugged = s.number in (3, 5, 7)
    if plugged:
        outline, deep = spline(ELECTRIC, 110, closed=True), 0.2
        hue = s.cycle([0.0, 0.0, 0.0, 0, 0.55, 0, 0.12])
        paint = m.plastic(m.hsv(hue, 0.85, 0.4 if s.number != 7 else 0.75), 0.15)
    else:
        half = spline(np.array(ACOUSTIC) * (s.uniform(0.9, 1.08), 1), 40)
        outline, deep = np.concatenate([half, (half * (-1, 1))[::-1][1:-1]]), 0.4
        paint = m.wood(s.cycle(TIMBERS), "y", 4, 0.2)
    s.add(shapes.slab(outline, deep, 0.03), paint, "body", facets=True)
    front, dark = deep / 2, m.wood((0.06, 0.03, 0.02), "y")
    start = 1.15 if plugged else 1.28
    neck = shapes.box((0.2, 3.25 - start, 0.1), 0.02)
    s.add(neck, dark, "neck", (0, (start + 3.25) / 2, front + 0.04))
    if plugged:
        for y in (0.6, 0.85):
            pickup = shapes.box((0.4, 0.13, 0.06), 0.02)
            s.add(pickup, m.plastic((0.02, 0.02, 0.02)), f"pickup {y}", (0, y, front + 0.02))
    else:
        hole = shapes.slab(shapes.circle(0.27, 40)[:-1, :2], 0.02, 0)
        s.add(hole, m.plastic((0.01, 0.01, 0.01)), "hole", (0, 1.17, front + 0.004))
        ring = shapes.tube(shapes.circle(0.3)[:-1], 0.025, closed=True)
        s.add(ring, dark, "", (0, 1.17, front))
    s.add(shapes.box((0.5, 0.1, 0.08), 0.02), dark, "bridge", (0, 0.38, front + 0.03))
    guitar_head(s, plugged, front)
    s.move(turn=s.cycle(GUITAR_TURNS))


def guitar_head(s: Subject, plugged: bool, front: float) -> None:
    """The head with its pegs, and the strings down to the bridge."""
    head = [(-0.1, 0), (-0.17, 0.15), (-0.15, 0.6), (0.15, 0.6), (0.17, 0.15), (0.1, 0)]
    if plugged:
        head = [(-0.1, 0), (-0.2, 0.15), (-0.18, 0.7), (0.05, 0.72), (0.14, 0.1), (0.1, 0)]
    s.add(shapes.slab(head, 0.08, 0.02), m.wood(BROWNS[0], "y"), "head", (0, 3.25, front + 0.02))
    steel = m.metal((0.8, 0.78, 0.7))
    for x in np.linspace(-0.075, 0.075, 6):
        string = shapes.rod((x, 0.38, front + 0.1), (x, 3.3, front + 0.11), 0.006)
        s.add(string, steel, "")
    for i in range(6):
        side = -1 if plugged else (-1) ** i
        y = 3.37 + (0.1 * i if plugged else 0.17 * (i // 2))
        s.add(shapes.ball((0.08, 0.04, 0.04)), steel, f"peg {i}", (side * 0.24, y, front))


def hammer(s: Subject) -> None:
    """A claw hammer, ball-peen hammer, sledge, club hammer, or mallet of wood or rubber."""
    kind = s.cycle(["claw", "ball", "sledge", "mallet", "claw", "club", "rubber", "claw"])
    long = {"ball": 2.2, "sledge": 3.2, "mallet": 2.4, "club": 1.7}.get(kind, 2.3)
    steel = m.metal((0.45, 0.45, 0.47), 0.3)
    t = np.linspace(0, 1, 30)
    path = np.stack([0 * t, 0 * t, long * t], 1)
    if s.number in (5, 8):
        s.add(shapes.tube(path, 0.07), steel, "handle")
        rubber = m.plastic((0.5, 0.03, 0.02) if s.number == 5 else (0.02, 0.12, 0.35), 0.5)
        s.add(shapes.tube(path[:14], 0.12, flat=0.7), rubber, "grip")
    else:
        swell = np.interp(t, [0, 0.04, 0.15, 0.5, 1], [0.1, 0.14, 0.13, 0.09, 0.09])
        s.add(shapes.tube(path, swell, flat=0.75), m.wood(BROWNS[(s.number + 2) % 4]), "handle")
    if kind == "mallet":
        block, wood = shapes.box((1.0, 0.5, 0.55), 0.05), m.wood(BROWNS[1], "x")
        s.add(block, wood, "head", (0, 0, long - 0.1), facets=True)
    elif kind == "rubber":
        side = [(0, -0.6), (0.33, -0.6), (0.38, -0.54), (0.36, 0), (0.38, 0.54), (0.33, 0.6)]
        black = m.plastic((0.02, 0.02, 0.02), 0.6)
        head = shapes.lathe([*side, (0, 0.6)])
        s.add(head, black, "head", (0, 0, long - 0.05), (0, 90, 0))
    elif kind in ("sledge", "club"):
        head = shapes.slab(shapes.circle(0.3, 8)[:-1, :2], 1.15, 0.05)
        s.add(head, steel, "head", (0, 0, long - 0.05), (0, 90, 0))
    else:
        hammer_head(s, kind, long, steel)
    turn = s.cycle([40, -35, 50, 30, 140, -45, 55, 215])
    s.move(turn=(78 if kind == "sledge" else 90, 0, turn))


def hammer_head(s: Subject, kind: str, z: float, steel: Any) -> None:
    """A striking face with a ball or a claw behind it, at height z."""
    face = [(0, -0.62), (0.2, -0.62), (0.22, -0.58), (0.22, -0.45), (0.13, -0.35), (0.15, 0)]
    s.add(shapes.lathe([*face, (0.13, 0.15)]), steel, "head", (0, 0, z), (0, 90, 0))
    s.add(shapes.box((0.36, 0.3, 0.34), 0.05), steel, "head", (0, 0, z))
    if kind == "ball":
        s.add(shapes.ball(0.2), steel, "head", (0.42, 0, z))
        s.add(shapes.rod((0.1, 0, z), (0.4, 0, z), 0.12), steel, "head")
        return
    bend = [(0.1, 0.05, 0.05), (0.42, 0.07, 0.02), (0.7, 0.1, -0.12), (0.88, 0.14, -0.34)]
    for side in (-1, 1):
        claw = spline(bend, 24) * (1, side, 1) + (0, 0, z)
        s.add(shapes.tube(claw, np.linspace(0.13, 0.035, 24), flat=0.75), steel, f"claw {side}")


UNDER = ("air", "air", "sand", "lawn", "air", "room", "pavement", "lawn")

CLASSES = {
    "umbrella": (umbrella, Shot(UNDER, elevation=(-2, 14))),
    "hat": (hat, Shot(TABLES, azimuth=(-25, 25), elevation=(10, 26))),
    "guitar": (guitar, Shot(("room", "paper", "room"), azimuth=(-20, 20), elevation=(14, 40))),
    "hammer": (hammer, Shot(TABLES, azimuth=(-15, 15), elevation=(38, 60))),
}
