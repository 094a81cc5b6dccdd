"""Augmentations of a whole batch at once, in torch.

Photos are (N, 3, 64, 64) float RGB in 0..1. Sketches are ink, (N, 1, 64, 64) float in 0..1, where
0 is white paper: what a warp brings in from outside is then paper. ``paper`` turns ink into the
black-on-white RGB picture that the tower sees.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional


def uniform(count: int, low: float, high: float, like: Tensor) -> Tensor:
    """(count, 1, 1, 1) random numbers in low..high."""
    return torch.empty(count, 1, 1, 1, device=like.device).uniform_(low, high)


def mirrors(count: int, device: torch.device) -> Tensor:
    """(count,) of 1 and -1: which images ``warp`` turns left to right."""
    return torch.where(torch.rand(count, device=device) < 0.5, -1.0, 1.0)


def smooth_noise(count: int, channels: int, cells: int, like: Tensor) -> Tensor:
    """(count, channels, H, W) of smooth noise, a random value per cell, within about -1..1."""
    coarse = torch.empty(count, channels, cells, cells, device=like.device).uniform_(-1, 1)
    size = like.shape[2:]
    return functional.interpolate(coarse, size=size, mode="bicubic", align_corners=False)


def warp(
    images: Tensor,
    mirror: Tensor,
    zoom: tuple[float, float],
    degrees: float,
    shift: float,
    padding: str,
    elastic: float = 0.0,
) -> Tensor:
    """Random zoom, aspect, rotation, shift and smooth bending, bilinear, the same shape.

    mirror (N,) holds -1 for the images to turn left to right, else 1; zoom is the range of the
    magnification (> 1 crops); shift and the bending's size, elastic, are shares of the half width.
    """
    count = len(images)
    scale = torch.exp(uniform(count, math.log(zoom[0]), math.log(zoom[1]), images)).flatten()
    aspect = torch.exp(uniform(count, -0.2, 0.2, images)).flatten()
    angle = uniform(count, -1, 1, images).flatten() * math.radians(degrees)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    room = torch.clamp(1 - 1 / scale, min=0) + shift  # a crop may go anywhere inside the photo
    move = room[:, None] * (2 * torch.rand(count, 2, device=images.device) - 1)
    rows = [mirror * cos * aspect, -mirror * sin, move[:, 0], sin * aspect, cos, move[:, 1]]
    grid = functional.affine_grid(
        torch.stack(rows, dim=1).view(count, 2, 3), list(images.shape), align_corners=False
    )
    if elastic:
        grid = grid + elastic * smooth_noise(count, 2, 5, images).permute(0, 2, 3, 1)
    return functional.grid_sample(images, grid, padding_mode=padding, align_corners=False)


def recolour(photos: Tensor) -> Tensor:
    """Random tint, brightness, contrast, saturation, one photo in six grey; clipped to 0..1."""
    count = len(photos)
    grey = photos.mean(dim=1, keepdim=True)
    saturation = uniform(count, 0.5, 1.4, photos)
    saturation = torch.where(uniform(count, 0, 1, photos) < 1 / 6, 0.0, saturation)
    photos = grey + saturation * (photos - grey)
    level = grey.mean(dim=(2, 3), keepdim=True)
    photos = level + uniform(count, 0.6, 1.4, photos) * (photos - level)
    tint = torch.empty(count, 3, 1, 1, device=photos.device).uniform_(0.85, 1.15)
    return (photos * tint * uniform(count, 0.7, 1.3, photos)).clamp(0, 1)


def augment_photos(photos: Tensor, mirror: Tensor) -> Tensor:
    """Photos as they are trained on: a little nearer or farther, so that things are on average as
    large as in the whole photo that is embedded later; colour."""
    return recolour(warp(photos, mirror, (0.85, 1.3), 8.0, 0.03, "reflection"))


def augment_ink(ink: Tensor, mirror: Tensor) -> Tensor:
    """Sketches as they are trained on: bent, the line stronger or fainter, parts of it missing."""
    ink = warp(ink, mirror, (0.7, 1.35), 18.0, 0.12, "zeros", elastic=0.08)
    return (rub_out(ink) * uniform(len(ink), 0.8, 1.8, ink)).clamp(0, 1)


def rub_out(ink: Tensor) -> Tensor:
    """In every second drawing some patches lose their lines, a twentieth of the area or so."""
    noise = smooth_noise(len(ink), 1, 8, ink)
    level = torch.where(uniform(len(ink), 0, 1, ink) < 0.5, 0.85, 2.0)
    return ink * ((level - noise) * 4).clamp(0, 1)


def blur(images: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (N, 1, H, W) with a 5-tap separable kernel and reflected borders."""
    taps = torch.arange(-2, 3, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-(taps**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    images = functional.pad(images, (2, 2, 2, 2), mode="reflect")
    images = functional.conv2d(images, kernel.view(1, 1, 5, 1))
    return functional.conv2d(images, kernel.view(1, 1, 1, 5))


def thin_edges(grey: Tensor) -> Tensor:
    """Sobel gradient magnitude kept only at its crest (non-maximum suppression), (N, 1, H, W)."""
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], device=grey.device)
    padded = functional.pad(grey, (1, 1, 1, 1), mode="reflect")
    gx, gy = (functional.conv2d(padded, k.view(1, 1, 3, 3)) for k in (sobel, sobel.T))
    size = torch.sqrt(gx**2 + gy**2 + 1e-12)
    ring = functional.pad(size, (1, 1, 1, 1))
    height, width = size.shape[2:]
    sector = torch.round(torch.atan2(gy, gx) / (math.pi / 4)).long() % 4
    crest = torch.zeros_like(size)
    # The neighbour across the edge: right, below right, below, below left; and its opposite.
    for number, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = ring[:, :, 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        behind = ring[:, :, 1 - dy : 1 - dy + height, 1 - dx : 1 - dx + width]
        crest = torch.where(sector == number, torch.maximum(ahead, behind), crest)
    return size * (size >= crest)


def trace(photos: Tensor, mirror: Tensor) -> Tensor:
    """Line drawings of photos as they are trained on, (N, 1, 64, 64) ink."""
    ink = edge_ink(warp(photos, mirror, (0.95, 1.3), 8, 0.02, "border"))
    straight = torch.ones_like(mirror)
    ink = warp(ink, straight, (0.75, 1.15), 6, 0.05, "zeros", elastic=0.06)
    return rub_out(ink) * uniform(len(ink), 0.7, 1, ink)


def edge_ink(photos: Tensor) -> Tensor:
    """Line drawings of photos, (N, 1, 64, 64) ink: the strongest 4-13 % of the pixels.

    Edges of a blurred grey photo, thinned; a soft threshold at a random share of the pixels; then
    a line of random thickness, so that it looks drawn.
    """
    grey = blur(photos.mean(dim=1, keepdim=True), 0.7 + 1.3 * float(torch.rand(())))
    crest = thin_edges(grey)
    share = 0.04 + 0.09 * float(torch.rand(()))
    kept = max(1, round(share * crest[0].numel()))
    threshold = crest.flatten(1).topk(kept, dim=1).values[:, -1].clamp(min=0.04)
    ink = (crest / threshold.view(-1, 1, 1, 1) - 0.7).clamp(0, 1)
    thick = functional.max_pool2d(ink, 3, stride=1, padding=1)
    blend = uniform(len(ink), 0, 0.7, ink)
    return torch.maximum(ink, blend * thick)


def paper(ink: Tensor) -> Tensor:
    """Ink (N, 1, H, W) to black lines on white, RGB, (N, 3, H, W) in 0..1."""
    return (1 - ink).expand(-1, 3, -1, -1)
