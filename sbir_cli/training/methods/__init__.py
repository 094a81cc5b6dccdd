"""The training methods by name: the paper's own and the baselines of its tables.

A new one subclasses `Method` (its parameters, `branches`, `groups`, and what it declares) and gets
a line in `METHODS`.
"""

from __future__ import annotations

import torch

from sbir_cli import config
from sbir_cli.config import TrainConfig
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.training.methods.base import Backbone, Method
from sbir_cli.training.methods.promptless import FineTune, Linear
from sbir_cli.training.methods.prompts import Conditional, Deep, Independent, Projected, Prompt

__all__ = ["METHODS", "Method", "check_method", "make_method"]

METHODS: dict[config.Method, type[Method]] = {
    "prompt": Prompt,
    "ip": Independent,
    "mm": Projected,
    "deep": Deep,
    "cond": Conditional,
    "lin": Linear,
    "ft": FineTune,
}


def check_method(config: TrainConfig) -> None:
    """Refuse knobs that do not go with the method.

    Raises:
        UsageError: some do not.
    """
    METHODS[config.method].check(config)


def make_method(encoder: PromptedEncoder, config: TrainConfig) -> Method:
    """A fresh method over the encoder's tower; the same seed makes the same parameters.

    Raises:
        UsageError: knobs that do not go together or with the tower.
    """
    check_method(config)
    generator = torch.Generator().manual_seed(config.seed)
    backbone = Backbone(encoder.tower, encoder.device, generator, encoder.dimension)
    return METHODS[config.method](backbone, config)
