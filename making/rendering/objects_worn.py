"""Eyeglasses and crowns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rendering import materials as m
from rendering import shapes
from rendering.shapes import Points, spline
from rendering.subject import Shot, Subject

GLASSES_TABLES = ("tabletop", "paper", "marble", "tabletop", "cloth", "paper", "marble", "tabletop")
CROWN_TABLES = ("tabletop", "cloth", "tabletop", "paper", "marble", "snow", "paper", "marble")

# Outlines of a right lens: x points to the temple, z up.
CAT = [
    (-0.5, 0.02),
    (-0.42, 0.3),
    (0.1, 0.32),
    (0.66, 0.5),
    (0.6, 0.1),
    (0.3, -0.34),
    (-0.25, -0.34),
]
AVIATOR = [(-0.46, 0.22), (-0.28, 0.38), (0.2, 0.4), (0.5, 0.28), (0.54, -0.1), (0.34, -0.46)]
AVIATOR += [(0.02, -0.52), (-0.3, -0.3)]


def superellipse(width: float, height: float, power: float) -> Points:
    """A rounded rectangle (power < 1) or ellipse (power 1), (k, 2)."""
    p = shapes.circle(1.0, 64)[:-1, :2]
    rounded: Points = np.sign(p) * np.abs(p) ** power * (width, height)
    return rounded


@dataclass(frozen=True)
class Frame:
    """One pair of eyeglasses: lens outline, rim thickness, colours."""

    lens: Points
    thick: float
    color: m.RGB | None  # None is gold or steel wire
    tint: m.RGB = (0.9, 0.95, 0.97)
    yaw: float = 0.0
    bridges: int = 1


FRAMES = [
    Frame(superellipse(0.5, 0.5, 1.0), 0.028, None, yaw=12),
    Frame(superellipse(0.56, 0.38, 0.45), 0.062, (0.015, 0.015, 0.018), yaw=-14),
    Frame(spline(CAT, 64, closed=True), 0.06, (0.45, 0.02, 0.05), yaw=10),
    Frame(spline(AVIATOR, 64, closed=True), 0.026, None, (0.62, 0.5, 0.38), -8, 2),
    Frame(superellipse(0.52, 0.48, 0.85), 0.07, (0.03, 0.12, 0.4), yaw=20),
    Frame(superellipse(0.5, 0.33, 1.0), 0.026, None, yaw=-18),
    Frame(superellipse(0.53, 0.46, 0.5), 0.075, (0.3, 0.14, 0.05), yaw=16),
    Frame(superellipse(0.51, 0.47, 1.0), 0.06, (0.05, 0.3, 0.14), yaw=-22),
]


def frame_material(s: Subject, frame: Frame) -> Any:
    """Wire, plastic or tortoiseshell."""
    if frame.color is None:
        return m.metal(s.cycle([(0.8, 0.55, 0.2), (0.75, 0.75, 0.77), (0.7, 0.7, 0.72)]), 0.15)
    if s.number == 7:
        return m.mottled((0.5, 0.22, 0.05), (0.05, 0.02, 0.01), 5.0, 0.12, 0.0)
    return m.plastic(frame.color, 0.12)


def temples(s: Subject, frame: Frame, hinge: Points, stuff: Any) -> None:
    """The two arms that run back to the ears."""
    wire = frame.thick < 0.04
    for side in (-1, 1):
        x, z = hinge * (side, 1)
        bend = [(x, 0, z), (x + side * 0.07, 0.06, z), (x + side * 0.08, 0.3, z)]
        bend += [(x + side * 0.06, 1.1, z), (x, 1.65, z - 0.03), (x - side * 0.05, 2.1, z - 0.5)]
        path = spline(bend, 50)
        item = shapes.tube(path, frame.thick * (0.8 if wire else 0.9), flat=1.0)
        s.add(item, stuff, "" if wire else f"temple {side}")
        if wire:
            s.line(path)


def eyeglasses(s: Subject) -> None:
    """A pair of glasses, open, standing on a table and seen from the front."""
    frame = s.cycle(FRAMES)
    stuff, wire = frame_material(s, frame), frame.thick < 0.04
    middle = -float(frame.lens[:, 0].min()) + 0.13
    pane = m.glass(frame.tint)
    for side in (-1, 1):
        lens = np.add(frame.lens, (middle, 0)) * (side, 1)
        ring = np.stack([lens[:, 0], 0 * lens[:, 0], lens[:, 1]], 1)
        item = shapes.tube(ring, frame.thick, closed=True)
        s.add(item, stuff, "" if wire else "frame")
        glass = shapes.slab(lens[::side], 0.02, 0)
        s.add(glass, pane, f"lens {side}", turn=(90, 0, 0), clear=True)
    for k in range(frame.bridges):
        z = 0.06 + 0.29 * k
        half = 0.13 + 0.03 * k
        arch = [(-half, 0, z), (0, -0.02, z + 0.09 * (1 - k)), (half, 0, z)]
        path = spline(arch, 16)
        s.add(shapes.tube(path, frame.thick), stuff, "" if wire else "frame")
        if wire:
            s.line(path)
    outer = int(np.argmax(frame.lens[:, 0] + 0.3 * frame.lens[:, 1]))
    hinge = frame.lens[outer] * (1, 0.9) + (middle, 0)
    temples(s, frame, hinge, stuff)
    low = float(frame.lens[:, 1].min()) - frame.thick
    lean = np.degrees(np.arctan2(hinge[1] - 0.5 - low, 2.1))
    s.move(turn=(-lean, 0, 0))
    s.move(turn=(0, 0, frame.yaw))


@dataclass(frozen=True)
class Crown:
    """One crown: its points' shape and count, sizes, and what it is made of."""

    kind: str  # "zigzag", "waves", "spikes" or "arches"
    points: int
    tall: float
    flare: float
    metal: m.RGB
    jewels: m.RGB
    balls: bool = True
    velvet: m.RGB | None = None


