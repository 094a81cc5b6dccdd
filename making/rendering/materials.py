"""Procedural surface materials for Blender's Cycles. Colours are linear RGB in 0..1."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import bpy

RGB = tuple[float, float, float]

BROWNS = ((0.36, 0.18, 0.08), (0.5, 0.31, 0.15), (0.16, 0.07, 0.035), (0.6, 0.43, 0.25))


def hsv(hue: float, saturation: float, value: float) -> RGB:
    """Convert hue (0..1, wraps), saturation and value to RGB."""
    return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def shade(color: RGB, factor: float) -> RGB:
    """Scale a colour's brightness, clipped to 0..1."""
    return tuple(min(1.0, max(0.0, c * factor)) for c in color)  # type: ignore[return-value]


def rgba(color: RGB) -> tuple[float, float, float, float]:
    """Append full opacity."""
    return (*color, 1.0)


class Surface:
    """A Principled surface whose inputs and texture nodes are set by short calls."""

    def __init__(self, color: RGB, roughness: float = 0.5, **inputs: float) -> None:
        """Start from a plain colour; `inputs` name Principled sockets, `_` for a space."""
        self.material = bpy.data.materials.new("surface")
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.bsdf = self.tree.nodes["Principled BSDF"]
        self.bsdf.inputs["Base Color"].default_value = rgba(color)
        self.bsdf.inputs["Roughness"].default_value = roughness
        for name, value in inputs.items():
            self.bsdf.inputs[name.replace("_", " ").title()].default_value = value

    def node(self, kind: str, **inputs: object) -> bpy.types.Node:
        """Add a node of type `kind`; an input given as a socket is linked, else set."""
        node = self.tree.nodes.new(kind)
        for name, value in inputs.items():
            socket = node.inputs[name.replace("_", " ")]
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, socket)
            else:
                socket.default_value = value
        return node

    def coordinates(self, stretch: Sequence[float] = (1, 1, 1)) -> bpy.types.NodeSocket:
        """Object coordinates, scaled per axis."""
        place = self.node("ShaderNodeTexCoord").outputs["Object"]
        return self.node("ShaderNodeMapping", Vector=place, Scale=tuple(stretch)).outputs[0]

    def noise(
        self, scale: float, stretch: Sequence[float] = (1, 1, 1), detail: float = 4.0
    ) -> bpy.types.NodeSocket:
        """A noise value in 0..1."""
        vector = self.coordinates(stretch)
        return self.node("ShaderNodeTexNoise", Vector=vector, Scale=scale, Detail=detail).outputs[0]

    def ramp(
        self, factor: bpy.types.NodeSocket, stops: Sequence[tuple[float, RGB]]
    ) -> bpy.types.NodeSocket:
        """Map a value in 0..1 to colours at the given stops."""
        node = self.node("ShaderNodeValToRGB", Fac=factor)
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, color) in zip(elements, stops, strict=True):
            element.position, element.color = position, rgba(color)
        return node.outputs[0]

    def paint(self, color: bpy.types.NodeSocket) -> Surface:
        """Use a colour socket as the base colour."""
        self.tree.links.new(color, self.bsdf.inputs["Base Color"])
        return self

    def bump(self, height: bpy.types.NodeSocket, strength: float, distance: float) -> Surface:
        """Perturb the normals by a height socket."""
        node = self.node("ShaderNodeBump", Height=height, Strength=strength, Distance=distance)
        self.tree.links.new(node.outputs[0], self.bsdf.inputs["Normal"])
        return self


def ceramic(color: RGB, roughness: float = 0.12) -> bpy.types.Material:
    """Glazed pottery: a slightly uneven colour under a clear coat."""
    surface = Surface(color, roughness, Coat_Weight=0.5, Coat_Roughness=0.05)
    speckle = surface.noise(9.0)
    surface.paint(surface.ramp(speckle, [(0.3, shade(color, 0.82)), (0.65, color)]))
    return surface.material


def plastic(color: RGB, roughness: float = 0.35) -> bpy.types.Material:
    """Moulded plastic, rubber (rough) or paint."""
    return Surface(color, roughness).material


def metal(color: RGB = (0.75, 0.75, 0.77), roughness: float = 0.2) -> bpy.types.Material:
    """Bare metal with smudges that vary its roughness."""
    surface = Surface(color, roughness, Metallic=1.0)
    smudge = surface.noise(4.0)
    low, high = (roughness * 0.6,) * 3, (min(1.0, roughness * 1.7),) * 3
    value = surface.ramp(smudge, [(0.35, low), (0.7, high)])
    surface.tree.links.new(value, surface.bsdf.inputs["Roughness"])
    return surface.material


