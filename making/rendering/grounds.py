"""What a subject stands on and what lies behind it. Every ground covers the frame."""

from __future__ import annotations

from collections.abc import Callable

import bpy
import numpy as np
from mathutils import Matrix

from rendering import materials as m
from rendering import shapes
from rendering.subject import Subject

PALE = ((0.80, 0.78, 0.73), (0.62, 0.70, 0.76), (0.78, 0.68, 0.58), (0.66, 0.73, 0.62))
WOODS = ((0.36, 0.19, 0.09), (0.55, 0.36, 0.20), (0.20, 0.10, 0.05), (0.62, 0.46, 0.30))


def place(
    item: bpy.types.Object,
    material: bpy.types.Material,
    at: tuple[float, float, float] = (0, 0, 0),
    turn: tuple[float, float, float] = (0, 0, 0),
) -> bpy.types.Object:
    """Put scenery in the scene; `turn` is in degrees."""
    item.data.materials.append(material)
    bpy.context.scene.collection.objects.link(item)
    angles = zip(np.radians(turn), "XYZ", strict=True)
    matrix = Matrix.Translation(at)
    for angle, axis in angles:
        matrix = matrix @ Matrix.Rotation(angle, 4, axis)
    item.matrix_world = matrix
    return item


def plane(size: float) -> bpy.types.Object:
    """A square in the x-y plane."""
    half = size / 2
    corners = [(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)]
    return shapes.mesh(corners, [(0, 1, 2, 3)])


def backdrop(subject: Subject) -> None:
    """Blurred things and a wall far behind a table top."""
    rng = subject.rng
    tones = [m.shade(PALE[rng.integers(4)], f) for f in (0.75, 0.6)]
    wall = m.mottled(tones[0], tones[1], 0.6, bump=0.0)
    place(plane(80), wall, (0, 16, 0), (90, 0, 0))
    for _ in range(int(rng.integers(3, 7))):
        color = m.hsv(rng.uniform(), rng.uniform(0.1, 0.6), rng.uniform(0.1, 0.7))
        size = rng.uniform((0.6, 0.6, 1.0), (2.5, 1.5, 5.0))
        spot = (rng.uniform(-7, 7), rng.uniform(7, 13), size[2] / 2)
        place(shapes.box(size, 0.1), m.plastic(color), spot, (0, 0, rng.uniform(0, 90)))


def tabletop(subject: Subject) -> None:
    """A wooden table top with a blurred room behind it."""
    color = WOODS[subject.rng.integers(4)]
    top = place(plane(60), m.bricks(color, m.shade(color, 0.3), 0.5, 6.0, 0.9, 0.32))
    top.matrix_world = Matrix.Rotation(subject.uniform(-0.4, 0.4), 4, "Z")
    backdrop(subject)


def marble(subject: Subject) -> None:
    """A pale stone worktop."""
    tone = m.shade(PALE[subject.rng.integers(4)], 0.95)
    place(plane(60), m.mottled(tone, m.shade(tone, 0.7), 1.1, 0.15, 0.0))
    backdrop(subject)


def cloth(subject: Subject) -> None:
    """A chequered table cloth."""
    hue = subject.uniform(0, 1)
    white = (0.75, 0.74, 0.7)
    top = place(plane(60), m.checked(m.hsv(hue, 0.65, 0.45), white, subject.uniform(1.0, 1.8)))
    top.matrix_world = Matrix.Rotation(subject.uniform(0.2, 1.2), 4, "Z")
    top.location.z = -0.003
    backdrop(subject)


def paper(subject: Subject) -> None:
    """A seamless paper sweep, as in a studio."""
    tone = PALE[subject.rng.integers(4)]
    turn = np.linspace(0, np.pi / 2, 16)
    bend = np.stack([8 + 4 * np.sin(turn), 4 - 4 * np.cos(turn)], 1)
    side = np.concatenate([[(-40.0, 0.0)], bend, [(12.0, 60.0)]])
    x = np.array([-60.0, 60.0])
    grid = np.stack(
        [np.tile(x, (len(side), 1)), *(np.repeat(side[:, i : i + 1], 2, 1) for i in (0, 1))], -1
    )
    place(shapes.sheet(grid), m.mottled(tone, m.shade(tone, 0.93), 0.5, 0.8, 0.0))


def room(subject: Subject) -> None:
    """A plank floor that meets a painted wall with a skirting board."""
    rng = subject.rng
    color = WOODS[rng.integers(4)]
    floor = place(plane(60), m.bricks(color, m.shade(color, 0.25), 0.9, 3.0, 0.28, 0.35))
    floor.matrix_world = Matrix.Rotation(float(rng.choice([0.0, np.pi / 2])), 4, "Z")
    tone = PALE[rng.integers(4)]
    behind = subject.uniform(2.2, 4.0)
    place(
        plane(60), m.mottled(tone, m.shade(tone, 0.93), 1.5, 0.9, 0.05), (0, behind, 0), (90, 0, 0)
    )
    white = m.plastic((0.8, 0.8, 0.78))
    place(shapes.box((60, 0.06, 0.28), 0.02), white, (0, behind - 0.03, 0.14))


def hills(subject: Subject, color: m.RGB) -> None:
    """Round bushes or hills on the horizon."""
    rng = subject.rng
    for _ in range(14):
        size = rng.uniform((5, 4, 1.5), (12, 6, 5.0))
        tone = m.shade(color, float(rng.uniform(0.5, 1.1)))
        rough = m.mottled(tone, m.shade(tone, 0.4), 6.0, 0.9, 1.0)
        place(shapes.ball(size), rough, (rng.uniform(-40, 40), rng.uniform(30, 44), 0))


