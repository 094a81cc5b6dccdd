"""What does a GPU give? Bare towers, the encoder from pixels, and whole `embed-gallery` runs.

    python benchmarks/gpu.py [--models ViT-B-32 ViT-L-14] [--photos 4000] [--json gpu.json]

Models have random weights, which changes no arithmetic. `peak`: bfloat16 matrices of 8,192 a side,
measured here. `bare`: the photo branch on pixels that are on the GPU already, and the share of that
peak which its matrix products and convolutions reach. `from pixels`: the encoder as a gallery calls
it, from float32 pixels in the computer's memory to embeddings there. `embed-gallery`: JPEGs of
640 x 480 from the disk into a gallery, a worker a core, loading the model included.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peers import photos_of
from speed import embedding, random_model
from torch.utils.flop_counter import FlopCounterMode

from sbir_cli.encoder.torch_encoder import PromptedEncoder, load_encoder

BATCH = 256


def seconds(work: Callable[[], Any], repeats: int = 10) -> float:
    """Median time of one call, the GPU's part included; the first three are not counted."""
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[3:])


def peak() -> float:
    """TFLOP/s of a large product of random matrices in bfloat16."""
    side = 8192
    one, other = (torch.randn(side, side, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    return 2 * side**3 / seconds(lambda: one @ other) / 1e12


@torch.inference_mode()
def bare(encoder: PromptedEncoder) -> tuple[float, float]:
    """Images a second, and TFLOP/s."""
    dtype, size = encoder.device.dtype, encoder.preprocess.size
    images = torch.randn(BATCH, 3, *size, device="cuda", dtype=dtype)
    images = images.contiguous(memory_format=torch.channels_last)
    embed = encoder.clip.embedder(encoder.photo)
    with FlopCounterMode(display=False) as counter:
        embed(images)
    taken = seconds(lambda: embed(images))
    return BATCH / taken, counter.get_total_flops() / taken / 1e12


def rows(name: str, source: str, photos: Path, most: float) -> dict[str, Any]:
    """The figures of one model."""
    encoder = load_encoder(source, "cuda")
    rate, operations = bare(encoder)
    size = encoder.preprocess.size
    pixels = np.random.default_rng(0).normal(size=(BATCH, 3, *size)).astype(np.float32)
    taken = seconds(lambda: encoder.encode_photos(pixels))
    options = ["--model", source, "--device", "cuda", "--batch-size", str(BATCH)]
    whole = embedding(photos, [*options, "--workers", str(os.cpu_count())])
    return {
        "model": name,
        "bare, images/s": round(rate),
        "TFLOP/s": round(operations),
        "of the peak": round(operations / most, 2),
        "from pixels, images/s": round(BATCH / taken),
        "embed-gallery, photos/s": round(whole["photos/s"]),
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["ViT-B-32", "ViT-L-14"])
    parser.add_argument("--photos", type=int, default=4000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("there is no GPU that torch can use")
    most = peak()
    found: list[dict[str, Any]] = []
    print(f"{torch.cuda.get_device_name()}, {os.cpu_count()} cores: peak {most:.0f} TFLOP/s")
    with tempfile.TemporaryDirectory() as folder:
        photos = photos_of(Path(folder, "photos"), options.photos, (640, 480))
        sources = {"sbir-mini": "sbir-mini"}
        for name in options.models:
            Path(folder, name).mkdir()
            sources[name] = f"local-dir:{random_model(Path(folder, name), name)}"
        for name, source in sources.items():
            found.append(rows(name, source, photos, most))
            print("  ".join(f"{k} {v}" for k, v in found[-1].items()), flush=True)
    if options.json:
        about = {"gpu": torch.cuda.get_device_name(), "torch": torch.__version__}
        whole = {**about, "cores": os.cpu_count(), "peak, TFLOP/s": round(most), "rows": found}
        options.json.write_text(json.dumps(whole, indent=2) + "\n")


if __name__ == "__main__":
    main()
