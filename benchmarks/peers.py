"""sbir beside rclip: the same model of random weights on both sides, in pairs, one after the other.

    python benchmarks/peers.py --rclip VENV [--json peers.json] [--plot peers.png]
                               [--photos 1000] [--large 16] [--pairs 7] [--rows start small large]

VENV is a virtual environment that has rclip (`make bench-peers` makes it). Both programs run a
ViT-B-32-256, rclip as an ONNX graph, which is made here. `start`: a whole cold query process on a
gallery of `--photos` photos, with that model and, for sbir, with the bundled one too. `small`
and `large`: photos a second into a new gallery, of 640 x 480 and of 4,000 x 3,000 pixels; the time
that one photo takes, which is the start, is taken off. A ratio is sbir's time by rclip's in the
same pair: below 1 sbir is faster. Photos and models are made in a temporary folder (1.5 GB).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from speed import SBIR, SKETCH, as_installed

ARCHITECTURE = "ViT-B-32-256"
RCLIP_MODEL = f"{ARCHITECTURE}-datacomp_s34b_b86k"  # where rclip looks for its graph
MAKE_MODELS = """
import json, sys, torch
from pathlib import Path
from sbir_cli.encoder.torchvision_ops import declare_missing_ops
declare_missing_ops()
import open_clip
from safetensors.torch import save_file
name, ours, theirs = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
torch.manual_seed(0)
model = open_clip.create_model(name).eval()
save_file(model.state_dict(), ours / "open_clip_model.safetensors")
config = {"model_cfg": open_clip.get_model_config(name), "preprocess_cfg": {}}
(ours / "open_clip_config.json").write_text(json.dumps(config))
program = torch.onnx.export(
    model.visual, (torch.zeros(2, 3, 256, 256),), dynamo=True, verbose=False,
    input_names=["input"], output_names=["output"],
    dynamic_shapes=({0: torch.export.Dim("batch")},),
)
program.save(str(theirs / "visual.onnx"))
(theirs / "textual.onnx").write_bytes(b"not asked for words")
"""


@dataclass(frozen=True)
class Bench:
    """Both programs and where they work."""

    folder: Path
    rclip: Path
    """rclip's program."""
    pairs: int

    @property
    def model(self) -> list[str]:
        """sbir's option."""
        return ["--model", f"local-dir:{self.folder / 'ours'}"]

    def call(self, command: list[str | Path], where: Path, data: str = "data") -> float:
        """Wall seconds of a process."""
        cache = str(self.folder / "cache")
        env = {**os.environ, "SBIR_CACHE": cache, "RCLIP_DATADIR": str(self.folder / data)}
        start = time.perf_counter()
        subprocess.run(command, cwd=where, env=env, check=True, capture_output=True)
        return time.perf_counter() - start

    def ask_rclip(self, photos: Path) -> float:
        """A query on what it has indexed."""
        return self.call([self.rclip, "--no-indexing", "--top", "10", "-f", SKETCH], photos)

    def ask_sbir(self, index: Path) -> float:
        """The same."""
        return self.call([*SBIR, "query", SKETCH, "-q", "-i", index], self.folder)

    def index_rclip(self, photos: Path) -> float:
        """Photos into a new database, and a query; no photo is indexed twice."""
        fresh = self.folder / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(self.folder / "data", fresh, ignore=shutil.ignore_patterns("db*"))
        return self.call([self.rclip, "--top", "10", "-f", SKETCH], photos, "fresh")

    def index_sbir(self, photos: Path) -> float:
        """Photos into a new gallery."""
        index = self.folder / "fresh.faiss"
        for file in (index, index.with_name("fresh.faiss.db")):
            file.unlink(missing_ok=True)
        return self.call(
            [*SBIR, "embed-gallery", photos, "-q", "-o", index, *self.model], self.folder
        )

    def paired(self, ours: Callable[[], float], theirs: Callable[[], float]) -> dict[str, Any]:
        """Times in turns, the first pair left out, and their ratios."""
        times = [(ours(), theirs()) for _ in range(self.pairs + 1)][1:]
        ratios = [a / b for a, b in times]
        return {
            "sbir": round(statistics.median(a for a, _ in times), 5),
            "rclip": round(statistics.median(b for _, b in times), 5),
            "ratio": round(statistics.median(ratios), 3),
            "min": round(min(ratios), 3),
            "max": round(max(ratios), 3),
        }


