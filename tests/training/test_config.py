from __future__ import annotations

from dataclasses import fields
from inspect import signature
from typing import Any

import pytest

from sbir_cli.cli.train import train
from sbir_cli.config import TrainConfig
from sbir_cli.errors import UsageError


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"epochs": 0}, "--epochs must be at least 1"),
        ({"batch_size": 1}, "--batch-size must be at least 2"),
        ({"prompt_lr": 0.0}, "--prompt-lr must be in"),
        ({"weight_lr": -1.0}, "--weight-lr must be in"),
        ({"margin": 2.5}, "--margin must be in 0..2"),
        ({"grid": 1}, "--patch-grid must be in 2..8"),
        ({"fraction": 0.0}, "--fraction must be in"),
        ({"held_out": 0.9}, "--held-out must be in 0..0.5"),
        ({"seen_classes": 1}, "--seen-classes must be at least 2"),
        ({"method": "magic"}, "--method must be one of prompt, ip, mm, deep, cond, lin, ft"),
        ({"task": "fine-grained", "batch_size": 10}, "multiple of --instances"),
        ({"branch": "photo"}, "--branch must be one of both, sketch"),
        ({"cls_weight": float("nan")}, "--cls-weight"),
    ],
)
def test_a_knob_out_of_range_is_a_usage_error_that_names_the_option(
    knobs: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as error:
        TrainConfig(**knobs)
    assert message in str(error.value)


def test_the_paper_to_the_letter() -> None:
    paper = TrainConfig.preset("paper", task="fine-grained")
    assert (paper.prompt_lr, paper.norm_lr, paper.batch_size, paper.epochs) == (1e-5, 1e-5, 64, 60)
    assert (paper.prompts, paper.margin, paper.grid, paper.schedule) == (3, 0.3, 2, "constant")
    assert (paper.cls_weight, paper.delta_weight, paper.shuffle_weight) == (0.5, 0.1, 1.0)
    assert paper.infonce_weight == 0 and not paper.flip


def test_a_preset_takes_changes_and_no_other_name() -> None:
    assert TrainConfig.preset("released").cls_weight == 0
    assert TrainConfig.preset("released", cls_weight=0.2).cls_weight == 0.2
    assert TrainConfig.preset("best").center
    assert not TrainConfig.preset("best", task="fine-grained").center
    assert TrainConfig.preset("best", task="fine-grained", center=True).center
    with pytest.raises(UsageError, match="--preset must be one of paper, released, best"):
        TrainConfig.preset("mine")  # type: ignore[arg-type]


def test_every_knob_is_an_option_of_train() -> None:
    assert {field.name for field in fields(TrainConfig)} <= set(signature(train).parameters)
