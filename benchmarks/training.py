"""What does a training step cost, and what does a kill? Two questions, a subcommand each.

    python benchmarks/training.py steps [--json steps.json] [--batch-size 32] [--steps 10]
                                        [--device cpu]
    python benchmarks/training.py kills DATA --epochs 3 [--dataset sketchy] [--json kills.json]

`steps`: median seconds and peak memory of category-level steps (losses, backward pass, Adam) over a
ViT-B-32 of random weights, each variant in a fresh process, on random pixels. Presets
run as in `sbir train`: a pass for all images of a branch, bfloat16 where native. `released` is the
released code's recipe: sketch, positive and negative photo in a float32 pass each, LayerNorms
shared, triplet loss only, and what that code forgot to freeze (attention's in_proj, embeddings,
projection) trained too. Not imitated: its own CLIP port, Lightning around the loop, its batch of
192. Memory is the most the process ever held, and how far that is above the first step's start; on
a GPU it is that of the GPU.

`kills`: `sbir train` on DATA as it is, then with SIGKILL at random moments of that wall time, each
time started again with --resume. Options that `kills` does not know stand behind DATA and go to
`sbir train`. A kill costs the work since the last saved state, or since this process did its first
step, and the restart up to the first step (to the end where no step was left). Where no state was
saved yet, all since the start is lost, and starting over costs nothing more. POSIX only: a
pseudo-terminal tells of first steps.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import re
import resource
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from speed import SBIR, random_model
from torch import Tensor, nn

from sbir_cli.config import Preset, TrainConfig
from sbir_cli.encoder.branch import Branch
from sbir_cli.encoder.model_files import CHECKPOINT_WEIGHTS
from sbir_cli.encoder.torch_encoder import load_encoder
from sbir_cli.training.folder import STATE
from sbir_cli.training.loop import make_optimiser
from sbir_cli.training.methods import Method, make_method
from sbir_cli.training.methods.base import Backbone, plain, trainable
from sbir_cli.training.methods.prompts import Prompt
from sbir_cli.training.objective import Batch, Modality, Objective
from sbir_cli.training.presets import preset_config

CLASSES = 104  # seen classes of Sketchy
Row = dict[str, Any]


class Released(Prompt):
    """The released code's three passes, and the parameters it forgot to freeze: all that are no
    module's `weight` or `bias`."""

    def __init__(self, backbone: Backbone, config: TrainConfig) -> None:
        super().__init__(backbone, config)
        named = backbone.tower.module.named_parameters()
        self.rest = trainable({k: v for k, v in named if not k.endswith((".weight", ".bias"))})

    def branches(self) -> tuple[Branch, Branch]:
        """Those of the prompts, over the forgotten parameters."""
        sketch, photo = super().branches()
        weights = plain(self.rest)
        return replace(sketch, weights=weights), replace(photo, weights=weights)

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """The forgotten ones have the LayerNorms' rate."""
        return [*super().groups(), (self.config.norm_lr, list(self.rest.parameters()))]

    def features(self, images: list[tuple[str, Modality, Tensor]]) -> dict[str, Tensor]:
        """A pass for each kind of image."""
        return {k: v for each in images for k, v in super(Released, self).features([each]).items()}


def steps(options: argparse.Namespace) -> list[Row]:
    """A row for each variant."""
    variants: tuple[tuple[str, Preset, Row], ...] = (
        ("released, three passes", "released", {"precision": "float32"}),
        ("paper", "paper", {}),
        ("small-tower", "small-tower", {}),
        ("small-tower in float32", "small-tower", {"precision": "float32"}),
        (
            f"small-tower, --recompute {options.recompute}",
            "small-tower",
            {"recompute": options.recompute},
        ),
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = f"local-dir:{apart(random_model, Path(folder))}"
        for name, preset, knobs in variants:
            config = preset_config(preset, batch_size=options.batch_size, **knobs)
            row = apart(
                measure, model, options.device, config, preset, options.warm_up, options.steps
            )
            rows.append({"variant": name, **row})
    return rows


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call it in a fresh process, whose peak memory is its own; raises if that is killed."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def measure(
    model: str, device: str, config: TrainConfig, preset: Preset, warm_up: int, count: int
) -> Row:
    """Median seconds of `count` steps, and peak memory of all."""
    encoder = load_encoder(model, device)
    if config.precision == "float32":
        encoder = encoder.in_precision(torch.float32)
    generator = torch.Generator().manual_seed(0)
    backbone = Backbone(encoder.tower, encoder.device, generator, encoder.dimension)
    here = encoder.device.device
    released = preset == "released"
    method: Method = Released(backbone, config) if released else make_method(encoder, config)
    adam, n = make_optimiser(method), config.batch_size
    texts = torch.randn(CLASSES, encoder.dimension, generator=generator)
    objective = Objective(config, texts.to(here), temperature=0.01)
    images = torch.randn(3, n, 3, *encoder.preprocess.size, generator=generator).to(here)
    labels = torch.randint(CLASSES, (n,), generator=generator).to(here)
    others, photos = (labels + 1) % CLASSES, torch.arange(n, device=here)
    batch = Batch(images[0], images[1], images[2], labels, others, photos)
    with suppress(OSError):  # Linux: what loading took no longer counts as the peak
        Path("/proc/self/clear_refs").write_text("5")
    before, seconds = _peak_mib(here), []
    for _ in range(warm_up + count):
        start = time.perf_counter()
        losses = method(batch, objective)
        adam.zero_grad(set_to_none=True)
        torch.autograd.backward(losses["total"])
        torch.stack([value.detach() for value in losses.values()]).tolist()
        adam.step()
        seconds.append(time.perf_counter() - start)
    return {
        "s a step": round(statistics.median(seconds[warm_up:]), 3),
        "peak MiB": round(_peak_mib(here)),
        "above, MiB": round(_peak_mib(here) - before),
        "arithmetic": str(encoder.device.dtype).removeprefix("torch."),
    }


