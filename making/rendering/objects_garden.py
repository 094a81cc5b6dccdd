"""Strawberries and cacti."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rendering import materials as m
from rendering import shapes
from rendering.shapes import Points, spline
from rendering.subject import Shot, Subject

STRAWBERRY = [(0, -1.15), (0.22, -1.05), (0.5, -0.65), (0.76, -0.1), (0.84, 0.3)]
STRAWBERRY += [(0.72, 0.6), (0.45, 0.74), (0.2, 0.74), (0, 0.7)]


def berry_body(s: Subject, side: Points, cut: bool, tag: str) -> None:
    """The flesh of a strawberry with the given side, or of one cut in half."""

    def bend(p: Points) -> Points:
        """Replace a sphere's profile by a strawberry's; a cut one is flat towards -y."""
        around = np.arctan2(p[:, 1], p[:, 0])
        t = np.arcsin(np.clip(p[:, 2], -1, 1)) / np.pi + 0.5
        r, z = (np.interp(t, np.linspace(0, 1, 200), side[:, i]) for i in (0, 1))
        y = r * np.sin(around)
        return np.stack([r * np.cos(around), np.maximum(y, 0) if cut else y, z], 1)

    ripe = s.cycle([(0.55, 0.01, 0.015), (0.42, 0.008, 0.015), (0.62, 0.03, 0.015)])
    skin = m.Surface(ripe, 0.28, Coat_Weight=0.4)
    dents = skin.bump(skin.noise(9.0, detail=1.0), 0.5, 0.06)
    s.add(shapes.ball(1, bend), dents.material, f"berry{tag}")
    outline = np.concatenate([side, (side * (-1, 1))[::-1][1:-1]])
    for k, (size, color) in enumerate([(0.93, (0.75, 0.1, 0.07)), (0.45, (0.85, 0.55, 0.45))]):
        if cut:
            face = shapes.slab(outline * size, 0.01, 0)
            flesh = m.mottled(color, m.shade(color, 0.8), 6.0, 0.25, 0.1)
            s.add(face, flesh, f"face {k}{tag}", (0, -0.006 * (k + 1), 0), (90, 0, 0))


def berry_seeds(s: Subject, side: Points, cut: bool) -> None:
    """Seeds all over a strawberry, every other one drawn as a tick."""
    gold = m.plastic((0.75, 0.5, 0.1), 0.4)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(side, axis=0), axis=1))])
    for k in range(96):
        t = 12 + 150 * ((k + 0.5) / 96) ** 0.7
        r, z = (float(np.interp(t, np.arange(200), side[:, i])) for i in (0, 1))
        a = 2.39996 * k
        slope = side[min(199, int(t) + 2)] - side[int(t)]
        way = np.array([slope[0] * np.cos(a), slope[0] * np.sin(a), slope[1]])
        spot = np.array([r * np.cos(a), r * np.sin(a), z])
        if cut and spot[1] < 0.05:
            continue
        way = 0.05 * way / (np.linalg.norm(way) + 1e-9)
        path = np.linspace(spot - way, spot + way, 7)
        bead = 0.026 * np.sqrt(np.clip(1 - np.linspace(-1, 1, 7) ** 2, 0.02, 1))
        s.add(shapes.tube(path, bead, 8), gold, "")
        if k % 2 == 0 and t < 0.8 * along.size:
            s.line([spot * 1.02 - way, spot * 1.02 + way])


def strawberry_at(s: Subject, x: float, y: float, turn: tuple[float, float, float]) -> None:
    """One strawberry with seeds, a crown of leaves and a stalk, laid down by `turn`."""
    tag = f" {x}"
    whole = Subject(s.name, s.number)
    cut = s.number == 6 and x > 0
    wide, tall = s.cycle([1.0, 0.86, 1.1, 0.95]), s.cycle([1.0, 1.15, 0.9, 1.05, 1.0])
    side = spline(STRAWBERRY, 200) * (wide, tall)
    berry_body(whole, side, cut, tag)
    berry_seeds(whole, side, cut)
    green = m.plastic((0.09, 0.28, 0.03), 0.5)
    leaves, top = s.cycle([8, 7, 9]), 0.72 * tall
    for i in range(leaves):
        around = 360 * i / leaves + whole.uniform(-9, 9)
        part = shapes.leaf(whole.uniform(0.6, 0.78) * wide, 0.34, whole.uniform(-0.05, 0.35))
        turned = (0, whole.uniform(-30, 2), around)
        whole.add(part, green, f"leaf {i}{tag}", (0, 0, top), turned)
    long = s.cycle([0.35, 0.9, 0.3, 0.4, 0.5])
    bow = whole.uniform(-0.3, 0.3)
    stalk = spline([(0, 0, top - 0.1), (0.05, 0, top + long / 2), (bow, 0, top + long)], 16)
    whole.add(shapes.tube(stalk, np.linspace(0.06, 0.045, 16)), green, f"stalk{tag}")
    whole.move(turn=turn)
    whole.settle()
    whole.move((x, y, 0))
    s.parts += whole.parts
    s.lines += whole.lines


def strawberry(s: Subject) -> None:
    """A strawberry lying or hanging, two of them, or one and a half."""
    lying = [(-34, 0, 18), (-8, 6, 0), (-40, 38, 0), (-36, 0, -25), (-20, -14, 0)]
    strawberry_at(s, 0, 0, s.cycle([*lying, (-36, 0, -24), (8, -8, 0), (-28, -30, 0)]))
    if s.number == 4:
        strawberry_at(s, 1.7, 0.5, (-42, 0, 35))
    if s.number == 6:
        strawberry_at(s, 1.7, -0.2, (-48, 0, 10))


def ribbed(
    s: Subject, path: Points, radius: Points, ribs: int, stuff: Any, outline: str
) -> list[Points]:
    """A tube with lengthwise ribs; returns the line along each rib."""
    sides = ribs * 6
    part = shapes.tube(path, radius, sides)
    wave = 1 + 0.09 * np.cos(ribs * np.linspace(0, 2 * np.pi, sides, endpoint=False))
    cloud = np.array([v.co[:] for v in part.data.vertices]).reshape(len(path), sides, 3)
    cloud = path[:, None] + (cloud - path[:, None]) * wave[None, :, None]
    part.data.vertices.foreach_set("co", cloud.reshape(-1))
    s.add(part, stuff, outline)
    return [cloud[:, 6 * i] for i in range(ribs)]


def spines(s: Subject, path: Points, ridges: list[Points], long: float) -> None:
    """Tufts of thin spines along the ribs, drawn as short ticks."""
    corners: list[Points] = []
    for i, ridge in enumerate(ridges):
        for k in range(3 + 2 * (i % 2), len(path) - 2, 5):
            out = ridge[k] - path[k]
            out = out / (np.linalg.norm(out) + 1e-9)
            along = ridge[k + 1] - ridge[k - 1]
            along = along / (np.linalg.norm(along) + 1e-9)
            for lean in (-0.8, 0.0, 0.8):
                way = out + lean * (along if lean else 0) + s.rng.normal(0, 0.25, 3)
                base = 0.011 * along
                corners += [ridge[k] - base, ridge[k] + base, ridge[k] + way * long]
            if i % 2 == 0 and k % 2:
                spot = ridge[k] + 0.015 * out
                s.line([spot - 0.06 * along, spot + 0.06 * along])
    faces = np.arange(len(corners)).reshape(-1, 3).tolist()
    s.add(shapes.mesh(corners, faces), m.plastic((0.75, 0.68, 0.45), 0.6), "")


def limb(s: Subject, points: ArrayLike, radius: float, ribs: int, stuff: Any) -> None:
    """A ribbed, round-ended trunk or arm along a curve through `points`."""
    curve = spline(points, 200)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    wanted = along[-1] * (1 - np.linspace(1, 0, 60) ** 1.6)
    path = np.stack([np.interp(wanted, along, curve[:, i]) for i in range(3)], 1)
    left = np.clip((along[-1] - wanted) / (1.3 * radius), 0, 1)
    size = radius * np.sqrt(np.clip(1 - (1 - left) ** 2, 0.002, 1))
    spines(s, path, ribbed(s, path, size, ribs, stuff, "cactus"), 0.04 + 0.18 * radius)


# Arms of each saguaro: (side and reach, height where it leaves, height of its tip).
ARMS = {
    1: [(-0.72, 0.85, 1.75), (0.68, 1.1, 2.05)],
    2: [(-0.5, 0.7, 1.25), (0.48, 0.5, 1.15)],
    4: [(-0.75, 1.15, 2.1), (0.8, 0.75, 1.85), (0.5, 1.5, 2.3)],
    6: [(0.7, 0.9, 1.9)],
    7: [(-0.7, 0.95, 1.6), (0.7, 0.8, 1.95)],
    8: [(-0.46, 0.6, 1.2)],
}


def saguaro(s: Subject, tall: float, radius: float, stuff: Any, low: float) -> None:
    """A trunk that starts at height `low`, with arms that reach out and turn up."""
    sway = s.uniform(-0.06, 0.06)
    limb(s, [(0, 0, low - 0.1), (sway, 0, low + tall / 2), (0, 0, low + tall)], radius, 14, stuff)
    thick = 0.62 * radius
    for reach, start, tip in ARMS[s.number]:
        z, y = low + start, s.uniform(-0.08, 0.08)
        bend = [(0, 0, z), (0.7 * reach, y, z + 0.02), (reach, y, z + 0.3), (reach, y, low + tip)]
        limb(s, bend, thick, 11, stuff)


def barrel(s: Subject, x: float, radius: float, low: float, stuff: Any) -> None:
    """A round ribbed cactus that stands at height `low`."""
    u = (1 - np.cos(np.linspace(0.35, np.pi, 46))) / 2
    path = np.stack([0 * u + x, 0 * u, low + 1.85 * radius * (u - u[0])], 1)
    size = radius * np.sqrt(np.clip(1 - (2 * u - 1) ** 2, 0.001, 1))
    spines(s, path, ribbed(s, path, size, 16, stuff, f"barrel {x}"), 0.13)


def prickly_pear(s: Subject, low: float, stuff: Any) -> None:
    """Flat pads that grow out of each other, with fruits."""
    pads = [(0, 0.55, 0.5, 0), (-0.42, 1.25, 0.4, -34), (0.4, 1.3, 0.42, 30), (0.05, 1.6, 0.38, 4)]
    pads += [(-0.72, 1.82, 0.28, -20), (0.75, 1.95, 0.28, 22)]
    fruit, thorn = m.plastic((0.5, 0.05, 0.1), 0.4), m.plastic((0.75, 0.68, 0.45))
    for i, (x, z, r, lean) in enumerate(pads):
        at, turn = (x, 0.07 * (-1) ** i, low + z), (s.uniform(-8, 8), lean, s.uniform(-25, 25))
        s.add(shapes.ball((0.78 * r, 0.14, 1.15 * r)), stuff, f"pad {i}", at, turn)
        matrix = np.array(s.parts[-1].item.matrix_world)
        for u, v in [(u, v) for u in (-0.5, 0, 0.5) for v in (-0.6, -0.2, 0.2, 0.6)]:
            deep = 0.14 * np.sqrt(1 - min(0.9, u**2 + v**2))
            ends = np.array([(0.78 * r * u, -deep, 1.15 * r * v)] * 2)
            ends += [(0, 0.02, 0), (0.02, -0.07, 0.05)]
            start, end = ends @ matrix[:3, :3].T + matrix[:3, 3]
            s.add(shapes.rod(start, end, 0.012, 0.2), thorn, "")
            s.line([start, start + (end - start) * 1.2])
        if i > 2:
            top = matrix[:3, :3] @ (0, 0, 1.2 * r) + matrix[:3, 3]
            s.add(shapes.ball((0.085, 0.085, 0.13)), fruit, f"fruit {i}", top, turn)


def flower(s: Subject, z: float) -> None:
    """A wide open flower at height z."""
    petal = m.plastic(s.cycle([(0.75, 0.12, 0.35), (0.85, 0.6, 0.1)]), 0.5)
    for k in range(12):
        turn = (0, -28 - 24 * (k % 2), 30 * k)
        s.add(shapes.leaf(0.34, 0.17, -0.1), petal, f"petal {k}", (0, 0, z), turn)
    s.add(shapes.ball(0.08), m.plastic((0.8, 0.6, 0.1)), "middle", (0, 0, z + 0.08))


def pot(s: Subject, wide: float, tall: float) -> None:
    """A flower pot full of earth."""
    clay = m.mottled((0.5, 0.2, 0.09), (0.4, 0.14, 0.06), 4.0, 0.8, 0.15)
    glaze = s.cycle([clay, clay, m.ceramic((0.75, 0.74, 0.7)), clay, m.ceramic((0.1, 0.25, 0.4))])
    s.add(shapes.lathe([(0, 0), (0.68 * wide, 0), (0.92 * wide, tall - 0.2)]), glaze, "pot")
    rim = [(0.88 * wide, tall - 0.2), (wide, tall - 0.2), (wide, tall), (0.9 * wide, tall)]
    s.add(shapes.lathe([*rim, (0.88 * wide, tall - 0.1)]), glaze, "rim")
    earth = m.mottled((0.1, 0.06, 0.03), (0.03, 0.02, 0.01), 14.0, 0.95, 0.8)
    s.add(shapes.disc(0.9 * wide, tall - 0.06), earth, "earth")


GREENS = ((0.1, 0.24, 0.06), (0.06, 0.2, 0.06), (0.05, 0.16, 0.05), (0.16, 0.26, 0.09))


def cactus(s: Subject) -> None:
    """A saguaro, a barrel cactus or a prickly pear, on sand or in a pot."""
    green = s.cycle(GREENS)
    stuff = m.mottled(green, m.shade(green, 0.6), 3.0, 0.6, 0.15)
    if s.number in (3, 5):
        pot(s, 0.62, 0.72)
        if s.number == 3:
            barrel(s, 0, 0.66, 0.62, stuff)
            flower(s, 0.6 + 1.8 * 0.66)
        else:
            prickly_pear(s, 0.55, stuff)
        return
    if s.number in (2, 8):
        pot(s, 0.55, 0.65)
        saguaro(s, 1.7, 0.3, stuff, 0.6)
        if s.number == 8:
            flower(s, 2.28)
        return
    saguaro(s, s.cycle([2.6, 2, 2, 2.7, 2, 2.9, 2.5]), s.cycle([0.3, 0.3, 0.3, 0.28]), stuff, 0)
    if s.number == 7:
        barrel(s, 1.35, 0.4, -0.05, stuff)


PLACES = ("tabletop", "soil", "cloth", "marble", "paper", "tabletop", "lawn", "marble")
DESERTS = ("sand", "paper", "marble", "sand", "tabletop", "sand", "sand", "marble")

CLASSES = {
    "strawberry": (strawberry, Shot(PLACES, azimuth=(-15, 15), elevation=(22, 38))),
    "cactus": (cactus, Shot(DESERTS, azimuth=(-22, 22), elevation=(4, 18), sink=0.02)),
}