GOLD, SILVER, ROSE = (0.83, 0.55, 0.14), (0.78, 0.78, 0.8), (0.8, 0.45, 0.33)
CROWNS = [
    Crown("zigzag", 8, 0.95, 0.22, GOLD, (0.55, 0.01, 0.03)),
    Crown("zigzag", 6, 1.05, 0.1, SILVER, (0.02, 0.1, 0.55), balls=False),
    Crown("arches", 8, 0.5, 0.1, GOLD, (0.03, 0.4, 0.12), velvet=(0.3, 0.01, 0.04)),
    Crown("waves", 7, 0.85, 0.3, GOLD, (0.35, 0.05, 0.5)),
    Crown("spikes", 9, 1.3, 0.2, (0.75, 0.5, 0.16), (0.02, 0.3, 0.4)),
    Crown("zigzag", 10, 0.9, 0.32, ROSE, (0.75, 0.75, 0.8)),
    Crown("zigzag", 7, 0.9, 0.0, (0.8, 0.6, 0.03), (0.6, 0.05, 0.2), balls=False),
    Crown("arches", 8, 0.55, 0.16, SILVER, (0.05, 0.15, 0.6), velvet=(0.12, 0.03, 0.3)),
]


def crown_edge(crown: Crown, turn: Points) -> Points:
    """Height of the upper edge at each angle."""
    phase = (turn * crown.points / (2 * np.pi)) % 1.0
    saw = np.abs(2 * phase - 1)  # 1 at the points and 0 between them
    low = 0.42
    if crown.kind == "waves":
        saw = np.sin(np.pi / 2 * saw) ** 2.5
    elif crown.kind == "spikes":
        saw = saw**2.2
    rise: Points = low + (crown.tall - low) * saw
    return rise


def gem(
    s: Subject, at: Points, angle: float, size: tuple[float, float], color: Any, tag: str
) -> None:
    """An oval stone that faces outwards at an angle (radians) of the band."""
    stone = shapes.ball((size[0], 0.06, size[1]))
    s.add(stone, color, tag, at, (0, 0, np.degrees(angle) + 90))