def lawn(subject: Subject) -> None:
    """Grass: a green plane with some ten thousand blades near the subject."""
    rng = subject.rng
    green = m.hsv(rng.uniform(0.2, 0.3), 0.75, rng.uniform(0.16, 0.3))
    place(plane(160), m.mottled(green, m.shade(green, 0.45), 1.2, 0.9, 0.4))
    count = 14000
    foot = rng.uniform((-7, -6, 0), (7, 13, 0), (count, 3))
    tall = rng.uniform(0.08, 0.24, (count, 1))
    angle = rng.uniform(0, 2 * np.pi, count)
    side = 0.022 * np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], 1)
    lean = rng.normal(0, 0.06, (count, 3)) * (1, 1, 0)
    tip = foot + lean + tall * np.array([0, 0, 1.0])
    corners = np.stack([foot - side, foot + side, tip], 1).reshape(-1, 3)
    blades = shapes.mesh(corners, np.arange(count * 3).reshape(-1, 3).tolist())
    place(blades, m.mottled(m.shade(green, 1.5), m.shade(green, 0.7), 2.0, 0.6, 0.0))
    hills(subject, green)


def rolling(subject: Subject, light: m.RGB, dark: m.RGB, height: float, scale: float) -> None:
    """Uneven open ground out to the horizon, level near the subject."""
    rng = subject.rng
    axis = np.concatenate([np.linspace(-60, -6, 24), np.linspace(-5.5, 5.5, 40)])
    axis = np.concatenate([axis, np.linspace(6, 60, 24)])
    x, y = np.meshgrid(axis, axis)
    z = np.zeros_like(x)
    for _ in range(12):
        fx, fy, phase = rng.normal(0, 0.9), rng.normal(0, 0.9), rng.uniform(0, 6.3)
        z += height / 4 * np.sin(fx * x + fy * y + phase)
    z *= np.clip(np.hypot(x, y) / 4, 0.15, 1)
    z -= z.max() * 0.12
    place(shapes.sheet(np.stack([x, y, z], -1)), m.mottled(light, dark, scale, 0.9, 0.6))


def sand(subject: Subject) -> None:
    """A sandy plain."""
    rolling(subject, (0.62, 0.45, 0.27), (0.42, 0.28, 0.15), 0.12, 9.0)
    hills(subject, (0.45, 0.30, 0.17))


def snow(subject: Subject) -> None:
    """A snow field with dark bushes behind."""
    rolling(subject, (0.86, 0.88, 0.92), (0.72, 0.77, 0.86), 0.15, 5.0)
    hills(subject, (0.10, 0.14, 0.10))


def soil(subject: Subject) -> None:
    """A forest floor with fallen leaves and blurred trunks."""
    rng = subject.rng
    rolling(subject, (0.16, 0.10, 0.05), (0.05, 0.04, 0.015), 0.1, 7.0)
    fallen = [m.plastic(m.hsv(h, 0.75, v), 0.8) for h, v in ((0.07, 0.3), (0.1, 0.35), (0.25, 0.2))]
    for i in range(90):
        at = (rng.uniform(-4, 4), rng.uniform(-3, 6), rng.uniform(0.0, 0.05))
        turn = (rng.uniform(-25, 25), rng.uniform(-25, 25), rng.uniform(0, 360))
        place(shapes.leaf(rng.uniform(0.2, 0.5), 0.2), fallen[i % 3], at, turn)
    bark = m.mottled((0.13, 0.08, 0.05), (0.03, 0.02, 0.01), 4.0, 0.95, 1.0)
    for _ in range(9):
        x, y = rng.uniform(-12, 12), rng.uniform(9, 18)
        place(shapes.rod((x, y, -1), (x, y, 20), rng.uniform(0.3, 0.8)), bark)
    hills(subject, (0.06, 0.11, 0.03))


def sea(subject: Subject) -> None:
    """Open water with waves."""
    water = m.Surface((0.01, 0.06, 0.10), 0.08)
    waves = water.noise(1.6, (1, 2.2, 1), detail=5.0)
    place(plane(400), water.bump(waves, 0.5, 0.5).material)
    far = [(rng_x, 120.0, 0.0) for rng_x in subject.rng.uniform(-90, 90, 6)]
    for spot in far:
        size = subject.rng.uniform((15, 4, 1.0), (40, 6, 5.0))
        place(shapes.ball(size), m.plastic((0.12, 0.17, 0.18), 0.9), spot)


def pavement(subject: Subject) -> None:
    """Paving stones in the open."""
    tone = subject.uniform(0.25, 0.4)
    color = (tone, tone * 0.97, tone * 0.92)
    place(plane(160), m.bricks(color, (0.1, 0.1, 0.1), 0.8, 0.9, 0.6, 0.85))
    hills(subject, (0.08, 0.14, 0.05))


def air(subject: Subject) -> None:
    """Nothing but sky and far hills below."""
    place(
        plane(900), m.mottled((0.10, 0.16, 0.05), (0.22, 0.22, 0.09), 0.06, 1.0, 0.0), (0, 0, -25)
    )


INDOOR = {"tabletop", "marble", "cloth", "paper", "room"}

GROUNDS: dict[str, Callable[[Subject], None]] = {
    "tabletop": tabletop,
    "marble": marble,
    "cloth": cloth,
    "paper": paper,
    "room": room,
    "lawn": lawn,
    "sand": sand,
    "snow": snow,
    "soil": soil,
    "sea": sea,
    "pavement": pavement,
    "air": air,
}