def glass(tint: RGB = (0.93, 0.97, 0.97)) -> bpy.types.Material:
    """Thin clear glass: see-through, with reflections that grow towards its edges.

    It does not refract, so that light reaches what is inside without caustics.
    """
    surface = Surface(tint)
    clear = surface.node("ShaderNodeBsdfTransparent", Color=rgba(tint))
    shine = surface.node("ShaderNodeBsdfGlossy", Roughness=0.03)
    edge = surface.node("ShaderNodeLayerWeight", Blend=0.22)
    mix = surface.tree.nodes.new("ShaderNodeMixShader")
    link = surface.tree.links.new
    link(edge.outputs["Fresnel"], mix.inputs[0])
    link(clear.outputs[0], mix.inputs[1])
    link(shine.outputs[0], mix.inputs[2])
    link(mix.outputs[0], surface.tree.nodes["Material Output"].inputs["Surface"])
    return surface.material


def emitter(color: RGB, strength: float) -> bpy.types.Material:
    """A surface that shines."""
    surface = Surface(color, 1.0)
    surface.bsdf.inputs["Emission Color"].default_value = rgba(color)
    surface.bsdf.inputs["Emission Strength"].default_value = strength
    return surface.material


def wood(
    color: RGB, axis: str = "z", scale: float = 3.0, roughness: float = 0.4
) -> bpy.types.Material:
    """Wood whose grain runs along the object's own `axis`."""
    stretch = {"x": (0.12, 1, 1), "y": (1, 0.12, 1), "z": (1, 1, 0.12)}[axis]
    surface = Surface(color, roughness, Coat_Weight=0.15)
    grain = surface.noise(scale * 3, stretch, detail=8.0)
    stops = [(0.32, shade(color, 0.5)), (0.5, color), (0.68, shade(color, 1.35))]
    surface.paint(surface.ramp(grain, stops)).bump(grain, 0.15, 0.02)
    return surface.material


def mottled(
    light: RGB, dark: RGB, scale: float, roughness: float = 0.6, bump: float = 0.2
) -> bpy.types.Material:
    """Two colours blended by noise, with matching relief: skin, stone, soil, sand."""
    surface = Surface(light, roughness)
    noise = surface.noise(scale, detail=8.0)
    surface.paint(surface.ramp(noise, [(0.35, dark), (0.65, light)]))
    return surface.bump(noise, bump, 0.05).material


def fabric(color: RGB, scale: float = 60.0) -> bpy.types.Material:
    """Woven cloth."""
    surface = Surface(color, 0.9, Sheen_Weight=0.3)
    weave = surface.noise(scale, detail=2.0)
    surface.paint(surface.ramp(weave, [(0.3, shade(color, 0.7)), (0.7, color)]))
    return surface.bump(weave, 0.3, 0.02).material


def checked(first: RGB, second: RGB, scale: float, roughness: float = 0.8) -> bpy.types.Material:
    """A chequered surface such as a table cloth or tiles; `scale` is squares per unit."""
    surface = Surface(first, roughness)
    board = surface.node("ShaderNodeTexChecker", Vector=surface.coordinates(), Scale=scale)
    board.inputs["Color1"].default_value = rgba(first)
    board.inputs["Color2"].default_value = rgba(second)
    return surface.paint(board.outputs[0]).material


def bricks(
    color: RGB, joint: RGB, scale: float, width: float, height: float, roughness: float = 0.5
) -> bpy.types.Material:
    """Courses of bricks, planks or tiles in the object's x-y plane."""
    surface = Surface(color, roughness)
    grain = surface.noise(6.0, (0.2, 2, 1), detail=6.0)
    light = surface.ramp(grain, [(0.3, shade(color, 0.65)), (0.7, shade(color, 1.2))])
    dark = surface.ramp(grain, [(0.3, shade(color, 0.45)), (0.7, shade(color, 0.9))])
    node = surface.node(
        "ShaderNodeTexBrick", Vector=surface.coordinates(), Scale=scale, Color1=light, Color2=dark
    )
    node.inputs["Mortar"].default_value = rgba(joint)
    node.inputs["Mortar Size"].default_value = 0.008
    node.inputs["Brick Width"].default_value = width
    node.inputs["Row Height"].default_value = height
    return surface.paint(node.outputs[0]).material
