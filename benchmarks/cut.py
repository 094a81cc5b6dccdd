"""Is a drawing answered when its thing is in the gallery, and not when it is not?

    python benchmarks/cut.py SKETCHY [--json cut.json]

Protocol: Sketchy's 21 unseen classes (split paper21); ten times, by a seed, 11 of them make the
gallery. Every sketch of all 21 is asked with `--min-score pN` of the bundled model: it is answered
if its best photo reaches the percentile. Precision: of the answered sketches, those whose class is
in the gallery. Recall: of the sketches whose class is there, the answered ones. Beside them the
share answered of those whose class is not there. Means over the ten; with p0 all are answered.
The second table is of the example gallery, asked with its own sketches and with all of Sketchy's.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbir_cli.config import EmbedConfig, SketchConfig
from sbir_cli.datasets.published import load_split
from sbir_cli.embedding import EmbeddedFiles, embed_files, photo_pixels, sketch_pixels
from sbir_cli.encoder import load_encoder
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.gallery import Gallery
from sbir_cli.imaging.background import drawings_of_nothing
from sbir_cli.storage import resources

PERCENTILES = (0, 50, 80, 90, 95, 99)
SPLITS, IN_GALLERY = 10, 11
EXAMPLES = Path(__file__).parents[1] / "examples"

Floats = npt.NDArray[np.float32]
Row = dict[str, float]


def main() -> None:
    """Embed once, then cut."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    unseen = sorted(load_split("sketchy", "paper21").unseen)
    encoder = load_encoder(None, "cpu")

    def files(side: str) -> list[Path]:
        return [p for name in unseen for p in sorted((options.data / side / name).iterdir())]

    sketches, photos = files("sketch"), files("photo")
    drawn = _sketches(encoder, sketches)
    found = embed_files(
        photos,
        lambda path: photo_pixels(path, encoder.preprocess),
        encoder.encode_photos,
        batch_size=EmbedConfig().batch_size,
        workers=1,
    )
    pixels = [encoder.preprocess(sketch.image) for sketch in drawings_of_nothing()]
    nothing = encoder.encode_sketches(np.stack(pixels))
    owners = np.array([sketches[i].parent.name for i in drawn.kept])
    labels = np.array([photos[i].parent.name for i in found.kept])
    rng = np.random.default_rng(0)
    tables = []
    for _ in range(SPLITS):
        chosen = rng.permutation(unseen)[:IN_GALLERY]
        gallery = found.vectors[np.isin(labels, chosen)]
        there = np.isin(owners, chosen)
        tables.append(_rows(gallery, drawn.vectors[there], drawn.vectors[~there], nothing))
    means = [
        {key: float(np.mean([table[i][key] for table in tables])) for key in tables[0][i]}
        for i in range(len(PERCENTILES))
    ]
    _show(f"{len(owners)} sketches, galleries of {IN_GALLERY} of {len(unseen)} classes", means)
    own = _sketches(encoder, sorted((EXAMPLES / "sketches").glob("*/*.svg"))).vectors
    shipped = Gallery.open(resources.bundled_index()).embeddings()
    examples = _rows(shipped, own, drawn.vectors, nothing)
    _show(f"example gallery, its {len(own)} sketches and {len(owners)} of other things", examples)
    if options.json:
        tables_of = {"sketchy": means, "examples": examples}
        options.json.write_text(json.dumps(tables_of, indent=2) + "\n")


def _sketches(encoder: PromptedEncoder, paths: list[Path]) -> EmbeddedFiles:
    fit = SketchConfig(fit=True)
    return embed_files(
        paths,
        lambda path: sketch_pixels(path, encoder.preprocess, fit),
        encoder.encode_sketches,
        batch_size=EmbedConfig().batch_size,
        workers=1,
    )


def _rows(gallery: Floats, there: Floats, absent: Floats, nothing: Floats) -> list[Row]:
    """A row for each percentile."""
    right, wrong, reached = ((each @ gallery.T).max(axis=1) for each in (there, absent, nothing))
    rows = []
    for percentile in PERCENTILES:
        least = np.percentile(reached, percentile) if percentile else -1.0
        kept, passed = (right >= least).sum(), (wrong >= least).sum()
        rows.append(
            {
                "percentile": float(percentile),
                "precision": float(kept / max(kept + passed, 1)),
                "recall": float(kept / len(right)),
                "answered though absent": float(passed / len(wrong)),
            }
        )
    return rows


def _show(title: str, rows: list[Row]) -> None:
    print(title)
    print(f"{'--min-score':>12} {'precision':>10} {'recall':>8} {'answered though absent':>24}")
    for row in rows:
        percentile, *shares = row.values()
        print("{:>12} {:10.3f} {:8.3f} {:24.3f}".format(f"p{percentile:g}", *shares))


if __name__ == "__main__":
    main()
