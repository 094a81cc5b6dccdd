"""How soon does a command answer? Whole processes, as a user starts them; medians, min and max.

    python benchmarks/start.py [--json start.json] [--repeats 10] [--photos 1000 50000 1000000]
                               [--vit-b-32] [--update 100000]

`--photos`: cold queries on galleries of so many made-up embeddings of the bundled model.
`--vit-b-32` adds a ViT-B-32 of random weights: its first query, which makes the graph (needs the
extra `export`), and the later ones. `--update N` adds one photo to a gallery of N photos that lie
in 100 folders (made here, 1.5 kB each); seconds and the most memory. Everything is made in
a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image
from speed import SBIR, SKETCH, as_installed, random_model, with_peak

from sbir_cli.config import IndexConfig
from sbir_cli.encoder import PhotoEncoder, load_sketch_encoder
from sbir_cli.gallery.commit import commit
from sbir_cli.gallery.flat import held
from sbir_cli.gallery.manifest import PhotoRow
from sbir_cli.gallery.previous import shipped_background

Figures = dict[str, float]


def in_cache(cache: Path) -> dict[str, str]:
    """The environment of a command that keeps its files there."""
    return {**os.environ, "SBIR_CACHE": str(cache)}


def run(*args: str | Path, cache: Path) -> float:
    """Wall seconds of a command."""
    start = time.perf_counter()
    subprocess.run([*SBIR, *map(str, args)], check=True, capture_output=True, env=in_cache(cache))
    return time.perf_counter() - start


def repeated(*args: str | Path, cache: Path, repeats: int) -> Figures:
    """Median, min and max; the first run, which fills caches, is told apart."""
    first, *times = [run(*args, cache=cache) for _ in range(repeats + 1)]
    return {
        "median": round(statistics.median(times), 3),
        "min": round(min(times), 3),
        "max": round(max(times), 3),
        "first": round(first, 3),
    }


def made_up(index: Path, rows: list[PhotoRow], root: Path) -> None:
    """A gallery of random embeddings that stands for one of the bundled model."""
    encoder = cast("PhotoEncoder", load_sketch_encoder())
    random, dimension = np.random.default_rng(0), 512
    vectors = np.empty((len(rows), dimension), dtype=np.float32)
    for start in range(0, len(rows), 65_536):  # clusters, as photos have them
        part = vectors[start : start + 65_536]
        centres = np.random.default_rng(1).normal(size=(1000, dimension))
        part[:] = centres[random.integers(0, 1000, len(part))] + random.normal(size=part.shape)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    nothing = shipped_background()
    unmeasured = nothing and replace(nothing, best=())
    storage = IndexConfig()
    commit(index, held(vectors), rows, [], encoder, storage, root, False, background=unmeasured)


def at_size(count: int, folder: Path, cache: Path, repeats: int) -> Figures:
    """Cold queries on a gallery of so many photos, which need not be there."""
    index = folder / f"{count}.faiss"
    rows = [PhotoRow(f"{i // 1000:05}/{i:08}.jpg".encode(), 1, 1) for i in range(count)]
    made_up(index, rows, folder)
    found = repeated("query", SKETCH, "-q", "-i", index, cache=cache, repeats=repeats)
    index.unlink()
    return found


def update(count: int, folder: Path, cache: Path) -> Figures:
    """One photo more."""
    photos = folder / "photos"
    random = np.random.default_rng(0)
    for i in range(100):
        (photos / f"{i:03}").mkdir(parents=True)
    noise = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((96, 96)).save(photos / "one.jpg")
    data = (photos / "one.jpg").read_bytes()
    (photos / "one.jpg").unlink()
    rows = []
    for i in range(count):
        path = photos / f"{i % 100:03}" / f"{i:06}.jpg"
        path.write_bytes(data)
        status = path.stat()
        name = path.relative_to(photos).as_posix().encode()
        rows.append(PhotoRow(name, status.st_size, status.st_mtime_ns))
    rows.sort(key=lambda row: row.path)
    index = folder / "update.faiss"
    made_up(index, rows, photos)
    (photos / "new.jpg").write_bytes(data)
    figures, _ = with_peak([*SBIR, "embed-gallery", str(photos), "-o", str(index)], in_cache(cache))
    return figures


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--photos", type=int, nargs="*", default=[1000])
    parser.add_argument("--vit-b-32", action="store_true")
    parser.add_argument("--update", type=int, default=0)
    options = parser.parse_args()
    as_installed()
    results: dict[str, Figures] = {}

    def told(name: str, figures: Figures) -> None:
        results[name] = figures
        print(f"{name:44}", "  ".join(f"{k} {v}" for k, v in figures.items()), flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache, n = folder / "cache", options.repeats
        if options.update:
            photos = f"one more photo than {options.update:,}"
            told(photos, update(options.update, folder, cache))
        told("--help", repeated("--help", cache=cache, repeats=n))
        told("query, the examples", repeated("query", SKETCH, "-q", cache=cache, repeats=n))
        words = ("query", "--text", "teapot", "-q")
        told("query, words", repeated(*words, cache=cache, repeats=n))
        for count in options.photos:
            told(f"query, {count:,} photos", at_size(count, folder, cache, n))
        if options.vit_b_32:
            (folder / "model").mkdir()
            model = f"local-dir:{random_model(folder / 'model')}"
            index = folder / "vit.faiss"
            run("embed-gallery", SKETCH.parent, "-o", index, "--model", model, cache=cache)
            ask = ("query", SKETCH, "-q", "-i", index)
            told("query, ViT-B/32 (first: makes the graph)", repeated(*ask, cache=cache, repeats=n))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
