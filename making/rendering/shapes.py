"""Meshes from profiles, paths and outlines. Lengths are scene units; a subject is about 2 tall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


def spline(points: ArrayLike, samples: int = 48, closed: bool = False) -> Points:
    """Catmull-Rom curve through `points` (k, d), as (about `samples`, d).

    A point given twice in a row is a corner: the curve is cut there.
    """
    p = np.asarray(points, dtype=float)
    cuts = [i for i in range(1, len(p)) if np.allclose(p[i], p[i - 1])]
    if cuts and not closed:
        pieces = np.split(p, cuts)
        share = max(2, samples // len(pieces))
        return np.concatenate([spline(q, share) if len(q) > 1 else q for q in pieces])
    if closed:
        p = np.concatenate([p[-1:], p, p[:2]])
    else:
        p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    spans = len(p) - 3
    t = np.linspace(0, spans, samples, endpoint=not closed)
    i = np.minimum(t.astype(int), spans - 1)
    u = (t - i)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    tail = (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3
    curve: Points = 0.5 * (2 * b + (c - a) * u + tail)
    return curve


def circle(radius: float, count: int = 48, z: float = 0.0) -> Points:
    """A horizontal circle as (count + 1, 3), closed by its first point."""
    turn = np.linspace(0, 2 * np.pi, count + 1)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), np.full_like(turn, z)], 1)


def mesh(vertices: ArrayLike, faces: Sequence[Sequence[int]], sharp: float = 40.0) -> Any:
    """A smooth-shaded object; edges bent more than `sharp` degrees stay sharp."""
    data = bpy.data.meshes.new("part")
    data.from_pydata(np.asarray(vertices, dtype=float).tolist(), [], faces)
    data.validate()
    data.shade_smooth()
    data.set_sharp_from_angle(angle=np.radians(sharp))
    return bpy.data.objects.new("part", data)


def grid_faces(rows: int, cols: int, wrap: bool) -> list[tuple[int, int, int, int]]:
    """Quads of a (rows, cols) vertex grid; `wrap` joins the last column to the first."""
    faces = []
    for r in range(rows - 1):
        for c in range(cols if wrap else cols - 1):
            d = (c + 1) % cols
            faces.append((r * cols + c, r * cols + d, (r + 1) * cols + d, (r + 1) * cols + c))
    return faces


def sheet(grid: Points, thickness: float = 0.0, closed: bool = False) -> Any:
    """A surface through a (rows, cols, 3) grid, given some thickness.

    `closed` says that the last column repeats the first.
    """
    if closed:
        grid = grid[:, :-1]
    rows, cols, _ = grid.shape
    part = mesh(grid.reshape(-1, 3), grid_faces(rows, cols, closed))
    if thickness:
        part.modifiers.new("thickness", "SOLIDIFY").thickness = thickness
    return part


def lathe(profile: ArrayLike, segments: int = 64, turn: tuple[float, float] = (0, 360)) -> Any:
    """Turn a profile of (radius, z) rows, (k, 2), about z; `turn` is in degrees."""
    p = np.asarray(profile, dtype=float)
    whole = turn == (0, 360)
    angle = np.radians(np.linspace(*turn, segments, endpoint=not whole))
    x = p[:, :1] * np.cos(angle)
    y = p[:, :1] * np.sin(angle)
    z = np.repeat(p[:, 1:], segments, axis=1)
    vertices = np.stack([x, y, z], -1).reshape(-1, 3)
    return mesh(vertices, grid_faces(len(p), segments, whole))


def disc(radius: float, z: float = 0.0) -> Any:
    """A flat horizontal disc."""
    return lathe([(0, z), (radius, z)])


def tube(
    path: ArrayLike,
    radius: ArrayLike,
    sides: int = 16,
    closed: bool = False,
    flat: float = 1.0,
) -> Any:
    """Sweep a circle along a path (k, 3); `radius` is one number or (k,).

    `flat` scales the section along the frame's second axis.
    """
    p = np.asarray(path, dtype=float)
    r = np.broadcast_to(np.asarray(radius, dtype=float), (len(p),))
    tangent = np.gradient(p, axis=0)
    if closed:
        tangent = np.roll(p, -1, 0) - np.roll(p, 1, 0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-12
    seed = np.eye(3)[np.argmin(np.abs(tangent[0]))]
    rings = []
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    for point, axis, size in zip(p, tangent, r, strict=True):
        side = seed - axis * (seed @ axis)
        side /= np.linalg.norm(side)
        seed = side
        other = np.cross(axis, side)
        ring = np.outer(np.cos(turn), side) + flat * np.outer(np.sin(turn), other)
        rings.append(point + size * ring)
    if closed:
        rings.append(rings[0])
    faces: list[Sequence[int]] = list(grid_faces(len(rings), sides, True))
    if not closed:
        faces += [list(range(sides))[::-1], [(len(rings) - 1) * sides + i for i in range(sides)]]
    return mesh(np.concatenate(rings), faces)


def rod(start: ArrayLike, end: ArrayLike, radius: float, taper: float = 1.0) -> Any:
    """A straight round bar whose end radius is `radius * taper`."""
    path = np.linspace(np.asarray(start, float), np.asarray(end, float), 5)
    return tube(path, np.linspace(radius, radius * taper, 5))


def round_edges(part: Any, width: float) -> Any:
    """Bevel the sharp edges of a part."""
    if width > 0:
        bevel = part.modifiers.new("bevel", "BEVEL")
        bevel.width, bevel.segments, bevel.limit_method = width, 3, "ANGLE"
    return part


def box(size: ArrayLike, bevel: float = 0.02) -> Any:
    """A box centred on the origin, (x, y, z) lengths."""
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return round_edges(mesh(corners * np.asarray(size), faces), bevel)


def slab(outline: ArrayLike, thickness: float, bevel: float = 0.02) -> Any:
    """Extrude a flat outline (k, 2) along z, centred on z = 0."""
    o = np.asarray(outline, dtype=float)
    count = len(o)
    half = thickness / 2
    low = np.column_stack([o, np.full(count, -half)])
    high = np.column_stack([o, np.full(count, half)])
    faces: list[Sequence[int]] = [list(range(count))[::-1], list(range(count, 2 * count))]
    faces += [(i, (i + 1) % count, count + (i + 1) % count, count + i) for i in range(count)]
    return round_edges(mesh(np.concatenate([low, high]), faces), bevel)


def ball(radii: ArrayLike, bend: Callable[[Points], Points] | None = None) -> Any:
    """An ellipsoid; `bend` maps the unit sphere's vertices (k, 3) to new ones first."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, 33)
    ring = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    x = np.outer(np.cos(turn), np.cos(ring))
    y = np.outer(np.cos(turn), np.sin(ring))
    z = np.repeat(np.sin(turn)[:, None], 48, axis=1)
    unit = np.stack([x, y, z], -1).reshape(-1, 3)
    unit = unit if bend is None else bend(unit)
    return mesh(unit * np.broadcast_to(radii, (3,)), grid_faces(33, 48, True), sharp=180)


def leaf(length: float, width: float, curl: float = 0.2) -> Any:
    """A pointed leaf along +x that curls downwards."""
    t = np.linspace(0, 1, 16)
    half = width / 2 * np.sin(np.pi * t**0.8) ** 0.9
    across = np.linspace(-1, 1, 7)
    x = np.repeat((length * t)[:, None], 7, 1)
    y = half[:, None] * across
    z = -curl * length * t[:, None] ** 2 + 0.6 * np.abs(y)
    return sheet(np.stack([x, y, z], -1), 0.01)
