"""Make `sbir_cli/imaging/background.ndjson`, the drawings of nothing, from the example sketches.

    python making/make_background.py

Each is of strokes of two or three example drawings of different classes, picked, turned and moved
at random from a fixed seed, and written as Quick, Draw! does: whole numbers from 0 to 255.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbir_cli.imaging.vector import read_strokes

HERE = Path(__file__).resolve().parents[1]
OUT = HERE / "sbir_cli" / "imaging" / "background.ndjson"
COUNT = 100

Points = npt.NDArray[np.float64]


def main() -> None:
    """Write COUNT drawings, a line each."""
    known = [_centred(path) for path in sorted((HERE / "examples/sketches").glob("*/*_1.svg"))]
    rng = np.random.default_rng(0)
    lines = [_line(_mixed(known, 2 + i % 2, rng)) for i in range(COUNT)]
    OUT.write_text("".join(lines), encoding="utf-8")
    print(f"{OUT}: {len(lines)} drawings, {OUT.stat().st_size:,} bytes")


def _centred(svg: Path) -> list[Points]:
    """The strokes of a drawing around 0, its longer side 1."""
    strokes = [np.asarray(s, dtype=np.float64) for s in read_strokes(svg.read_bytes()) or []]
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    return [(s - (low + high) / 2) / (high - low).max() for s in strokes]


def _mixed(known: list[list[Points]], count: int, rng: np.random.Generator) -> list[Points]:
    mixed: list[Points] = []
    for number in rng.choice(len(known), count, replace=False):
        strokes = known[number]
        kept = rng.random(len(strokes)) < 0.6
        if not kept.any():
            kept[rng.integers(len(strokes))] = True
        angle, size = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1)
        turn = size * np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=np.float64
        )
        move = rng.uniform(-0.35, 0.35, 2)
        mixed += [s @ turn + move for s, keep in zip(strokes, kept, strict=True) if keep]
    return mixed


def _line(strokes: list[Points]) -> str:
    points = np.concatenate(strokes)
    low, side = points.min(0), (points.max(0) - points.min(0)).max()
    drawing = []
    for stroke in strokes:
        whole = np.round((stroke - low) / side * 255).astype(int)
        moved = np.r_[True, (np.abs(np.diff(whole, axis=0)) > 0).any(axis=1)]
        spaced = _sparse(whole[moved])
        drawing.append([spaced[:, 0].tolist(), spaced[:, 1].tolist()])
    return json.dumps({"drawing": drawing}, separators=(",", ":")) + "\n"


def _sparse(points: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Points at least 5 of 255 apart, the last one kept."""
    kept = [points[0]]
    for point in points[1:]:
        if np.abs(point - kept[-1]).max() >= 5:
            kept.append(point)
    if not (kept[-1] == points[-1]).all():
        kept.append(points[-1])
    return np.array(kept)


if __name__ == "__main__":
    main()
