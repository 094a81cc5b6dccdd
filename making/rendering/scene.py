"""Light, camera and render settings around a finished subject."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

from rendering import grounds
from rendering.shapes import Points
from rendering.subject import Shot, Subject

SIDE = 256


def clear() -> None:
    """Start from an empty scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def world_color(color: tuple[float, float, float], strength: float) -> bpy.types.World:
    """Fill the surroundings with one colour."""
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (*color, 1.0)
    background.inputs["Strength"].default_value = strength
    # The sky is smooth: a small importance map spares seconds of noise look-ups per photo.
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 64
    return world


def cloudy_sky(subject: Subject) -> None:
    """A blue gradient with noise clouds; made here so that no sky image is needed."""
    tree = world_color((1, 1, 1), subject.uniform(0.8, 1.1)).node_tree
    nodes, link = tree.nodes, tree.links.new
    place = nodes.new("ShaderNodeTexCoord")
    stretch = nodes.new("ShaderNodeMapping")
    stretch.inputs["Scale"].default_value = (1.0, 1.0, 3.5)
    stretch.inputs["Location"].default_value = tuple(subject.rng.uniform(0, 9, 3))
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 1.8
    noise.inputs["Detail"].default_value = 9.0
    cover = nodes.new("ShaderNodeValToRGB")
    cover.color_ramp.elements[0].position = subject.uniform(0.45, 0.58)
    cover.color_ramp.elements[1].position = 0.75
    split = nodes.new("ShaderNodeSeparateXYZ")
    blue = nodes.new("ShaderNodeValToRGB")
    blue.color_ramp.elements[0].color = (0.60, 0.74, 0.90, 1)
    blue.color_ramp.elements[1].color = (0.10, 0.26, 0.65, 1)
    blue.color_ramp.elements[1].position = 0.6
    mix = nodes.new("ShaderNodeMixRGB")
    mix.inputs["Color2"].default_value = (0.95, 0.95, 0.97, 1)
    link(place.outputs["Generated"], stretch.inputs["Vector"])
    link(stretch.outputs[0], noise.inputs["Vector"])
    link(noise.outputs[0], cover.inputs[0])
    link(place.outputs["Generated"], split.inputs[0])
    link(split.outputs["Z"], blue.inputs[0])
    link(cover.outputs[0], mix.inputs["Fac"])
    link(blue.outputs[0], mix.inputs["Color1"])
    link(mix.outputs[0], nodes["Background"].inputs["Color"])


def add_light(kind: str, at: Points, energy: float, size: float, color: Points) -> None:
    """A light at `at` that points to the subject; size is metres, or radians for a sun."""
    light = bpy.data.lights.new("light", kind)
    light.energy, light.color = energy, tuple(color)
    if kind == "SUN":
        light.angle = size
    else:
        light.size = size
    item = bpy.data.objects.new("light", light)
    bpy.context.scene.collection.objects.link(item)
    item.location = at
    item.rotation_euler = (Vector((0, 0, 0.8)) - Vector(at)).to_track_quat("-Z", "Y").to_euler()


def from_angle(azimuth: float, elevation: float, distance: float) -> Points:
    """A point seen from the origin at angles in degrees; azimuth 0 is in front (-y)."""
    a, e = np.radians([azimuth, elevation])
    way: Points = np.array([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])
    return distance * way


def light_scene(subject: Subject, ground: str) -> None:
    """Window-like area lights indoors, sun and sky outdoors."""
    rng = subject.rng
    side = float(rng.choice([-1, 1])) * rng.uniform(25, 75)
    warm = np.array([1.0, rng.uniform(0.82, 0.98), rng.uniform(0.66, 0.98)])
    if ground in grounds.INDOOR:
        world_color((0.85, 0.92, 1.0), subject.uniform(0.25, 0.5))
        key = from_angle(side, rng.uniform(35, 60), 7.0)
        add_light("AREA", key, rng.uniform(420, 650), rng.uniform(1.5, 4.0), warm)
        rim = from_angle(180 - side, 50, 8.0)
        add_light("AREA", rim, rng.uniform(60, 200), 3.0, warm[::-1])
        return
    cloudy_sky(subject)
    sun = from_angle(side, rng.uniform(28, 60), 10.0)
    add_light("SUN", sun, rng.uniform(2.0, 4.0), np.radians(rng.uniform(0.6, 5)), warm)


def project(camera: bpy.types.Object, points: Points) -> Points:
    """Image positions (k, 2) of world points (k, 3): 0..1 from the bottom left."""
    top_right, _, bottom_left, _ = np.array(camera.data.view_frame(scene=bpy.context.scene))
    matrix = np.array(camera.matrix_world)
    local = (points - matrix[:3, 3]) @ matrix[:3, :3]
    spots = local[:, :2] * (bottom_left[2] / local[:, 2:])
    placed: Points = (spots - bottom_left[:2]) / (top_right - bottom_left)[:2]
    return placed


def frame(camera: bpy.types.Object, cloud: Points, view: Points, fill: float) -> None:
    """Back the camera off along `view` until the subject spans `fill` of the frame."""
    aim = (cloud.min(0) + cloud.max(0)) / 2
    distance = 8.0
    for _ in range(8):
        camera.location = aim + view * distance
        turn = (-Vector(view)).to_track_quat("-Z", "Y")
        camera.rotation_euler = turn.to_euler()
        bpy.context.view_layer.update()
        seen = project(camera, cloud)
        low, high = seen.min(0), seen.max(0)
        width = 2 * distance * np.tan(camera.data.angle / 2)
        shift = ((low + high) / 2 - 0.5) * width
        right, up = turn @ Vector((1, 0, 0)), turn @ Vector((0, 1, 0))
        aim = aim + shift[0] * np.array(right) + shift[1] * np.array(up)
        distance *= float(np.clip((high - low).max() / fill, 0.5, 2.0))


def add_camera(subject: Subject, shot: Shot) -> bpy.types.Object:
    """A camera with a shallow focus that frames the subject slightly off centre."""
    rng = subject.rng
    data = bpy.data.cameras.new("camera")
    data.lens = rng.uniform(45, 75)
    camera = bpy.data.objects.new("camera", data)
    scene = bpy.context.scene
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    cloud = subject.vertices()
    cloud = cloud[rng.permutation(len(cloud))[:2500]]
    view = from_angle(rng.uniform(*shot.azimuth), rng.uniform(*shot.elevation), 1.0)
    frame(camera, cloud, view, rng.uniform(*shot.fill))
    distance = float((np.array(camera.location) - cloud.mean(0)) @ view)
    data.shift_x, data.shift_y = rng.uniform(-0.05, 0.05), rng.uniform(-0.03, 0.05)
    data.dof.use_dof, data.dof.focus_distance = True, distance
    # An opening in proportion to the distance blurs alike whatever the subject's size.
    data.dof.aperture_fstop = data.lens / 1000 / (distance * rng.uniform(0.015, 0.032))
    bpy.context.view_layer.update()
    return camera


def stage(subject: Subject, shot: Shot) -> bpy.types.Object:
    """Surround a built subject with ground, light and camera; returns the camera."""
    ground = subject.cycle(shot.grounds)
    if ground != "air":
        subject.settle(shot.sink)
    grounds.GROUNDS[ground](subject)
    light_scene(subject, ground)
    return add_camera(subject, shot)


def render(path: Path, samples: int) -> None:
    """Render the scene to a PNG of SIDE pixels square."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.max_bounces = 6
    scene.cycles.diffuse_bounces, scene.cycles.glossy_bounces = 2, 3
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.cycles.seed = 0
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.35
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