def photos_of(folder: Path, count: int, size: tuple[int, int]) -> Path:
    """JPEGs that cost about what photos cost to decode: soft shapes under some grain."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for i in range(count):
        soft = Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        image = np.asarray(soft.resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
        grain = random.integers(-12, 13, (size[1], size[0], 1), dtype=np.int16)
        whole = np.clip(image + grain, 0, 255).astype(np.uint8)
        Image.fromarray(whole).save(folder / f"{i:05}.jpg", quality=90)
    return folder


def start_rows(bench: Bench, photos: Path) -> dict[str, dict[str, Any]]:
    """Cold queries."""
    bench.call([bench.rclip, "--top", "1", "-f", SKETCH], photos)  # indexes
    same, bundled = bench.folder / "same.faiss", bench.folder / "bundled.faiss"
    bench.call([*SBIR, "embed-gallery", photos, "-o", same, *bench.model], bench.folder)
    bench.call([*SBIR, "embed-gallery", photos, "-o", bundled], bench.folder)
    bench.ask_sbir(same)  # makes the graph
    theirs = lambda: bench.ask_rclip(photos)  # noqa: E731
    return {
        f"cold query, {ARCHITECTURE}, s": bench.paired(lambda: bench.ask_sbir(same), theirs),
        "cold query, sbir's bundled model, s": bench.paired(
            lambda: bench.ask_sbir(bundled), theirs
        ),
    }


def embed_row(bench: Bench, photos: Path, count: int) -> dict[str, Any]:
    """Seconds a photo; the start is measured on one photo and taken off."""
    one = bench.folder / "one"
    shutil.rmtree(one, ignore_errors=True)
    one.mkdir()
    shutil.copy(next(photos.iterdir()), one)

    def net(index: Callable[[Path], float]) -> float:
        return (index(photos) - index(one)) / max(count - 1, 1)

    found = bench.paired(lambda: net(bench.index_sbir), lambda: net(bench.index_rclip))
    if min(found["sbir"], found["rclip"]) <= 0:
        sys.exit(f"{count} photos are too few to tell their time from that of the start")
    rates = {f"{who}, photos/s": round(1 / found[who], 1) for who in ("sbir", "rclip")}
    return {**rates, **{key: found[key] for key in ("ratio", "min", "max")}}


def plot(results: dict[str, dict[str, Any]], path: Path) -> None:
    """Ratios as bars with their range."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 1 + 0.6 * len(results)))
    rows = list(results.values())
    ratios = [row["ratio"] for row in rows]
    below = [row["ratio"] - row["min"] for row in rows]
    above = [row["max"] - row["ratio"] for row in rows]
    axes.barh(list(results), ratios, xerr=[below, above], color="#4c78a8", ecolor="#333333")
    axes.axvline(1, color="#333333", linewidth=1)
    axes.set_xlabel("sbir's time by rclip's (below 1: sbir is faster)")
    axes.invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def made(folder: Path, options: argparse.Namespace) -> Bench:
    """Models for both."""
    ours, theirs = folder / "ours", folder / "data" / RCLIP_MODEL
    tokenizer = folder / "data" / "tokenizer"
    for each in (ours, theirs, tokenizer):
        each.mkdir(parents=True)
    (tokenizer / "bpe_simple_vocab_16e6.txt.gz").write_bytes(b"not asked for words")
    command = [sys.executable, "-c", MAKE_MODELS, ARCHITECTURE, str(ours), str(theirs)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return Bench(folder, (options.rclip / "bin" / "rclip").absolute(), options.pairs)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rclip", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--large", type=int, default=16)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--rows", nargs="+", default=["start", "small", "large"])
    options = parser.parse_args()
    as_installed()
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench = made(folder, options)
        small = photos_of(folder / "small", options.photos, (640, 480))
        if "start" in options.rows:
            results.update(start_rows(bench, small))
        if "small" in options.rows:
            results["embed 640 x 480"] = embed_row(bench, small, options.photos)
        if "large" in options.rows:
            large = photos_of(folder / "large", options.large, (4000, 3000))
            results["embed 12 megapixels"] = embed_row(bench, large, options.large)
    for name, row in results.items():
        print(f"{name:38}", "  ".join(f"{k} {v}" for k, v in row.items()))
    if options.json:
        options.json.write_text(json.dumps({"cores": os.cpu_count(), **results}, indent=2) + "\n")
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()
