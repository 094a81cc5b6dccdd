"""The thing being photographed: its parts, its random choices, and what a pen would draw of it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector
from numpy.typing import ArrayLike

from rendering.shapes import Points

T = TypeVar("T")


@dataclass(frozen=True)
class Shot:
    """How a class is photographed. Angles are degrees; azimuth 0 looks along +y."""

    grounds: tuple[str, ...]
    azimuth: tuple[float, float] = (-35.0, 35.0)
    elevation: tuple[float, float] = (8.0, 32.0)
    fill: tuple[float, float] = (0.68, 0.82)
    sink: float = 0.0  # how deep the subject stands in its ground


@dataclass
class Part:
    """One object of the subject and the name of the outline it belongs to."""

    item: bpy.types.Object
    outline: str
    facets: bool = False
    clear: bool = False


@dataclass
class Subject:
    """A seeded instance of a class that collects parts and pen lines."""

    name: str
    number: int
    parts: list[Part] = field(default_factory=list)
    lines: list[Points] = field(default_factory=list)
    floor: float = -np.inf  # height below which the ground hides the subject

    def __post_init__(self) -> None:
        """Seed from the class and the instance, so that each renders alike on every run."""
        self.rng = np.random.default_rng([zlib.crc32(self.name.encode()), self.number])

    def uniform(self, low: float, high: float) -> float:
        """A random number."""
        return float(self.rng.uniform(low, high))

    def cycle(self, options: Sequence[T]) -> T:
        """An option chosen by the instance number, so that instances cover all of them."""
        return options[(self.number - 1) % len(options)]

    def add(
        self,
        item: bpy.types.Object,
        material: bpy.types.Material,
        outline: str = "body",
        at: ArrayLike = (0, 0, 0),
        turn: ArrayLike = (0, 0, 0),
        facets: bool = False,
        clear: bool = False,
    ) -> bpy.types.Object:
        """Place a part; `turn` is an XYZ rotation in degrees.

        Parts that share an `outline` are drawn as one shape; "" leaves a part undrawn.
        `facets` draws the edges between its six sides; a `clear` part does not hide pen lines.
        """
        item.data.materials.append(material)
        bpy.context.scene.collection.objects.link(item)
        rotation = Euler(np.radians(turn).tolist()).to_matrix().to_4x4()
        item.matrix_world = Matrix.Translation(Vector(np.asarray(at, dtype=float))) @ rotation
        self.parts.append(Part(item, outline, facets, clear))
        return item

    def line(self, points: ArrayLike) -> None:
        """Have the pen draw a polyline (k, 3) wherever no opaque part hides it."""
        self.lines.append(np.asarray(points, dtype=float))

    def move(self, at: ArrayLike = (0, 0, 0), turn: ArrayLike = (0, 0, 0)) -> None:
        """Rotate (degrees) and then shift everything made so far."""
        rotation = Euler(np.radians(turn).tolist()).to_matrix().to_4x4()
        whole = Matrix.Translation(Vector(np.asarray(at, dtype=float))) @ rotation
        for part in self.parts:
            part.item.matrix_world = whole @ part.item.matrix_world
        matrix = np.array(whole)
        self.lines = [points @ matrix[:3, :3].T + matrix[:3, 3] for points in self.lines]

    def vertices(self) -> Points:
        """World positions of every vertex of every part, (k, 3)."""
        clouds = []
        for part in self.parts:
            local = np.empty(len(part.item.data.vertices) * 3)
            part.item.data.vertices.foreach_get("co", local)
            matrix = np.array(part.item.matrix_world)
            clouds.append(local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])
        return np.concatenate(clouds)

    def settle(self, sink: float = 0.0) -> None:
        """Put the lowest point at z = -sink and centre the subject on the z axis."""
        cloud = self.vertices()
        low, high = cloud.min(0), cloud.max(0)
        centre = (low + high) / 2
        self.move((-centre[0], -centre[1], -low[2] - sink))
        self.floor = 0.0
