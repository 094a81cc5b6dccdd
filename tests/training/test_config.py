from __future__ import annotations

from dataclasses import fields
from inspect import signature
from typing import Any, get_args

import pytest

from sbir_cli.cli.train import train
from sbir_cli.config import Preset, TrainConfig
from sbir_cli.errors import UsageError
from sbir_cli.training.presets import PRESETS, preset_config, preset_for


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
    paper = preset_config("paper", task="fine-grained")
    assert (paper.prompt_lr, paper.norm_lr, paper.batch_size, paper.epochs) == (1e-5, 1e-5, 64, 60)
    assert (paper.prompts, paper.margin, paper.grid, paper.schedule) == (3, 0.3, 2, "constant")
    assert (paper.cls_weight, paper.delta_weight, paper.shuffle_weight) == (0.5, 0.1, 1.0)
    assert paper.infonce_weight == 0 and not paper.flip


def test_a_preset_takes_changes_and_no_other_name() -> None:
    assert preset_config("released").cls_weight == 0
    assert preset_config("released", cls_weight=0.2).cls_weight == 0.2
    assert preset_config("small-tower").center
    assert not preset_config("small-tower", task="fine-grained").center
    assert preset_config("small-tower", task="fine-grained", center=True).center
    with pytest.raises(UsageError, match="--preset must be one of paper, released, small-tower"):
        preset_config("best")  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["ViT-B-32/openai", "hf-hub:timm/x", "local-dir:mine", "a/b"])
def test_a_model_that_is_not_bundled_starts_from_the_papers_rates(model: str) -> None:
    name, why = preset_for(model)
    config = preset_config(name)
    assert (config.prompt_lr, config.norm_lr, config.schedule) == (1e-5, 1e-5, "constant")
    assert "can ruin a full-size CLIP" in why
    assert preset_for("sbir-mini")[0] == "small-tower"


def test_presets_are_those_of_the_command_line() -> None:
    assert tuple(PRESETS) == get_args(Preset)


def test_every_knob_is_an_option_of_train() -> None:
    assert {field.name for field in fields(TrainConfig)} <= set(signature(train).parameters)
