"""A synthetic camera: perspective, light, blur, noise and JPEG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter

from held_up.pages import Floats, Random


def tilted(page: Floats, ground: Floats, angle: float, tip: float, fill: float) -> Floats:
    """The page seen askew on a ground of another size.

    Args:
        angle: turned by this many degrees.
        tip: how much narrower the far edge is (0 to 1).
        fill: the page's width as a share of the ground's.
    """
    high, wide = ground.shape[:2]
    h, w = page.shape[:2]
    scale = fill * min(wide / w, high / h)
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2 * scale
    corners[:2, 0] *= 1 - tip
    turn = np.radians(angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    seen = corners @ rotation.T + np.array([wide, high]) / 2
    source = np.array([[0, 0], [w, 0], [w, h], [0, h]], dtype=float)
    coefficients = _homography(seen, source)
    picture = Image.fromarray(page.clip(0, 255).astype(np.uint8)).convert("RGBA")
    warped = picture.transform(
        (wide, high), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC
    )
    values = np.asarray(warped, dtype=np.float64)
    cover = values[..., 3:] / 255
    shade = np.asarray(
        Image.fromarray((cover[..., 0] * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(7)),
        dtype=np.float64,
    )
    return ground * (1 - 0.3 * shade[..., None] / 255) * (1 - cover) + values[..., :3] * cover


def _homography(seen: Floats, source: Floats) -> tuple[float, ...]:
    rows, values = [], []
    for (x, y), (u, v) in zip(seen, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return tuple(np.linalg.solve(np.array(rows), np.array(values)))


def uneven_light(scene: Floats, rng: Random, depth: float = 0.5) -> Floats:
    """Light that falls off towards one side; `depth` is what is lost there (0 to 1)."""
    high, wide = scene.shape[:2]
    y, x = np.mgrid[:high, :wide]
    turn = rng.uniform(0, 2 * np.pi)
    along = (x / wide - 0.5) * np.cos(turn) + (y / high - 0.5) * np.sin(turn)
    return np.asarray(scene * (1 - depth * (along / 1.2 + 0.5).clip(0, 1))[..., None])


def hand_shadow(scene: Floats, rng: Random, depth: float = 0.5, soft: float = 3.0) -> Floats:
    """The shadow of a hand and arm that reaches in from a lower corner."""
    high, wide = scene.shape[:2]
    y, x = np.mgrid[:high, :wide]
    side = rng.choice([-1, 1])
    u = (x / wide - 0.5) * side
    v = y / high
    arm = (np.abs(u - (0.42 - 0.35 * (1 - v))) < 0.13) & (v > 0.45)
    hand = ((u - 0.18) / 0.2) ** 2 + ((v - 0.45) / 0.16) ** 2 < 1
    finger = (np.abs(u - 0.08 + 0.3 * (v - 0.3)) < 0.035) & (v > 0.18) & (v < 0.45)
    mask = Image.fromarray(((arm | hand | finger) * 255).astype(np.uint8))
    dark = np.asarray(mask.filter(ImageFilter.GaussianBlur(soft)), dtype=np.float64) / 255
    return scene * (1 - depth * dark)[..., None]


def glare(scene: Floats, rng: Random, strength: float = 120.0) -> Floats:
    """The reflection of a lamp or window."""
    high, wide = scene.shape[:2]
    y, x = np.mgrid[:high, :wide]
    cx, cy = rng.uniform(0.2, 0.8) * wide, rng.uniform(0.1, 0.4) * high
    far = ((x - cx) / (0.16 * wide)) ** 2 + ((y - cy) / (0.12 * high)) ** 2
    return np.asarray(scene + (strength * np.exp(-far))[..., None])


def moire(scene: Floats, rng: Random, amount: float = 10.0) -> Floats:
    """The pixels of a screen beating with those of the camera."""
    high, wide = scene.shape[:2]
    y, x = np.mgrid[:high, :wide]
    turn = rng.uniform(0.1, 0.5)
    out = scene.copy()
    for channel, period in enumerate((7.0, 7.4, 7.8)):
        wave = np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / period)
        out[..., channel] += amount * wave * np.sin(2 * np.pi * y / 90 + channel)
    return out


def shoot(
    scene: Floats, rng: Random, blur: float = 0.8, noise: float = 4.0, quality: int = 80
) -> Image.Image:
    """What the camera stores: blurred, noisy, JPEG."""
    picture = Image.fromarray(scene.clip(0, 255).astype(np.uint8))
    values = np.asarray(picture.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float64)
    values = values + rng.normal(0, noise, values.shape)
    buffer = io.BytesIO()
    Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")
