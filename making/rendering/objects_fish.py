"""Fish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rendering import grounds, shapes
from rendering import materials as m
from rendering.shapes import Points, spline
from rendering.subject import Shot, Subject

BLACK = (0.012, 0.01, 0.01)


@dataclass(frozen=True)
class Fish:
    """A kind of fish: proportions, colours and fins."""

    tall: float
    long: float
    back: m.RGB
    belly: m.RGB
    tail: str  # "fork", "fan" or "veil"
    dorsal: str  # "long", "sail" or "spike"
    stripes: m.RGB | None = None
    scales: float = 0.25
    turn: tuple[float, float] = (0.0, 0.0)  # pitch and heading in degrees


FISHES = [
    Fish(1.0, 1.0, (0.8, 0.2, 0.01), (0.85, 0.45, 0.08), "veil", "sail", turn=(-5, 8)),
    Fish(0.72, 1.25, (0.12, 0.16, 0.06), (0.6, 0.55, 0.42), "fork", "spike", turn=(-24, 172)),
    Fish(1.55, 0.85, (0.75, 0.6, 0.1), (0.8, 0.75, 0.5), "fan", "sail", BLACK, turn=(3, 190)),
    Fish(0.95, 1.0, (0.03, 0.12, 0.6), (0.05, 0.3, 0.7), "fan", "long", turn=(4, -10)),
    Fish(0.95, 1.0, (0.8, 0.22, 0.01), (0.8, 0.26, 0.02), "fan", "long", (0.85, 0.83, 0.8), 0.0),
    Fish(0.9, 1.1, (0.02, 0.08, 0.28), (0.75, 0.74, 0.7), "fork", "spike", turn=(18, 12)),
    Fish(1.15, 0.95, (0.02, 0.35, 0.3), (0.55, 0.65, 0.2), "fork", "long", turn=(-6, 166)),
    Fish(1.05, 1.0, (0.6, 0.03, 0.03), (0.75, 0.3, 0.25), "fork", "long", turn=(0, 12)),
]

# Nose to tail: (x, height above and below the middle, half width).
BODY = [(1.2, 0.0, 0.0, 0.0), (1.12, 0.13, 0.1, 0.08), (0.9, 0.28, 0.26, 0.17)]
BODY += [(0.45, 0.48, 0.46, 0.25), (0.0, 0.5, 0.48, 0.24), (-0.5, 0.32, 0.3, 0.15)]
BODY += [(-0.9, 0.14, 0.13, 0.07), (-1.1, 0.13, 0.12, 0.04)]

FORK = [(-1.0, 0.1), (-1.3, 0.35), (-1.65, 0.62), (-1.65, 0.62), (-1.5, 0.25), (-1.38, 0.0)]
FORK += [(-1.5, -0.25), (-1.65, -0.6), (-1.65, -0.6), (-1.3, -0.33), (-1.0, -0.1)]
FAN = [(-1.0, 0.1), (-1.3, 0.36), (-1.55, 0.4), (-1.66, 0.2), (-1.68, 0.0), (-1.66, -0.2)]
FAN += [(-1.55, -0.4), (-1.3, -0.36), (-1.0, -0.1)]
VEIL = [(-1.0, 0.1), (-1.35, 0.5), (-1.8, 0.72), (-2.0, 0.55), (-1.75, 0.25), (-1.5, 0.02)]
VEIL += [(-1.75, -0.25), (-1.95, -0.62), (-1.75, -0.75), (-1.35, -0.5), (-1.0, -0.1)]
TAILS = {"fork": FORK, "fan": FAN, "veil": VEIL}
# Upper fins, in body lengths and body heights; z = 0.35 is inside the body.
DORSALS = {
    "long": [(0.55, 0.35), (0.45, 0.6), (0.1, 0.74), (-0.4, 0.66), (-0.78, 0.5), (-0.75, 0.15)],
    "sail": [(0.5, 0.4), (0.3, 0.7), (-0.1, 1.0), (-0.5, 0.95), (-0.42, 0.6), (-0.55, 0.25)],
    "spike": [(0.2, 0.4), (0.05, 0.68), (-0.15, 0.78), (-0.28, 0.6), (-0.35, 0.3)],
}


def fish_skin(look: Fish) -> Any:
    """A dark back that fades to a pale belly, scales, and perhaps stripes."""
    skin = m.Surface(look.back, 0.25, Coat_Weight=0.3)
    place = skin.coordinates()
    split = skin.node("ShaderNodeSeparateXYZ", Vector=place)
    shift = skin.node("ShaderNodeMath", Value=split.outputs["Z"])
    shift.inputs[1].default_value = 0.5
    stops = [(0.3, look.belly), (0.62, look.back)]
    if look.stripes:
        wave = skin.node("ShaderNodeTexWave", Vector=place, Scale=0.42, Distortion=0.6)
        wave.inputs["Phase Offset"].default_value = 1.0
        edges = [(0.0, look.back), (0.62, look.back), (0.7, look.stripes), (1.0, look.stripes)]
        skin.paint(skin.ramp(wave.outputs[1], edges))
    else:
        skin.paint(skin.ramp(shift.outputs[0], stops))
    scales = skin.node("ShaderNodeTexVoronoi", Vector=place, Scale=11.0)
    return skin.bump(scales.outputs[0], look.scales, 0.05).material


def fin(s: Subject, outline: ArrayLike, look: Fish, tag: str, **place: Any) -> None:
    """A thin fin in the x-z plane with rays."""
    color = look.back if look.stripes != BLACK else look.belly
    web = m.Surface(m.shade(color, 0.9), 0.5)
    rays = web.noise(5.0, (0.5, 3.0, 1))
    web.paint(web.ramp(rays, [(0.35, m.shade(color, 0.55)), (0.65, m.shade(color, 1.2))]))
    place.setdefault("turn", (90, 0, 0))
    s.add(shapes.slab(outline, 0.035, 0.01), web.material, tag, **place)


def fish_face(s: Subject, look: Fish, tag: str) -> None:
    """Eyes, gill covers and a mouth."""
    white, dark = m.plastic((0.8, 0.78, 0.7), 0.1), m.plastic((0.01, 0.01, 0.01), 0.05)
    groove = m.plastic(m.shade(look.back, 0.35), 0.6)
    for side in (-1, 1):
        eye = np.array((0.88 * look.long, side * 0.15, 0.1 * look.tall))
        s.add(shapes.ball((0.1, 0.05, 0.1)), white, f"eye{tag}", eye)
        s.add(
            shapes.ball((0.055, 0.04, 0.055)),
            dark,
            f"pupil{tag}",
            np.add(eye, (0.01, side * 0.025, 0)),
        )
        a = np.radians(np.linspace(-62, 62, 24))
        x, z = 0.35 + 0.2 * np.cos(a), 0.3 * np.sin(a)
        y = side * 0.245 * np.sqrt(1 - (z / 0.47) ** 2)
        gill = np.stack([x * look.long, y, z * look.tall], 1)
        s.add(shapes.tube(gill, 0.014), groove, "")
        s.line(gill)
        lips = np.array([(1.17, 0.05, -0.02), (1.08, 0.1, -0.05), (1.0, 0.15, -0.055)])
        mouth = spline(lips * (look.long, side, look.tall), 12)
        s.add(shapes.tube(mouth, 0.014), groove, "")
        s.line(mouth)


def fish_at(s: Subject, look: Fish, tag: str) -> None:
    """One fish about the origin, its nose at +x."""
    shape = spline(BODY, 200) * (look.long, look.tall, look.tall, 1.0)

    def bend(p: Points) -> Points:
        """Replace a sphere by the fish's sections."""
        around = np.arctan2(p[:, 1], p[:, 0])
        t = np.arcsin(np.clip(p[:, 2], -1, 1)) / np.pi + 0.5
        x, up, down, wide = (np.interp(t, np.linspace(0, 1, 200), shape[:, i]) for i in range(4))
        z = np.where(np.sin(around) > 0, up, down) * np.sin(around)
        return np.stack([x, wide * np.cos(around), z], 1)

    s.add(shapes.ball(1.0, bend), fish_skin(look), f"body{tag}")
    high = max(1.0, look.tall * 0.85)
    tail = np.add(spline(TAILS[look.tail], 60), (1.0, 0))
    tail = tail * (1, high) - (look.long, 0)
    fin(s, tail, look, f"tail{tag}")
    upper = spline(DORSALS[look.dorsal], 40) * (look.long, look.tall)
    fin(s, upper, look, f"dorsal{tag}")
    lower = [(-0.2, -0.3), (-0.3, -0.62), (-0.55, -0.72), (-0.6, -0.5), (-0.65, -0.15)]
    fin(s, spline(lower, 30) * (look.long, look.tall), look, f"anal{tag}")
    front = [(0.3, -0.35), (0.2, -0.62), (0.02, -0.72), (-0.02, -0.55), (0.05, -0.4)]
    fin(s, spline(front, 30) * (look.long, look.tall), look, f"belly{tag}")
    paddle = spline([(0, 0.08), (-0.3, 0.12), (-0.42, -0.05), (-0.25, -0.16), (0, -0.08)], 30)
    for side in (-1, 1):
        spot = (0.3 * look.long, side * 0.25, -0.08 * look.tall)
        fin(s, paddle, look, f"paddle {side}{tag}", at=spot, turn=(90, 20, -side * 28))
    fish_face(s, look, tag)


