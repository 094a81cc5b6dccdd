"""Bicycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rendering import materials as m
from rendering import shapes
from rendering.shapes import Points, spline
from rendering.subject import Shot, Subject


@dataclass(frozen=True)
class Bike:
    """One make of bicycle; heights are above the hubs, x is forwards."""

    frame: str  # "diamond", "step" or "cruiser"
    bars: str  # "flat", "drop" or "swept"
    color: m.RGB
    radius: float = 0.68
    tyre: float = 0.045
    base: float = 2.0
    extras: str = ""  # of "guards", "basket", "rack" and "lamp"
    heading: float = 0.0


BIKES = [
    Bike("diamond", "flat", (0.55, 0.02, 0.02), heading=8),
    Bike("step", "swept", (0.2, 0.5, 0.45), extras="guards basket", heading=-172),
    Bike("diamond", "drop", (0.04, 0.15, 0.5), tyre=0.028, heading=-12),
    Bike("diamond", "flat", (0.75, 0.22, 0.02), tyre=0.085, radius=0.66, heading=190),
    Bike("cruiser", "swept", (0.75, 0.5, 0.25), tyre=0.075, extras="guards", heading=14),
    Bike("diamond", "swept", (0.75, 0.55, 0.03), radius=0.55, base=1.6, tyre=0.06, heading=165),
    Bike("step", "swept", (0.45, 0.05, 0.2), extras="guards rack lamp", heading=-6),
    Bike("diamond", "drop", (0.02, 0.13, 0.06), tyre=0.035, extras="rack lamp", heading=172),
]


def at(x: float, y: float, z: float) -> Points:
    """A point or a step."""
    return np.array((x, y, z), dtype=float)


def bar(s: Subject, path: ArrayLike, radius: float, material: Any, drawn: bool = True) -> None:
    """A tube along a path; drawn as a single line."""
    p = np.asarray(path, dtype=float)
    if len(p) == 2:
        p = np.linspace(p[0], p[1], 5)
    s.add(shapes.tube(p, radius), material, "")
    if drawn:
        s.line(p)


def wheel(s: Subject, bike: Bike, x: float) -> None:
    """A tyre, a rim, spokes and a hub at x."""
    rubber, steel = m.plastic((0.025, 0.025, 0.025), 0.7), m.metal((0.7, 0.7, 0.72))
    hub = np.array((x, 0.0, bike.radius))
    ring = shapes.circle(1.0, 72)[:, [0, 2, 1]]
    tyre = hub + ring[:-1] * (bike.radius - bike.tyre)
    s.add(shapes.tube(tyre, bike.tyre, closed=True), rubber, "")
    s.line(hub + ring * bike.radius)
    inner = bike.radius - 2 * bike.tyre
    s.add(shapes.tube(hub + ring[:-1] * inner, 0.025, closed=True), steel, "")
    if bike.tyre > 0.05:
        s.line(hub + ring * (inner - 0.02))
    count = 18
    for k in range(count):
        a = 2 * np.pi * (k + 0.5) / count
        tip = hub + inner * np.array((np.cos(a), 0, np.sin(a)))
        root = hub + at(0, 0.05 * (-1) ** k, 0)
        s.add(shapes.rod(root, tip, 0.008), steel, "")
        if k % 3 == 0:
            s.line([hub, tip])
    s.add(shapes.rod(hub - (0, 0.1, 0), hub + at(0, 0.1, 0), 0.05), steel, "")


def bicycle_frame(s: Subject, bike: Bike, spots: dict[str, Points], paint: Any) -> None:
    """The tubes between the hubs, the saddle, the cranks and the head."""
    seat, crank, high, low = (spots[k] for k in ("seat", "crank", "high", "low"))
    thick = 0.045 if bike.tyre < 0.08 else 0.06
    if bike.frame == "diamond":
        bar(s, [seat, high], thick, paint)
        bar(s, [crank, low], thick * 1.1, paint)
    elif bike.frame == "step":
        for lift in (0.0, 0.28):
            dip = crank + at(0.25, 0, 0.08 + lift)
            ends = (
                crank + at(-0.08, 0, 0.25 * lift / 0.28),
                (low + high) / 2 + at(0, 0, lift - 0.14),
            )
            bar(s, spline([ends[0], dip, ends[1]], 20), thick, paint)
    else:
        middle = (seat + high) / 2
        bar(s, spline([seat, middle + at(0, 0, 0.06), high], 20), thick, paint)
        bar(s, spline([crank, (crank + low) / 2 + at(0.1, 0, -0.1), low], 20), thick, paint)
        bar(s, spline([seat - (0, 0, 0.25), middle - (0, 0, 0.3), low], 20), thick * 0.8, paint)
    bar(s, [crank, seat], thick, paint)
    for y in (-0.07, 0.07):
        hub = spots["rear"] + at(0, y, 0)
        bar(s, [crank + at(0, y / 2, 0), hub], 0.028, paint, y < 0)
        bar(s, [seat - (0, -y / 2, 0.05), hub], 0.026, paint, y < 0)
        hub = spots["front"] + at(0, y, 0)
        fork = [low + at(0, y, 0), low + (hub - low) * 0.6 + at(-0.03, y * 0.4, 0), hub]
        bar(s, spline(fork, 12), 0.03, paint, y < 0)
    bar(s, [low, high], thick * 1.2, paint)


DROP = [(0.1, 0, 0), (0.12, 0.22, 0), (0.3, 0.24, 0), (0.36, 0.24, -0.12)]
DROP += [(0.28, 0.25, -0.27), (0.1, 0.25, -0.29)]


def handlebar(s: Subject, bike: Bike, high: Points, way: Points) -> None:
    """A stem, and a flat, dropped or swept bar with grips."""
    steel, rubber = m.metal(), m.plastic((0.03, 0.03, 0.03), 0.7)
    top = high + way * {"flat": 0.14, "drop": 0.12, "swept": 0.3}[bike.bars]
    bar(s, [high, top], 0.032, steel)
    shape = {
        "flat": [(0, 0, 0), (0.02, 0.2, 0.04), (-0.08, 0.42, 0.05)],
        "drop": DROP,
        "swept": [(0, 0, 0), (0.12, 0.2, 0.08), (0.0, 0.34, 0.1), (-0.42, 0.36, 0.06)],
    }[bike.bars]
    for side in (-1, 1):
        path = top + spline(shape, 40) * (1, side, 1)
        bar(s, path, 0.028, steel)
        s.add(shapes.tube(path[-14:], 0.042), rubber, "")


def bicycle_extras(s: Subject, bike: Bike, spots: dict[str, Points], paint: Any) -> None:
    """Mudguards, a basket, a rack and a lamp, where the make has them."""
    steel = m.metal((0.6, 0.6, 0.62))
    if "guards" in bike.extras:
        for name, span in (("rear", (15, 170)), ("front", (35, 160))):
            a = np.radians(np.linspace(*span, 30))
            ring = np.stack([np.cos(a), 0 * a, np.sin(a)], 1) * (bike.radius + 0.06)
            s.add(shapes.tube(spots[name] + ring, 0.05, flat=0.5), paint, "")
            s.line(spots[name] + ring)
    if "basket" in bike.extras:
        wicker = m.mottled((0.4, 0.24, 0.1), (0.12, 0.06, 0.02), 14.0, 0.8, 0.8)
        crate = shapes.box((0.5, 0.55, 0.4), 0.04)
        s.add(crate, wicker, "basket", spots["high"] + at(0.36, 0, 0.14))
    if "rack" in bike.extras:
        back, seat = spots["rear"] + at(-0.35, 0, bike.radius + 0.14), spots["seat"]
        front = np.array((seat[0] - 0.08, 0, back[2]))
        for y in (-0.1, 0.1):
            bar(s, [front + at(0, y, 0), back + at(0, y, 0)], 0.022, steel, y < 0)
        for x in (0.15, 0.45):
            bar(s, [back + at(x, 0, 0), spots["rear"] + at(0, -0.1, 0)], 0.018, steel)
    if "lamp" in bike.extras:
        lamp = shapes.lathe([(0, -0.1), (0.06, -0.1), (0.11, 0.08), (0, 0.1)])
        s.add(lamp, steel, "lamp", spots["high"] + at(0.17, 0, -0.05), (0, 90, 0))


def bicycle(s: Subject) -> None:
    """A touring, city, racing, mountain, cruiser or child's bicycle, seen from its side."""
    bike = s.cycle(BIKES)
    paint = m.plastic(bike.color, 0.2)
    half, r = bike.base / 2, bike.radius
    tall = 0.88 if bike.tyre < 0.08 else 0.72
    spots = {
        "rear": np.array((-half, 0, r)),
        "front": np.array((half, 0, r)),
        "crank": np.array((-0.13, 0, r - 0.08)),
        "seat": np.array((-0.42, 0, r + tall)),
        "high": np.array((half - 0.4, 0, r + 0.98)),
        "low": np.array((half - 0.31, 0, r + 0.7)),
    }
    for x in (-half, half):
        wheel(s, bike, x)
    bicycle_frame(s, bike, spots, paint)
    way = spots["high"] - spots["low"]
    handlebar(s, bike, spots["high"], way / np.linalg.norm(way))
    bicycle_extras(s, bike, spots, paint)
    steel, dark = m.metal(), m.plastic((0.04, 0.025, 0.015), 0.6)
    post = (spots["seat"] - spots["crank"]) / np.linalg.norm(spots["seat"] - spots["crank"])
    top = spots["seat"] + post * (0.2 if bike.frame == "diamond" else 0.3)
    bar(s, [spots["seat"], top], 0.03, steel)
    side = [(-0.3, 0.12), (-0.2, 0.16), (0.0, 0.09), (0.3, 0.035), (0.34, 0.0)]
    edge = spline(side, 30)
    outline = np.concatenate([edge, edge[::-1] * (1, -1)])
    leather = m.plastic((0.2, 0.08, 0.03), 0.5) if s.number in (2, 5, 7) else dark
    s.add(shapes.slab(outline, 0.1, 0.04), leather, "saddle", top + at(0.02, 0, 0.05))
    ring = spots["crank"] + at(0, -0.1, 0)
    s.add(shapes.slab(shapes.circle(0.17, 36)[:-1, :2], 0.02, 0), steel, "ring", ring, (90, 0, 0))
    for sign, y in ((1, -0.16), (-1, 0.16)):
        a = np.radians(s.cycle([-35, 20, 0, -60]))
        foot = spots["crank"] + (sign * 0.3 * np.cos(a), y, sign * 0.3 * np.sin(a))
        bar(s, [spots["crank"] + at(0, y, 0), foot], 0.022, steel, y < 0)
        s.add(shapes.box((0.2, 0.16, 0.05), 0.01), dark, "pedal", foot + at(0, y * 0.5, 0))
    for z in (-0.16, 0.16):
        chain = [ring + at(0, 0, z), spots["rear"] + at(0, -0.1, z * 0.4)]
        bar(s, chain, 0.012, dark, False)
    s.move(turn=(0, 0, bike.heading))


CLASSES = {
    "bicycle": (
        bicycle,
        Shot(
            ("pavement", "lawn", "room", "soil", "pavement", "paper", "sand", "room"),
            azimuth=(-14, 14),
            elevation=(4, 14),
            fill=(0.76, 0.86),
        ),
    ),
}
