"""How long do the metrics take? Every metric and protocol on Sketchy's counts, random embeddings.

    python benchmarks/evaluation.py [--json evaluation.json] [--queries 12694] [--photos 10453]

Protocol: random 512-d unit vectors in the 21 unseen classes of Sketchy's `paper21` split, spread
as its published counts are; ranked and scored (mAP@200, mAP@all by four protocols, P@100, P@200 by
two) by `sbir_cli.evaluation`, as `sbir evaluate` does, then the bootstrap intervals. Without
decoding and embedding, which are the encoder's time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

from sbir_cli.datasets import DataSet, load_split
from sbir_cli.embedding import Embeddings
from sbir_cli.evaluation.embedded import Embedded
from sbir_cli.evaluation.ranking import rank, score_rankings
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.evaluation.summary import summarise


def main() -> None:
    """Time ranking with scoring, and the intervals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--queries", type=int, default=12_694)
    parser.add_argument("--photos", type=int, default=10_453)
    options = parser.parse_args()
    embedded = random_embedded(options.queries, options.photos)
    config = EvaluationConfig()
    before = _peak_mib()
    start = time.perf_counter()
    found = [score_rankings(part, config.metrics) for part in rank(embedded, config.task)]
    ranked = time.perf_counter()
    values = np.concatenate([part for _, part in found])
    classes = [embedded.dataset.sketch_classes[i] for indices, _ in found for i in indices]
    summary = summarise(values, classes, config.metrics, "queries", config)
    end = time.perf_counter()
    result = {
        "queries": options.queries,
        "photos": options.photos,
        "metrics and protocols": len(summary),
        "cores": os.cpu_count(),
        "rank and score, s": round(ranked - start, 2),
        "bootstrap intervals, s": round(end - ranked, 2),
        "peak memory above the embeddings, MiB": round(_peak_mib() - before),
    }
    for name, value in result.items():
        print(f"{name:40} {value}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def random_embedded(queries: int, photos: int) -> Embedded:
    """Random unit vectors in classes as large as the published ones, in proportion."""
    split = load_split("sketchy", "paper21")
    random = np.random.default_rng(0)
    sides = []
    for count, published in (
        (queries, split.sketches_per_class),
        (photos, {name: n - 100 for name, n in split.photos_per_class.items()}),
    ):
        ends = np.cumsum([published[name] for name in split.unseen])
        places = (np.arange(count) + 0.5) / count * ends[-1]
        sides.append([split.unseen[i] for i in np.searchsorted(ends, places)])
    names = [[Path(f"{i:06}") for i in range(len(side))] for side in sides]
    dataset = DataSet(
        "sketchy", Path(), names[0], sides[0], names[1], sides[1], [None] * len(names[0])
    )
    vectors: list[Embeddings] = []
    for side in sides:
        drawn = random.normal(size=(len(side), 512)).astype(np.float32)
        vectors.append(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
    return Embedded(dataset, vectors[0], vectors[1], [])


def _peak_mib() -> float:
    """The largest this process has been; kernels other than macOS's count in KiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
