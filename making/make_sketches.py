"""Draw the example sketches from the contours that make_photos.py --contours wrote.

    python making/make_sketches.py --contours DIR    draw SVG and PNG, and write pairs.csv
    python making/make_sketches.py                   only export the SVG files to PNG

Needs numpy and pillow.
"""

from __future__ import annotations

import argparse
import csv
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
sys.path.insert(0, str(HERE))

import numpy as np  # noqa: E402
from rendering import pen, tracing  # noqa: E402

SKETCHED = (1, 3, 5)  # instances drawn, unless the class is listed below
CHOSEN: dict[str, tuple[int, ...]] = {
    "teapot": (1, 3, 4),
    "hourglass": (1, 4, 5),
    "candle": (2, 4, 6),
    "apple": (1, 2, 5),
    "banana": (2, 4, 6),
    "mushroom": (1, 3, 6),
    "donut": (1, 2, 4),
    "ice_cream": (1, 2, 4),
    "chair": (1, 3, 4),
    "table": (1, 2, 6),
    "umbrella": (1, 2, 5),
    "hat": (1, 2, 4),
    "guitar": (1, 3, 6),
    "hammer": (1, 4, 5),
    "sailboat": (1, 2, 5),
    "snowman": (1, 3, 6),
    "rocket": (1, 2, 5),
    "airplane": (1, 2, 3),
    "bicycle": (1, 2, 3),
    "eyeglasses": (2, 3, 5),
    "butterfly": (1, 2, 3),
    "fish": (1, 2, 3),
    "crown": (1, 3, 4),
    "wine_bottle": (1, 2, 7),
    "spoon": (2, 3, 8),
    "pizza": (1, 2, 3),
    "strawberry": (1, 5, 7),
    "cactus": (1, 2, 4),
    "book": (1, 3, 8),
    "ladder": (1, 4, 5),
}


def draw_sketch(contours: Path, svg: Path) -> None:
    """Draw one instance by a hand seeded from its name."""
    with np.load(contours) as data:
        parts = data["parts"]
        cuts = np.cumsum(data["lengths"])[:-1]
        lines = np.split(data["lines"], cuts) if len(data["lengths"]) else []
    strokes = tracing.trace(parts) + [line * len(parts) for line in lines]
    rng = np.random.default_rng(zlib.crc32(contours.stem.encode()))
    drawn, hand = pen.draw(strokes, rng)
    pen.save_svg(svg, drawn, hand)


def draw_all(contours: Path, out: Path) -> None:
    """Draw the chosen instances of every class that has contours."""
    for path in sorted(contours.glob("*.npz")):
        name, number = path.stem.rsplit("_", 1)
        if int(number) in CHOSEN.get(name, SKETCHED):
            draw_sketch(path, out / name / f"{path.stem}.svg")


def write_pairs(out: Path, pairs: Path) -> None:
    """List each sketch with the photo it was drawn from."""
    with pairs.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sketch", "photo"])
        for svg in sorted(out.glob("*/*.svg")):
            name = svg.parent.name
            writer.writerow([f"sketches/{name}/{svg.name}", f"photos/{name}/{svg.stem}.jpg"])


def main() -> None:
    """Draw, export and list the sketches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contours", type=Path, help="draw from the contours in this folder")
    parser.add_argument("--out", type=Path, default=EXAMPLES / "sketches")
    parser.add_argument("--pairs", type=Path, default=EXAMPLES / "pairs.csv")
    args = parser.parse_args()
    if args.contours:
        draw_all(args.contours, args.out)
        write_pairs(args.out, args.pairs)
    for svg in sorted(args.out.glob("*/*.svg")):
        pen.save_png(svg, svg.with_suffix(".png"))


if __name__ == "__main__":
    main()
