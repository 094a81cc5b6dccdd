"""What a pen would draw of a subject: a map of its parts and its lines, as the camera sees them."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from numpy.typing import NDArray

from rendering.scene import project
from rendering.shapes import Points
from rendering.subject import Part, Subject

SIDE = 320  # pixels of the part map, finer than the photo so that contours stay smooth


def gather(parts: list[Part], names: list[str]) -> tuple[BVHTree | None, list[int]]:
    """One search tree over the parts' final meshes, and each polygon's label (from 1).

    A part with facets takes six labels in a row, one for each side its faces turn to.
    """
    graph = bpy.context.evaluated_depsgraph_get()
    corners: list[Vector] = []
    faces: list[list[int]] = []
    labels: list[int] = []
    for part in parts:
        shape = part.item.evaluated_get(graph)
        data = shape.to_mesh()
        start = len(corners)
        corners += [part.item.matrix_world @ v.co for v in data.vertices]
        for polygon in data.polygons:
            faces.append([start + i for i in polygon.vertices])
            axis = int(np.argmax(np.abs(polygon.normal)))
            side = axis * 2 + int(polygon.normal[axis] > 0) if part.facets else 0
            labels.append(1 + 6 * names.index(part.outline) + side)
        shape.to_mesh_clear()
    return (BVHTree.FromPolygons(corners, faces) if faces else None), labels


def rays(camera: bpy.types.Object) -> tuple[Vector, list[Vector]]:
    """The camera's position and one direction per pixel of the map, row by row from the top."""
    top_right, _, bottom_left, top_left = camera.data.view_frame(scene=bpy.context.scene)
    turn = camera.matrix_world.to_3x3()
    step = [(i + 0.5) / SIDE for i in range(SIDE)]
    across, down = top_right - top_left, bottom_left - top_left
    spots = [top_left + across * u + down * v for v in step for u in step]
    return camera.matrix_world.translation, [(turn @ s).normalized() for s in spots]


def part_map(subject: Subject, camera: bpy.types.Object) -> NDArray[np.int32]:
    """Label of the nearest part at each pixel, (SIDE, SIDE); 0 is background."""
    drawn = [p for p in subject.parts if p.outline]
    tree, labels = gather(drawn, sorted({p.outline for p in drawn}))
    assert tree is not None, "every subject has a drawn part"
    origin, directions = rays(camera)
    result = np.zeros(SIDE * SIDE, dtype=np.int32)
    for i, direction in enumerate(directions):
        spot, _, face, _ = tree.ray_cast(origin, direction)
        if spot is not None and spot.z > subject.floor - 1e-3:
            result[i] = labels[face]
    return result.reshape(SIDE, SIDE)


def visible_lines(subject: Subject, camera: bpy.types.Object) -> list[Points]:
    """Pen lines in image coordinates (0..1 from the top left), cut where parts hide them."""
    solid = [p for p in subject.parts if p.outline and not p.clear]
    tree, _ = gather(solid, sorted({p.outline for p in solid}))
    origin = camera.matrix_world.translation
    runs: list[Points] = []
    for line in subject.lines:
        points = densify(line)
        seen = np.array([not hidden(tree, origin, Vector(p)) for p in points])
        spots = project(camera, points) * (1, -1) + (0, 1)
        cuts = np.nonzero(np.diff(seen))[0] + 1
        pieces = zip(np.split(spots, cuts), np.split(seen, cuts), strict=True)
        runs += [spot for spot, visible in pieces if visible[0]]
    return [r for r in runs if len(r) > 3]


def densify(line: Points, count: int = 60) -> Points:
    """Resample a polyline (k, 3) to `count` points along its length."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(steps)])
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, line[:, i]) for i in range(3)], 1)


def hidden(tree: BVHTree | None, origin: Vector, point: Vector) -> bool:
    """Whether a part lies between the camera and the point, with some tolerance."""
    if tree is None:
        return False
    reach = (point - origin).length
    distance = tree.ray_cast(origin, (point - origin).normalized())[3]
    return distance is not None and distance < reach - 0.06


def save(path: Path, subject: Subject, camera: bpy.types.Object) -> None:
    """Write the part map and the visible lines as one .npz file."""
    lines = visible_lines(subject, camera)
    path.parent.mkdir(parents=True, exist_ok=True)
    flat = np.concatenate(lines) if lines else np.zeros((0, 2))
    lengths = np.array([len(r) for r in lines], dtype=np.int32)
    np.savez_compressed(path, parts=part_map(subject, camera), lines=flat, lengths=lengths)
