"""Augmentations of a whole batch of drawings at once, in torch.

Drawings are ink, (N, 1, H, W) float in 0..1, where 0 is white paper: what a warp brings in from
outside is then paper. ``paper`` turns ink into the black-on-white RGB picture that the tower sees.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional


def uniform(count: int, low: float, high: float, like: Tensor) -> Tensor:
    """(count, 1, 1, 1) random numbers in low..high."""
    return torch.empty(count, 1, 1, 1, device=like.device).uniform_(low, high)


def smooth_noise(count: int, channels: int, cells: int, size: int, like: Tensor) -> Tensor:
    """(count, channels, size, size) of smooth noise, a random value per cell, about -1..1."""
    coarse = torch.empty(count, channels, cells, cells, device=like.device).uniform_(-1, 1)
    return functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)


def warp(
    ink: Tensor,
    side: int,
    mirrored: Tensor,
    zoom: tuple[float, float],
    degrees: float,
    shift: float,
) -> Tensor:
    """Random zoom, aspect, rotation, shift and smooth bending, to (N, 1, side, side); some of them
    mirrored, (N,).

    zoom is the range of the magnification; shift and the bending are shares of the half width.
    """
    count = len(ink)
    scale = torch.exp(uniform(count, math.log(zoom[0]), math.log(zoom[1]), ink)).flatten()
    aspect = torch.exp(uniform(count, -0.2, 0.2, ink)).flatten()
    angle = uniform(count, -1, 1, ink).flatten() * math.radians(degrees)
    mirror = torch.where(mirrored, -1.0, 1.0)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    move = shift * (2 * torch.rand(count, 2, device=ink.device) - 1)
    rows = [mirror * cos * aspect, -mirror * sin, move[:, 0], sin * aspect, cos, move[:, 1]]
    matrix = torch.stack(rows, dim=1).view(count, 2, 3)
    grid = functional.affine_grid(matrix, [count, 1, side, side], align_corners=False)
    bend = 0.07 * uniform(count, 0, 1, ink) * smooth_noise(count, 2, 5, side, ink)
    return functional.grid_sample(ink, grid + bend.permute(0, 2, 3, 1), align_corners=False)


def rub_out(ink: Tensor) -> Tensor:
    """In every second drawing some patches lose their lines, a twentieth of the area or so."""
    noise = smooth_noise(len(ink), 1, 8, ink.shape[2], ink)
    level = torch.where(uniform(len(ink), 0, 1, ink) < 0.5, 0.85, 2.0)
    return ink * ((level - noise) * 4).clamp(0, 1)


def thicken(ink: Tensor) -> Tensor:
    """In every third drawing the lines grow by a pixel on each side, wholly or in part."""
    share = (uniform(len(ink), -1, 0.5, ink)).clamp(0, 1) * 2
    return torch.maximum(ink, share * functional.max_pool2d(ink, 3, stride=1, padding=1))


def augment(ink: Tensor, side: int, mirrored: Tensor) -> Tensor:
    """Drawings as they are trained on, (N, 1, side, side), some of them mirrored, (N,)."""
    ink = thicken(warp(ink, side, mirrored, (0.7, 1.3), 18.0, 0.12))
    return (rub_out(ink) * uniform(len(ink), 0.7, 1.6, ink)).clamp(0, 1)


def paper(ink: Tensor) -> Tensor:
    """Ink (N, 1, H, W) to black lines on white, RGB, (N, 3, H, W) in 0..1."""
    return (1 - ink).expand(-1, 3, -1, -1)
