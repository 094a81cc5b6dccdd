"""Pineapples."""

from __future__ import annotations

from typing import Any

import numpy as np

from rendering import materials as m
from rendering import shapes
from rendering.shapes import spline
from rendering.subject import Shot, Subject


def pineapple_at(s: Subject, tall: float, wide: float, skin: Any, green: Any, tag: str) -> None:
    """One pineapple standing on the ground: a body of diamonds and a crown of leaves."""
    count, waves = s.cycle([8, 7, 8, 9, 7]), tall * 3.4
    a, t = np.linspace(0, 2 * np.pi, 241), np.linspace(0, 1, 140)[:, None]
    side = spline(
        [(0.0, 0), (0.6, 0.0), (0.92, 0.2), (1, 0.5), (0.82, 0.85), (0.4, 1.0), (0, 1)], 140
    )
    r, z = side[:, :1] * wide, side[:, 1:] * tall
    first, second = (
        np.abs(np.sin((count * a + way * waves * np.pi * z / 2) / 2)) for way in (-1, 1)
    )
    bump = np.minimum(first, second) ** 0.6 * np.clip(np.sin(np.pi * t), 0, 1) ** 0.3
    out = r * (1 + 0.13 * bump / wide)
    grid = np.stack([out * np.cos(a), out * np.sin(a), z + 0 * a], -1)
    s.add(shapes.sheet(grid, closed=True), skin, f"fruit{tag}")
    up = np.linspace(0.06, 0.94, 60)
    for k in range(count):
        for way in (-1, 1):
            rise = up * tall
            turn = (2 * np.pi * k - way * waves * np.pi * rise / 2) / count
            reach = np.interp(rise, side[:, 1] * tall, side[:, 0] * wide) + 0.03
            s.line(np.stack([reach * np.cos(turn), reach * np.sin(turn), rise], 1))
    leaves(s, tall, wide, green, tag)


def leaves(s: Subject, tall: float, wide: float, green: Any, tag: str) -> None:
    """A crown of pointed leaves, the outer ones bent outwards."""
    total = 26
    for k in range(total):
        f = k / total  # 0 outside, 1 in the middle
        length = (0.75 + 0.65 * f) * s.cycle([1.0, 0.85, 1.15]) * s.uniform(0.9, 1.1)
        rise = 38 + 48 * f + s.uniform(-5, 5)
        a = k * 137.5 + s.uniform(-10, 10)
        blade = shapes.leaf(length, 0.3 * wide / 0.7, 0.35 * (1 - f) - 0.05)
        spot = 0.2 * wide * (1 - f) * np.array((np.cos(np.radians(a)), np.sin(np.radians(a)), 0))
        tag_leaf = f"leaf {k}{tag}"
        s.add(blade, green, tag_leaf, np.add(spot, (0, 0, tall * 0.97)), (0, -rise, a))


PINEAPPLE_GROUNDS = ("tabletop", "marble", "sand", "paper", "cloth", "lawn", "marble", "tabletop")


def pineapple(s: Subject) -> None:
    """A pineapple that stands, lies on its side, or two of them."""
    tall, wide = s.cycle([(1.7, 0.68), (1.45, 0.72), (1.9, 0.66), (1.55, 0.7), (1.3, 0.66)])
    light = s.cycle([(0.6, 0.33, 0.04), (0.45, 0.3, 0.06), (0.7, 0.36, 0.05), (0.55, 0.2, 0.04)])
    dark = s.cycle([(0.22, 0.1, 0.02), (0.08, 0.12, 0.02), (0.25, 0.14, 0.02)])
    skin = m.mottled(light, dark, 4.0, 0.45, 0.3)
    blade = m.mottled(s.cycle([(0.1, 0.3, 0.06), (0.2, 0.35, 0.12)]), (0.03, 0.13, 0.03), 2.5, 0.5)
    if s.number == 4:
        pineapple_at(s, 1.3, 0.58, skin, blade, " two")
        s.move((1.45, 0.9, 0))
    pineapple_at(s, tall, wide, skin, blade, "")
    if s.number in (2, 7):
        s.move(turn=(0, 82, 0))
        s.move(turn=(0, 0, s.cycle([0, -14, 0, 0, 0, 0, 194])))
    else:
        s.move(turn=(0, s.uniform(-4, 4), s.uniform(0, 90) if s.number != 4 else 0))


CLASSES = {
    "pineapple": (pineapple, Shot(PINEAPPLE_GROUNDS, azimuth=(-20, 20), elevation=(6, 18))),
}
