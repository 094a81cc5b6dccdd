"""How fast is the first minute? Start, cold query, embedding rate and memory, as a table and JSON.

    python benchmarks/speed.py PHOTOS [--json speed.json] [--vit-b-32]

PHOTOS is any folder of photos. Every figure is of whole processes as a user starts them;
`--vit-b-32` adds a ViT-B-32 of random weights (the arithmetic is that of any ViT-B-32).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

SBIR = [sys.executable, "-m", "sbir_cli"]
SKETCH = Path(__file__).parents[1] / "examples" / "sketches" / "teapot" / "teapot_1.png"
PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # bytes on macOS, else KiB
print(peak // 2**10 if sys.platform == "darwin" else peak)
sys.exit(done.returncode)
"""
PARTS = """
import time; start = time.perf_counter()
def lap(name):
    global start
    now = time.perf_counter(); print(f"{name}={1000 * (now - start):.0f}"); start = now
import typer, sbir_cli.cli; lap("command line")
import numpy; lap("numpy")
import PIL.Image, sbir_cli.imaging.sketches; lap("PIL")
import onnxruntime; lap("onnxruntime")
from pathlib import Path
from sbir_cli.storage import resources
from sbir_cli.config import QueryConfig
from sbir_cli.encoder import load_sketch_encoder
from sbir_cli.gallery import Gallery
gallery = Gallery.open(resources.bundled_index()); lap("open gallery")
encoder = load_sketch_encoder(); encoder.fingerprint; lap("load model")
from sbir_cli.imaging.sketches import read_sketches
image = read_sketches(r"SKETCH")[0].image; lap("read sketch")
embedding = encoder.encode_sketches(encoder.preprocess(image)[None]); lap("embed")
gallery.nearest(embedding, encoder, QueryConfig()); lap("search")
"""


def seconds(command: list[str], repeats: int = 10) -> float:
    """Median wall time of a process; the first run, which fills the disk cache, does not count."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def parts_of_a_query() -> dict[str, float]:
    """Milliseconds of each step of a cold query, median of 5 processes."""
    code = PARTS.replace("SKETCH", str(SKETCH))
    runs: list[dict[str, float]] = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        found = re.findall(r"(.+)=(\d+)", done.stdout.decode())
        runs.append({name: float(value) for name, value in found})
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def with_peak(
    command: list[str], environment: Mapping[str, str] | None = None
) -> tuple[dict[str, float], str]:
    """Wall seconds of a process and the most memory it held, and what it wrote to stderr.

    A small process starts it: Linux counts to a process what the one that started it held.
    """
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *command], check=True, capture_output=True, env=environment
    )
    figures = {
        "seconds": round(time.perf_counter() - start, 2),
        "peak MB": round(int(done.stdout.split()[-1]) / 1024),
    }
    return figures, done.stderr.decode()


def embedding(photos: Path, model: list[str]) -> dict[str, float]:
    """Photos per second (of the run, loading the model included) and peak memory of the process."""
    with tempfile.TemporaryDirectory() as folder:
        index = str(Path(folder) / "idx.faiss")
        figures, said = with_peak([*SBIR, "embed-gallery", str(photos), "-o", index, *model])
    rate = re.search(r"([\d,]+) photos/s", said)
    assert rate is not None
    return {"photos/s": float(rate[1].replace(",", "")), **figures}


def random_model(folder: Path, architecture: str = "ViT-B-32") -> Path:
    """A model of random weights as a local-dir model."""
    from sbir_cli.encoder.torchvision_ops import declare_missing_ops

    declare_missing_ops()
    import open_clip
    from safetensors.torch import save_file

    model = open_clip.create_model(architecture)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    config = {"model_cfg": open_clip.get_model_config(architecture), "preprocess_cfg": {}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


def as_installed() -> None:
    """Let programs keep compiled modules, as pip leaves them, whatever a developer has set."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--vit-b-32", action="store_true")
    options = parser.parse_args()
    as_installed()
    results: dict[str, object] = {
        "sbir --help, s": seconds([*SBIR, "--help"]),
        "cold query, s": seconds([*SBIR, "query", str(SKETCH), "-q"]),
        "cold query, ms by part": parts_of_a_query(),
        "embed-gallery, sbir-mini": embedding(options.photos, []),
    }
    if options.vit_b_32:
        with tempfile.TemporaryDirectory() as folder:
            model = ["--model", f"local-dir:{random_model(Path(folder))}"]
            results["embed-gallery, random ViT-B-32"] = embedding(options.photos, model)
    for name, value in results.items():
        print(f"{name:34} {value if isinstance(value, dict) else round(float(str(value)), 3)}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
