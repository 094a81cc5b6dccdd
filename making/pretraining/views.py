"""Photos of 3D models: ``python views.py --data DATA --packages DIR --work WORK``.

Renders Sweet Home 3D's additional models (``apt-get download sweethome3d-furniture``; CC BY 3.0 by
Andrew Kator and Jennifer Legaz, Reallusion, Scopia and the BlendSwap contributors, and CC0) from
eight sides each, with Blender as a Python module (``pip install bpy``, no GPU needed). Writes
``WORK/pictures/photo/<name>/view-*.png``, transparent around the thing. ``packages.py`` says which
models take part. None of them is in the examples.
"""

import math
import random
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
from mathutils import Vector
from packages import class_names, one, read_options, resolve, unpack

VIEWS = 8
SIDE = 144
SAMPLES = 9


def models(folder: Path, known: frozenset[str]) -> Iterator[tuple[str, str, Path]]:
    """Class name, file stem and Wavefront file of every model that takes part."""
    for path in sorted(folder.rglob("*.sh3f")):
        place = path.with_suffix("")
        with zipfile.ZipFile(path) as archive:
            archive.extractall(place)
        catalogue = (place / "PluginFurnitureCatalog.properties").read_text("latin1")
        values = dict(line.split("=", 1) for line in catalogue.splitlines() if "=" in line)
        for key, model in values.items():
            if key.startswith("model#") and model.endswith(".obj"):
                number = key.removeprefix("model#")
                words = values.get(f"name#{number}", "").lower().split()
                ends = [" ".join(words[start:]) for start in range(len(words))]
                name = resolve(ends, known)
                if name:
                    yield name, f"view-{path.stem}-{number}", place / model.lstrip("/")


def load(path: Path) -> tuple[Any, Any, float]:
    """An empty scene with the model; returns the scene, the model's centre and its diameter."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.obj_import(filepath=str(path))
    meshes = [thing for thing in bpy.data.objects if thing.type == "MESH"]
    corners = [
        thing.matrix_world @ Vector(corner) for thing in meshes for corner in thing.bound_box
    ]
    low = Vector([min(corner[axis] for corner in corners) for axis in range(3)])
    high = Vector([max(corner[axis] for corner in corners) for axis in range(3)])
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.max_bounces = SAMPLES, 3
    scene.cycles.use_denoising = False
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    return scene, (low + high) / 2, max((high - low).length, 1e-6)


def direction(azimuth: float, elevation: float) -> Any:
    """A unit vector; azimuth 0 is the model's front; radians."""
    flat = math.cos(elevation)
    return Vector((math.sin(azimuth) * flat, -math.cos(azimuth) * flat, math.sin(elevation)))


def turn(thing: Any, towards: Any) -> None:
    """Make a camera or a lamp look from a direction at the model."""
    thing.rotation_euler = (-towards).to_track_quat("-Z", "Y").to_euler()


def shoot(scene: Any, centre: Any, size: float, rng: random.Random, out: Path) -> None:
    """One photo from a random side, mostly the front, a little above, in random light."""
    widest = 70 if rng.random() < 2 / 3 else 180
    azimuth = math.radians(rng.uniform(-widest, widest))
    towards = direction(azimuth, math.radians(rng.uniform(3, 40)))
    lens = bpy.data.cameras.new("camera")
    lens.angle = math.radians(rng.uniform(20, 50))
    distance = size * 0.5 / math.sin(lens.angle / 2) * rng.uniform(0.85, 1.1)
    lens.clip_start, lens.clip_end = distance / 1000, distance * 10
    camera = bpy.data.objects.new("camera", lens)
    camera.location = centre + towards * distance
    turn(camera, towards)
    sun = bpy.data.lights.new("sun", "SUN")
    sun.energy, sun.angle = rng.uniform(1, 4), 0.2
    lamp = bpy.data.objects.new("sun", sun)
    turn(lamp, direction(azimuth + rng.uniform(-1.2, 1.2), rng.uniform(0.5, 1.3)))
    for thing in (camera, lamp):
        scene.collection.objects.link(thing)
    scene.camera = camera
    sky = scene.world.node_tree.nodes["Background"]
    sky.inputs["Strength"].default_value = rng.uniform(0.4, 1.0)
    scene.render.filepath = str(out)
    bpy.ops.render.render(write_still=True)
    for thing in (camera, lamp):
        bpy.data.objects.remove(thing)


def main() -> None:
    """Render every model that takes part; what is there already is left alone."""
    options = read_options(__doc__)
    known = class_names(options.data)
    with tempfile.TemporaryDirectory() as folder:
        unpack(one(options.packages, "sweethome3d-furniture_*.deb"), Path(folder))
        for name, stem, model in models(Path(folder), known):
            out = options.work / "pictures" / "photo" / name
            out.mkdir(parents=True, exist_ok=True)
            if (out / f"{stem}-{VIEWS - 1}.png").exists():
                continue
            scene, centre, size = load(model)
            rng = random.Random(stem)
            for view in range(VIEWS):
                shoot(scene, centre, size, rng, out / f"{stem}-{view}.png")


if __name__ == "__main__":
    main()
