"""Do the pairs that `sbir explain` shows lie on the drawn thing, and on its same part?

    blender/bin/python making/make_photos.py --samples 0 --contours contours --out none
    python benchmarks/explain.py --contours contours [--model MODEL] [--json explain.json]

Protocol: each of the example sketches with the rendered photo that it was drawn from. The renderer
says which pixels show the thing (making/README.md has how to install it; a minute for all).

- on the thing: the pair's point in the photo is such a pixel;
- touching it: a tenth of the cell around that point, or more, is such pixels;
- same part: the point lies within a quarter of the thing's longer side from where the sketch's
  point would be, were the drawing laid over the thing box on box. A hand gets proportions wrong, so
  that is the right place only roughly.

Chance puts each pair's point on every cell of the photo. Means over sketches with a pair.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbir_cli.config import SketchConfig
from sbir_cli.embedding import photo_image
from sbir_cli.encoder import load_encoder
from sbir_cli.explanation import Explanation, explain
from sbir_cli.imaging.sketches import read_sketch

EXAMPLES = Path(__file__).parents[1] / "examples"
Flags = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]


def main() -> None:
    """Explain every pair of examples and print the shares beside chance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contours", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    encoder = load_encoder(options.model, "cpu")
    with (EXAMPLES / "pairs.csv").open(encoding="utf-8") as file:
        known = [
            (EXAMPLES / row["sketch"], EXAMPLES / row["photo"]) for row in csv.DictReader(file)
        ]
    found, chance, counts = [], [], []
    for drawing, photo in known:
        sketch = read_sketch(drawing, SketchConfig(fit=True)).image
        why = explain(encoder, sketch, photo_image(photo, encoder.preprocess))
        counts.append(len(why.pairs))
        if not why.pairs:
            continue
        with np.load(options.contours / f"{photo.stem}.npz") as data:
            thing = data["parts"] > 0
        down, across = why.photo_heat.shape
        x, y = np.meshgrid((np.arange(across) + 0.5) / across, (np.arange(down) + 0.5) / down)
        left, top, width, height = why.window
        cells = np.stack([left + width * x, top + height * y], axis=-1).reshape(-1, 2)
        here = np.array([pair.photo for pair in why.pairs])
        size = width / across, height / down
        aims = _aims(why, thing)
        found.append(_shares(thing, here, aims, size))
        everywhere = [_shares(thing, cells, np.tile(aim, (len(cells), 1)), size) for aim in aims]
        chance.append(np.mean(everywhere, axis=0))
    measures = ("on the thing", "touching it", "same part")
    shares = {"explain": np.mean(found, axis=0), "chance": np.mean(chance, axis=0)}
    print(
        f"{len(known)} sketches with their photos, {encoder.name}: {np.mean(counts):.1f} pairs "
        f"each, {counts.count(0)} without a pair"
    )
    print(f"{'':10}" + "".join(f"{measure:>16}" for measure in measures))
    for name, values in shares.items():
        print(f"{name:10}" + "".join(f"{value:16.3f}" for value in values))
    if options.json:
        table = {n: dict(zip(measures, map(float, v), strict=True)) for n, v in shares.items()}
        options.json.write_text(json.dumps(table, indent=2) + "\n")


def _shares(thing: Flags, points: Points, aims: Points, size: tuple[float, float]) -> Points:
    """The three shares of some points with their aims, x and y in 0..1 of the photo."""
    side = np.array(thing.shape[::-1])
    spots = np.clip((points * side).astype(int), 0, side - 1)
    half = np.maximum((np.array(size) * side / 2).astype(int), 1)
    around = [
        thing[max(y - half[1], 0) : y + half[1], max(x - half[0], 0) : x + half[0]].mean()
        for x, y in spots
    ]
    low, high = _box(thing)
    near = np.linalg.norm(points - aims, axis=1) < 0.25 * (high - low).max()
    on = thing[spots[:, 1], spots[:, 0]]
    return np.array([on.mean(), np.mean(np.array(around) >= 0.1), near.mean()])


def _aims(why: Explanation, thing: Flags) -> Points:
    """Where each pair's sketch point would lie, were drawing and thing of one box."""
    from_low, from_high = _box(np.asarray(why.sketch.convert("L")) < 160)
    low, high = _box(thing)
    points = np.array([pair.sketch for pair in why.pairs])
    return np.asarray(low + (points - from_low) / (from_high - from_low) * (high - low))


def _box(flags: Flags) -> tuple[Points, Points]:
    """Least and greatest x and y, 0 to 1."""
    y, x = np.nonzero(flags)
    side = np.array(flags.shape[::-1])
    return np.array([x.min(), y.min()]) / side, (np.array([x.max(), y.max()]) + 1) / side


if __name__ == "__main__":
    main()
