"""Does a drawing with its class's name find more than each alone?

    python benchmarks/questions.py SKETCHY [--json questions.json]

Protocol: every sketch of Sketchy's 21 unseen classes (split paper21) against all photos of those
classes, by the bundled model with its prompts; a photo of its class is right. The words are
the class's name, as `sbir query --text` takes them. mAP@all as trec_eval computes it, and P@10.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbir_cli.config import EmbedConfig, SketchConfig
from sbir_cli.datasets.published import load_split
from sbir_cli.embedding import embed_files, photo_pixels, sketch_pixels
from sbir_cli.encoder import load_encoder
from sbir_cli.evaluation.metrics import ap_trec, precision_k
from sbir_cli.evaluation.ranking import best_first, relevant_ranks
from sbir_cli.question import Parts, blend
from sbir_cli.whole_model import WORDS_TEMPLATE

WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)


def main() -> None:
    """Embed once, then rank with each weight."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    unseen = sorted(load_split("sketchy", "paper21").unseen)
    encoder = load_encoder(None, "cpu")
    batch = EmbedConfig().batch_size

    def files(side: str) -> list[Path]:
        return [p for name in unseen for p in sorted((options.data / side / name).iterdir())]

    sketches, photos = files("sketch"), files("photo")
    fit = SketchConfig(fit=True)
    drawn = embed_files(
        sketches,
        lambda path: sketch_pixels(path, encoder.preprocess, fit),
        encoder.encode_sketches,
        batch_size=batch,
        workers=1,
    )
    found = embed_files(
        photos,
        lambda path: photo_pixels(path, encoder.preprocess),
        encoder.encode_photos,
        batch_size=batch,
        workers=1,
    )
    names = [WORDS_TEMPLATE.format(name.replace("_", " ")) for name in unseen]
    words = dict(zip(unseen, encoder.encode_texts(names), strict=True))
    labels = np.array([photos[i].parent.name for i in found.kept])
    owners = [sketches[i].parent.name for i in drawn.kept]

    def spread(vector: npt.NDArray[np.float32]) -> float:
        return float((found.vectors @ vector).std())

    rows = []
    for weight in WEIGHTS:
        questions = np.stack(
            [
                blend(Parts(sketches=[sketch], words=[words[owner]]), weight, spread)
                for sketch, owner in zip(drawn.vectors, owners, strict=True)
            ]
        )
        order = best_first(questions @ found.vectors.T)
        relevant = labels[order] == np.array(owners)[:, None]
        ranks = [each[None] for each in relevant_ranks(relevant)]
        rows.append(
            {
                "weight of the words": weight,
                "mAP@all trec": float(np.mean([ap_trec(each, None) for each in ranks])),
                "P@10": float(np.mean([precision_k(each, 10) for each in ranks])),
            }
        )
    print(f"{len(owners)} sketches, {len(labels)} photos, {len(unseen)} unseen classes")
    print(f"{'weight of the words':>20} {'mAP@all trec':>14} {'P@10':>8}")
    for row in rows:
        print("{:20.2f} {:14.4f} {:8.4f}".format(*row.values()))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
