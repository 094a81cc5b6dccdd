"""Several processes are one run: whole runs under torchrun, on the CPU, and what they share."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sbir_cli.cli.torchrun import torchrun_group
from sbir_cli.config import TrainConfig
from sbir_cli.datasets import DataSet
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.errors import SbirError, UsageError
from sbir_cli.imaging.preprocess import Preprocess
from sbir_cli.training import course
from sbir_cli.training.batch_loader import BatchLoader, Normaliser
from sbir_cli.training.folder import STATE, claim
from sbir_cli.training.image_store import Loader
from sbir_cli.training.objective import Batch
from sbir_cli.training.presets import preset_config
from sbir_cli.training.processes import ALONE, Group
from sbir_cli.training.run import train
from sbir_cli.training.sampler import Sampler
from tests.cli.conftest import Run, command, environment, sbir

__all__ = ["sbir"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
CATEGORY = TrainConfig(batch_size=8, flip=True)
FINE = TrainConfig(batch_size=8, task="fine-grained", instances=2)
KNOBS: dict[str, Any] = {
    **{"prompt_lr": 1e-3, "norm_lr": 1e-3, "weight_lr": 1e-3, "temperature": 0.1},
    **{"batch_size": 8, "held_out": 0.34, "precision": "float32"},
    "delta_weight": 0.0,  # L_delta and InfoNCE look at a part only
}


@pytest.mark.parametrize("config", [CATEGORY, FINE], ids=["category", "fine-grained"])
def test_the_parts_of_a_step_are_the_step(data: DataSet, config: TrainConfig) -> None:
    preprocess = Preprocess((16, 16), (0.5,) * 3, (0.5,) * 3)
    loaded = Loader(preprocess, 1.0, 1).load(data)

    def first(group: Group) -> Batch:
        loader = BatchLoader(loaded, Normaliser(preprocess, torch.device("cpu")), config, group)
        return next(loader.batches(loader.epoch(0), 0, 0))

    whole, parts = first(ALONE), [first(Group(rank, 2)) for rank in range(2)]
    for name in ("sketches", "positives", "negatives", "labels", "negative_labels", "photos"):
        joined = torch.cat([getattr(part, name) for part in parts])
        assert torch.equal(joined, getattr(whole, name)), name
    if config.task == "fine-grained":
        assert whole.orders and all(part.orders for part in parts)
        for i, order in enumerate(whole.orders):
            assert torch.equal(torch.cat([p.orders[i] for p in parts if p.orders]), order)
        assert [len(set(part.labels.tolist())) for part in parts] == [2, 2]  # whole classes


def test_a_short_step_gives_each_process_as_many(data: DataSet) -> None:
    config = TrainConfig(batch_size=70)  # there are 36 sketches
    group = Group(6, 7)
    (step,) = Sampler(data, config, group).epoch(0)
    assert len(step.sketches) == 35 and len(step.part(group.own_part(35)).labels) == 5
    assert len(np.unique(step.sketches)) == 35
    with pytest.raises(SbirError, match="36 sketches are too few for 37 processes; start fewer"):
        Sampler(data, config, Group(0, 37))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (replace(CATEGORY, batch_size=10), "10 cannot be shared by 4 .* multiple of 4, 8 or more"),
        (replace(CATEGORY, batch_size=4), "4 cannot be shared by 4 .* multiple of 4, 8 or more"),
        (replace(FINE, batch_size=20), r"multiple of 8 \(processes x --instances\), 16 or more"),
        (
            FINE,
            r"multiple of 8 \(processes x --instances\), 16 or more",
        ),  # a class each: no L_delta
    ],
)
def test_a_batch_that_cannot_be_shared_is_a_usage_error(config: TrainConfig, message: str) -> None:
    ALONE.check_parts(config)
    with pytest.raises(UsageError, match=message):
        Group(0, 4).check_parts(config)


def test_a_schedulers_variables_make_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("WORLD_SIZE", "5"), ("RANK", "3"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    assert torchrun_group() == ALONE and ALONE.is_first
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert torchrun_group() == Group(rank=3, count=5, gpu=1) and not torchrun_group().is_first


def test_one_gpu_is_not_for_several() -> None:
    with (
        pytest.raises(UsageError, match="2 processes cannot share cuda:0; use --device cuda"),
        Group(1, 2, gpu=1).joined(CATEGORY, torch.device("cuda:0")),
    ):
        pass


def test_a_process_with_other_images_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """No group is met: gloo's threads and Python's lock can wait for each other when it ends."""
    ALONE.check_same("alone", "images")
    second = Group(1, 2)
    monkeypatch.setattr(torch.distributed, "get_backend", lambda: "gloo")

    def gather(found: list[torch.Tensor], own: torch.Tensor) -> None:
        found[0].copy_(own if same else own + 1)
        found[1].copy_(own)

    monkeypatch.setattr(torch.distributed, "all_gather", gather)
    same = True
    second.check_same("as the first has it", "images")
    same = False
    with pytest.raises(SbirError, match="process 1 has other images than the first"):
        second.check_same("not as the first has it", "images")


def test_machines_that_compute_otherwise_are_told_before_they_wait_for_each_other() -> None:
    distributed: Any = torch.distributed  # its stubs lack the store
    store = distributed.HashStore()
    store.set("sbir computes 0", "cuda in bfloat16")
    with pytest.raises(UsageError, match="process 1 computes on cpu in float32, and the first on"):
        Group(1, 2)._check_alike(store, "cpu in float32")
    Group(1, 2)._check_alike(store, "cuda in bfloat16")


def _torchrun(
    data: DataSet, encoder: PromptedEncoder, out: Path, *more: str, **knobs: object
) -> subprocess.CompletedProcess[str]:
    """`sbir train` in two processes over the encoder's model, in float32 on the CPU."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in knobs.items()]
    fixed = ("--model", encoder.name, "--device", "cpu", "--preset", "paper", "--flip")
    args = command("train", data.root, "-o", out, *fixed, *flags, *more)
    return subprocess.run(
        [*TORCHRUN, *args[1:]], env=environment(), capture_output=True, text=True, timeout=300
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("knobs", "stops"),
    [
        ({}, (1, 3)),
        ({"task": "fine-grained", "instances": 2, "method": "cond", "recompute": 5}, (3,)),
        ({"method": "ft"}, (2,)),
    ],
    ids=["category", "fine-grained", "fine-tuning"],
)
def test_two_processes_are_the_same_run_as_one(
    data: DataSet,
    encoder: PromptedEncoder,
    tmp_path: Path,
    knobs: dict[str, Any],
    stops: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(course, "_write_graph", lambda encoder, output: None)
    data.photos[0].write_text("no photo")
    one, two = tmp_path / "one", tmp_path / "two"
    for epochs in stops:  # the second goes on where the first stopped
        done = _torchrun(data, encoder, two, "--resume", epochs=epochs, **KNOBS, **knobs)
        assert done.returncode == 0, done.stderr  # though a photo was skipped
        for word in ("model", "skipped", f"{two}:"):  # said once
            assert sum(line.startswith(word) for line in done.stderr.splitlines()) == 1, word
    config = preset_config("paper", epochs=stops[-1], flip=True, **KNOBS, **knobs)
    train(data, None, encoder, config, one)

    first, second = load_file(one / STATE), load_file(two / STATE)
    assert first.keys() == second.keys()
    for name, value in first.items():
        # of a bias in front of a softmax the gradient is rounding alone, which Adam makes large
        if "in_proj_bias" not in name and "exp_avg_sq" not in name:
            assert torch.allclose(value, second[name], atol=1e-5), name
    for a, b in zip(_history(one), _history(two), strict=True):
        assert a == pytest.approx(b, abs=1e-4)


def _history(folder: Path) -> list[list[float]]:
    """The rows without their last column, the seconds."""
    rows = (folder / "history.csv").read_text().splitlines()[1:]
    return [[float(cell) for cell in row.split(",")[:-1] if cell] for row in rows]


@pytest.mark.slow
def test_what_ends_the_first_process_ends_all(
    data: DataSet, encoder: PromptedEncoder, tmp_path: Path
) -> None:
    with claim(tmp_path / "c", False):
        done = _torchrun(data, encoder, tmp_path / "c", **KNOBS)
    assert done.returncode == 1 and "another run is at work on it" in done.stderr


@pytest.mark.slow
def test_what_cannot_be_shared_is_told_before_the_others_are_met(
    data: DataSet, tmp_path: Path, sbir: Run
) -> None:
    env = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "3", "RANK": "1"}
    done = sbir("train", data.root, "-o", tmp_path / "c", "--batch-size", "8", env=env)
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1
    assert b"--batch-size 8 cannot be shared by 3 processes; use a multiple of 3" in done.stderr