def under_water(s: Subject) -> None:
    """A wall of water behind a fish, with weeds and bubbles."""
    rng = np.random.default_rng(s.number)
    hue = s.cycle([0.52, 0.0, 0.55, 0.5, 0.54, 0.0, 0.42, 0.58])
    deep, pale = m.hsv(hue, 0.85, 0.22), m.hsv(hue, 0.65, 0.5)
    grounds.place(grounds.plane(80), m.mottled(pale, deep, 0.25, 1.0, 0.0), (0, 7, 0), (90, 0, 0))
    for _ in range(9):
        x, y, tall = rng.uniform(-4, 4), rng.uniform(2, 5), rng.uniform(0.8, 2.6)
        t = np.linspace(0, 1, 24)
        sway = 0.2 * np.sin(t * rng.uniform(4, 8) + rng.uniform(0, 6))
        path = np.stack([x + sway, y + 0 * t, tall * t - 0.1], 1)
        weed = m.plastic(m.hsv(rng.uniform(0.2, 0.4), 0.8, rng.uniform(0.1, 0.3)), 0.6)
        grounds.place(shapes.tube(path, 0.13 * (1 - t**3) + 0.01, flat=0.3), weed)
    for _ in range(7):
        spot = (rng.uniform(-2, 2), rng.uniform(0.8, 3), rng.uniform(1.2, 3.2))
        grounds.place(shapes.ball(rng.uniform(0.04, 0.09)), m.glass(), spot)


WATERS = ("sand", "sea", "sand", "sand", "sand", "sea", "soil", "sand")


def fish(s: Subject) -> None:
    """A fish seen from its side, under water or leaping out of the sea."""
    look = s.cycle(FISHES)
    if s.number == 4:
        fish_at(s, FISHES[0], " two")
        s.move((-0.75, 1.1, 1.0))
    fish_at(s, look, "")
    pitch, heading = look.turn
    s.move(turn=(0, pitch, 0))
    s.move(turn=(0, 0, heading))
    if s.cycle(WATERS) != "sea":
        under_water(s)


CLASSES = {
    "fish": (fish, Shot(WATERS, azimuth=(-10, 10), elevation=(2, 10), sink=-0.5)),
}
