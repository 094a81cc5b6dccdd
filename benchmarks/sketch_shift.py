"""How do drawings lie to photos? The four lengths by which an index is tuned (`gallery/tuning.py`).

    python benchmarks/sketch_shift.py [--json shift.json]

Each example sketch is taken apart against the photo it was drawn of, by the spread of photos (root
mean square distance from their mean): what is left of the photo's own deviation from the mean, what
lies along the directions in which photos vary (90 % of their variance), what lies beside them, and
how far all sketches' mean lies from all photos'.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np

from sbir_cli.encoder import load_sketch_encoder
from sbir_cli.gallery import Gallery
from sbir_cli.imaging.sketches import read_sketch
from sbir_cli.storage import resources

EXAMPLES = Path(__file__).parents[1] / "examples"


def lengths() -> dict[str, float]:
    """By their names in `gallery/tuning.py`."""
    encoder, gallery = load_sketch_encoder(), Gallery.open(resources.bundled_index())
    with (EXAMPLES / "pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    images = [read_sketch(EXAMPLES / row["sketch"]).image for row in rows]
    sketches = encoder.encode_sketches(np.stack([encoder.preprocess(each) for each in images]))
    ids = [gallery.id_of(EXAMPLES / row["photo"]) for row in rows]
    photos, every = np.stack([gallery.embedding_of(i or 0) for i in ids]), gallery.embeddings()
    mean, drawn = every.mean(axis=0), sketches.mean(axis=0)
    own, sketch = photos - mean, sketches - drawn
    spread = float(np.sqrt(np.square(every - mean).sum(axis=1).mean()))
    kept = float((sketch * own).sum() / np.square(own).sum())
    rest = sketch - kept * own
    _, scales, directions = np.linalg.svd(every - mean, full_matrices=False)
    share = np.cumsum(scales**2) / np.square(scales).sum()
    among = rest @ directions[: int(np.searchsorted(share, 0.9)) + 1].T
    inside = float(np.square(among).sum(axis=1).mean())
    whole = float(np.square(rest).sum(axis=1).mean())
    return {
        "OWN": kept,
        "OTHERS": inside**0.5 / spread,
        "BESIDE": (whole - inside) ** 0.5 / spread,
        "COMMON": float(np.linalg.norm(drawn - mean)) / spread,
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = lengths()
    for name, value in found.items():
        print(f"{name:7} {value:.2f}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
