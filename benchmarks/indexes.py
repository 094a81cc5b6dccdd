"""What do the index types cost, and what do they find? Build, size, cold, warm, recall@10.

    python benchmarks/indexes.py [--photos 10000 100000] [--types flat hnsw ivf ivf-rabitq]
                                 [--dimension 512] [--json indexes.json] [--plot indexes.png]

Photos are made up: clusters of clusters, so that neighbours lie as unevenly as photos' do.
Questions are like sketches (`gallery/tuning.py`). Cold is a fresh process: import FAISS, read, one
search; warm is one search more. Each type is tuned to a recall@10 of 0.99, as `embed-gallery` does
it. Memory: three times the vectors (a million of 512 numbers: 6 GB).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from sbir_cli.config import IndexConfig
from sbir_cli.gallery.flat import Matrix
from sbir_cli.gallery.index import build_index
from sbir_cli.gallery.tuning import sketch_like

COLD = """
import sys, time; start = time.perf_counter()
import faiss, numpy as np
kind, path, question = sys.argv[1:]
flag = faiss.IO_FLAG_MMAP if kind == "ivf" else faiss.IO_FLAG_MMAP_IFC
index, asked = faiss.read_index(path, flag), np.load(question)
index.search(asked[:1], 10); cold = time.perf_counter() - start
times = []
for each in asked[1:21]:
    start = time.perf_counter(); index.search(each[None], 10)
    times.append(time.perf_counter() - start)
print(f"cold={cold:.3f} warm={1000 * sorted(times)[len(times) // 2]:.2f}")
"""


def made_up(count: int, dimension: int) -> Matrix:
    """(count, dimension) unit-length vectors."""
    random = np.random.default_rng(0)
    coarse = random.normal(size=(50, dimension))
    fine = coarse[random.integers(0, 50, 2000)] + 0.8 * random.normal(size=(2000, dimension))
    vectors = np.empty((count, dimension), dtype=np.float32)
    for start in range(0, count, 65_536):
        part = vectors[start : start + 65_536]
        part[:] = fine[random.integers(0, 2000, len(part))] + random.normal(size=part.shape)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def row(vectors: Matrix, kind: Any, folder: Path) -> dict[str, Any]:
    """The figures of one type."""
    start = time.perf_counter()
    built = build_index(vectors, IndexConfig(kind))
    seconds = time.perf_counter() - start
    path, question = folder / f"{kind}.faiss", folder / "question.npy"
    faiss.write_index(built.index, str(path))
    np.save(question, sketch_like(vectors, 21))
    command = [sys.executable, "-c", COLD, kind, str(path), str(question)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    cold, warm = (float(found) for found in re.findall(r"=([\d.]+)", done.stdout))
    size = path.stat().st_size / 1e6
    path.unlink()
    return {
        "photos": len(vectors),
        "type": kind,
        "build and tune, s": round(seconds, 1),
        "MB": round(size),
        "cold, s": cold,
        "warm, ms": warm,
        "recall@10": round(built.recall_at_10, 3),
    }


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """How each figure grows with the photos, a line a type."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = ("warm, ms", "cold, s", "build and tune, s", "MB")
    figure, panels = pyplot.subplots(1, len(names), figsize=(14, 3.2))
    for name, axes in zip(names, panels, strict=True):
        for kind in dict.fromkeys(row["type"] for row in rows):
            points = [(row["photos"], row[name]) for row in rows if row["type"] == kind]
            axes.plot(*zip(*points, strict=True), marker="o", label=kind)
        axes.set(title=name, xlabel="photos", xscale="log", yscale="log")
    panels[0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--types", nargs="+", default=["flat", "hnsw", "ivf", "ivf-rabitq"])
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in options.photos:
            vectors = made_up(count, options.dimension)
            for kind in options.types:
                rows.append(row(vectors, kind, Path(folder)))
                print("  ".join(f"{k} {v}" for k, v in rows[-1].items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