def crown_arches(s: Subject, crown: Crown, metal: Any) -> None:
    """Two crossed arches with an orb and a cross on top."""
    for k in range(4):
        a = 2 * np.pi * (k + 0.5) / 4
        side = [(0.98, 0.4), (1.16, 0.85), (0.85, 1.3), (0.35, 1.36), (0.0, 1.25)]
        p = spline(side, 40)
        path = np.stack([p[:, 0] * np.cos(a), p[:, 0] * np.sin(a), p[:, 1]], 1)
        s.add(shapes.tube(path, 0.075), metal, f"arch {k}")
        for i in range(4, 38, 5):
            s.add(shapes.ball(0.05), m.ceramic((0.8, 0.78, 0.72)), "", path[i] * 1.06)
    s.add(shapes.ball(0.14), metal, "orb", (0, 0, 1.4))
    for size, z in (((0.08, 0.07, 0.36), 1.66), ((0.07, 0.26, 0.08), 1.7)):
        s.add(shapes.box(size, 0.01), metal, "cross", (0, 0, z))


def crown_wall(s: Subject, look: Crown, metal: Any) -> None:
    """The band, outside and inside, up to the points."""
    turn = np.linspace(0, 2 * np.pi, look.points * 40 + 1)
    edge = crown_edge(look, turn)
    f = np.linspace(0, 1, 12)[:, None]
    for scale, tag in ((1.0, "wall"), (0.965, "inside")):
        z = f * (edge - (1 - scale) * 0.3)
        r = scale * (1 + look.flare * z)
        grid = np.stack([r * np.cos(turn), r * np.sin(turn), z], -1)
        s.add(shapes.sheet(grid, 0.0, closed=True), metal, tag)


def crown_jewels(s: Subject, look: Crown, metal: Any) -> None:
    """Stones around the band and a ball on each point."""
    stone = m.Surface(look.jewels, 0.06, Coat_Weight=0.6).material
    pearl = m.ceramic((0.8, 0.78, 0.72)) if look.kind != "zigzag" else metal
    for k in range(look.points):
        a = 2 * np.pi * k / look.points
        out = np.array((np.cos(a), np.sin(a), 0.0))
        size = (0.11, 0.08) if look.points < 9 else (0.08, 0.07)
        spot = out * (1.03 + look.flare * 0.19) + (0, 0, 0.19)
        gem(s, spot, a, size, stone, f"gem {k}")
        if look.balls:
            spot = out * (1 + look.flare * look.tall) + (0, 0, look.tall + 0.05)
            s.add(shapes.ball(0.095), pearl, f"ball {k}", spot)


def crown(s: Subject) -> None:
    """A royal crown: a jewelled band with points, or with arches over velvet."""
    look = s.cycle(CROWNS)
    paper = s.number == 7
    metal = m.plastic(look.metal, 0.5) if paper else m.metal(look.metal, 0.18)
    crown_wall(s, look, metal)
    for k, z in enumerate(() if paper else (0.05, 0.33)):
        ring = np.add(shapes.circle(1.01 + look.flare * z, 72)[:-1], (0, 0, z))
        s.add(shapes.tube(ring, 0.055, closed=True), metal, f"rim {k}")
    crown_jewels(s, look, metal)
    if look.velvet:
        cap = spline([(0.93, 0.1), (1.08, 0.6), (0.95, 1.05), (0.5, 1.24), (0, 1.2)], 40)
        s.add(shapes.lathe(cap), m.fabric(look.velvet, 90), "velvet")
        crown_arches(s, look, metal)
    s.move(turn=(0, 0, -90 + s.cycle([0, 10, 4, -8, 0, 5, 12, -6])))


CLASSES = {
    "eyeglasses": (
        eyeglasses,
        Shot(GLASSES_TABLES, azimuth=(-8, 8), elevation=(17, 30), fill=(0.74, 0.86)),
    ),
    "crown": (crown, Shot(CROWN_TABLES, azimuth=(-8, 8), elevation=(7, 22))),
}
