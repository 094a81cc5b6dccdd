"""Turn clean strokes into a quick drawing by an unsteady hand, and write SVG and PNG."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Stroke = NDArray[np.float64]  # (points, 2), x right and y down

SIDE = 256  # width and height of a drawing, in its own units and in PNG pixels


@dataclass(frozen=True)
class Hand:
    """One person's way of drawing; lengths are in drawing units."""

    drift: float  # how far whole regions are misplaced
    wobble: float  # unsteadiness along a stroke
    misplace: float  # how far each stroke is off
    overshoot: float  # how far stroke ends run on or fall short
    width: float  # of the pen


def any_hand(rng: np.random.Generator) -> Hand:
    """A random hand, from careful to hasty."""
    haste = rng.uniform(0.35, 1.0)
    return Hand(5.0 * haste, 1.1 * haste, 1.8 * haste, 5.0 * haste, rng.uniform(2.6, 3.4))


def resample(stroke: Stroke, step: float) -> Stroke:
    """Points about `step` apart along a stroke."""
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(stroke, axis=0), axis=1))])
    count = max(2, round(along[-1] / step) + 1)
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, stroke[:, i]) for i in (0, 1)], 1)


def fit(strokes: list[Stroke], margin: float) -> list[Stroke]:
    """Scale and centre a drawing to fill the page up to the margin."""
    cloud = np.concatenate(strokes)
    low, high = cloud.min(0), cloud.max(0)
    scale = (SIDE - 2 * margin) / float((high - low).max())
    return [(s - (low + high) / 2) * scale + SIDE / 2 for s in strokes]


def misjudge(strokes: list[Stroke], hand: Hand, rng: np.random.Generator) -> list[Stroke]:
    """Get proportions slightly wrong: a small affine error and slow waves over the page."""
    error = np.eye(2) + rng.normal(0, 0.008 * hand.drift, (2, 2))
    waves = rng.uniform(0.008, 0.022, (4, 2)) * rng.choice([-1, 1], (4, 2)) * 2 * np.pi / 3
    phase = rng.uniform(0, 2 * np.pi, 4)
    push = rng.normal(0, hand.drift / 3, (4, 2))
    moved = []
    for stroke in strokes:
        p = (stroke - SIDE / 2) @ error.T + SIDE / 2
        moved.append(p + np.sin(p @ waves.T + phase) @ push)
    return moved


def tremble(count: int, reach: float, amount: float, rng: np.random.Generator) -> Stroke:
    """Slowly varying noise (count, 2) that changes over about `reach` samples."""
    knots = rng.normal(0, amount, (int(count / reach) + 4, 2))
    spots = np.linspace(1, len(knots) - 2, count)
    weights = np.exp(-0.5 * ((spots[:, None] - np.arange(len(knots))) / 0.7) ** 2)
    shake: Stroke = (weights / weights.sum(1, keepdims=True)) @ knots
    return shake