def _peak_mib(device: torch.device) -> float:
    """The largest this process has been there; kernels other than macOS's count in KiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


class Attempt(NamedTuple):
    """One process; times in seconds since 1970."""

    start: float
    first_step: float | None
    end: float
    killed: bool


def attempt(command: Sequence[str], seconds: float) -> Attempt:
    """Run a training until its end, or kill it after so many seconds."""
    master, slave = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    start, first, shown, killed = time.time(), None, b"", False
    process = subprocess.Popen(command, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    while process.poll() is None:
        left = start + seconds - time.time()
        if left <= 0:
            process.kill()
            killed = process.wait() < 0
        elif select.select([master], [], [], min(left, 0.02))[0]:
            with suppress(OSError):  # Linux's end of file
                shown = (shown + os.read(master, 2**16))[-4000:]
            if first is None and re.search(rb"epoch \d+/", shown):
                first = time.time()
    with suppress(OSError):
        shown += os.read(master, 2**16)
    os.close(master)
    if not killed and process.returncode not in (0, 3):  # 3: some images were skipped
        last = shown.decode(errors="replace").strip().rpartition("\n")[2]
        sys.exit(f"{' '.join(command)}: {last}")
    return Attempt(start, first, time.time(), killed)


def kills(options: argparse.Namespace, more: list[str]) -> tuple[list[Row], Row]:
    """A row for each kill, and the whole."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        whole, parts = Path(folder, "whole"), Path(folder, "parts")
        command = [*SBIR, "train", str(options.data), "--dataset", options.dataset]
        command += ["--epochs", str(options.epochs), *more]
        found = attempt([*command, "-o", str(whole)], float("inf"))
        reference = found.end - found.start
        draw, began = random.Random(options.seed), time.time()
        moments = sorted(draw.uniform(0, reference) for _ in range(options.kills))
        for moment in [*moments, float("inf")]:
            resumed = (parts / STATE).exists()
            left = began + moment - time.time()
            found = attempt([*command, "-o", str(parts), "--resume"], left)
            at_work = (found.first_step or found.end) if resumed else found.start
            if rows:
                rows[-1]["restart, s"] = round(at_work - found.start, 2)
            if not found.killed:
                break
            saved = (parts / STATE).stat().st_mtime if (parts / STATE).exists() else 0.0
            lost = round(max(0.0, found.end - max(saved, at_work)), 2)
            rows.append({"killed at, s": round(moment, 1), "lost, s": lost, "saved": saved > 0})
        ends = {(each / CHECKPOINT_WEIGHTS).read_bytes() for each in (whole, parts)}
    return rows, {
        "branches bit-identical": len(ends) == 1,
        "uninterrupted, s": round(reference, 1),
        "killed and resumed, s": round(found.end - began, 1),
        "lost and restarts, s": round(sum(r["lost, s"] + r["restart, s"] for r in rows), 1),
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("steps", "kills"):
        commands.add_parser(name, allow_abbrev=False).add_argument("--json", type=Path)
    for name, default in {"batch-size": 32, "steps": 10, "warm-up": 3, "recompute": 32}.items():
        commands.choices["steps"].add_argument(f"--{name}", type=int, default=default)
    commands.choices["steps"].add_argument("--device", default="cpu")
    kill = commands.choices["kills"]
    kill.add_argument("data", type=Path)
    kill.add_argument("--dataset", default="sketchy")
    kill.add_argument("--epochs", type=int, required=True)
    kill.add_argument("--kills", type=int, default=5)
    kill.add_argument("--seed", type=int, default=0, help="of the moments")
    options, more = parser.parse_known_args()
    if more and options.command == "steps":
        parser.error(f"unknown: {' '.join(more)}")
    rows, result = (steps(options), {}) if options.command == "steps" else kills(options, more)
    for cells in [list(rows[0]), *(row.values() for row in rows)] if rows else []:
        print("".join(f"{cell!s:{12 if i else 28}}" for i, cell in enumerate(cells)).rstrip())
    for name, value in result.items():
        print(f"{name:27} {value}")
    if options.json:
        whole = {"cores": os.cpu_count(), "torch": torch.__version__, **result, "rows": rows}
        options.json.write_text(json.dumps(whole, indent=2) + "\n")


if __name__ == "__main__":
    main()