def reopen(stroke: Stroke, hand: Hand, rng: np.random.Generator) -> Stroke:
    """Start a closed stroke at the top somewhere and let its end miss the start."""
    ring = stroke[:-1]
    # People tend to begin a closed shape near its top.
    start = int(np.argmin(ring[:, 1] + rng.normal(0, 12) * np.sign(ring[:, 0] - SIDE / 2)))
    ring = np.roll(ring, -start, axis=0)
    lap = int(rng.integers(0, max(1, min(len(ring) // 8, int(hand.overshoot)) + 1)))
    path = np.concatenate([ring, ring[: lap + 1]])
    gap = rng.normal(0, hand.misplace, 2)
    return path + gap * (np.linspace(0, 1, len(path))[:, None] ** 3)


def run_on(stroke: Stroke, hand: Hand, rng: np.random.Generator) -> Stroke:
    """Lengthen or shorten the ends of an open stroke."""
    path = stroke
    for _ in range(2):
        extra = rng.uniform(-0.4, 1.0) * hand.overshoot
        step = path[-1] - path[max(0, len(path) - 4)]
        step = step / (np.linalg.norm(step) + 1e-9)
        if extra > 1:
            path = np.concatenate([path, path[-1:] + step * extra])
        elif extra < -1 and len(path) > 8:
            path = path[:-1]
        path = path[::-1]
    return path


def draw_stroke(stroke: Stroke, hand: Hand, rng: np.random.Generator) -> Stroke:
    """One stroke as the hand would draw it, sampled every few units."""
    closed = len(stroke) > 3 and float(np.linalg.norm(stroke[0] - stroke[-1])) < 0.5
    path = resample(stroke, 3.0)
    path = reopen(path, hand, rng) if closed else run_on(path, hand, rng)
    size = min(1.0, len(path) * 3 / 60)  # short strokes are misplaced less
    path = path + tremble(len(path), 9.0, hand.wobble, rng)
    return path + rng.normal(0, hand.misplace / 2 * size, 2)


def draw(strokes: list[Stroke], rng: np.random.Generator) -> tuple[list[Stroke], Hand]:
    """A whole drawing by a random hand on a SIDE x SIDE page."""
    hand = any_hand(rng)
    page = misjudge(fit(strokes, rng.uniform(20, 32)), hand, rng)
    return fit([draw_stroke(s, hand, rng) for s in page], rng.uniform(16, 26)), hand


def thin_out(path: Stroke, tolerance: float) -> Stroke:
    """Douglas-Peucker: drop points closer than `tolerance` to the chord."""
    if len(path) < 3:
        return path
    chord = path[-1] - path[0]
    size = float(np.linalg.norm(chord))
    offset = path - path[0]
    away = np.abs(offset[:, 0] * chord[1] - offset[:, 1] * chord[0]) / (size + 1e-9)
    if size < 1e-6:
        away = np.linalg.norm(offset, axis=1)
    k = int(away.argmax())
    if away[k] < tolerance:
        return path[[0, -1]]
    return np.concatenate([thin_out(path[: k + 1], tolerance)[:-1], thin_out(path[k:], tolerance)])


def path_data(stroke: Stroke) -> str:
    """SVG path text: quadratic curves between the midpoints of the stroke's points."""
    points = thin_out(stroke, 0.35)
    middle = (points[1:-2] + points[2:-1]) / 2
    text = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for control, end in zip(points[1:-1], [*middle, points[-1]], strict=False):
        text.append(f"Q{control[0]:.1f} {control[1]:.1f} {end[0]:.1f} {end[1]:.1f}")
    if len(points) == 2:
        text.append(f"L{points[1][0]:.1f} {points[1][1]:.1f}")
    return " ".join(text)


def save_svg(path: Path, strokes: list[Stroke], hand: Hand) -> None:
    """Write strokes as an SVG drawing of open black paths."""
    lines = [f'<path d="{path_data(stroke)}"/>' for stroke in strokes]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">'
    style = f'stroke-width="{hand.width:.1f}" stroke-linecap="round" stroke-linejoin="round"'
    group = f'<g fill="none" stroke="black" {style}>'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([head, group, *lines, "</g>", "</svg>", ""]), encoding="utf-8")


def read_path(data: str) -> Stroke:
    """Flatten path text written by `path_data` to a polyline."""
    points: list[Stroke] = []
    t = np.linspace(0, 1, 9)[1:, None]
    for command, body in re.findall(r"([MLQ])([^MLQ]*)", data):
        p = np.array(body.split(), dtype=float).reshape(-1, 2)
        if command == "Q":
            start = points[-1][-1]
            curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * p[0] + t**2 * p[1]
            points.append(curve)
        else:
            points.append(p)
    return np.concatenate(points)


def save_png(svg: Path, png: Path) -> None:
    """Draw an SVG written by `save_svg` in black on white, SIDE pixels square."""
    text = svg.read_text(encoding="utf-8")
    found = re.search(r'stroke-width="([\d.]+)"', text)
    width = float(found.group(1)) if found else 3.0
    zoom = 4
    image = Image.new("L", (SIDE * zoom, SIDE * zoom), 255)
    canvas = ImageDraw.Draw(image)
    radius = width * zoom / 2
    for data in re.findall(r'<path d="([^"]+)"', text):
        line = resample(read_path(data) * zoom, 2.0)
        canvas.line([tuple(p) for p in line], fill=0, width=round(width * zoom))
        for x, y in line:
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
    image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(png, optimize=True)
