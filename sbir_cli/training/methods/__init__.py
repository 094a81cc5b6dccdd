"""The training methods by name: the paper's own and the baselines of its tables.

A new one subclasses `Method` (parameters, `branches`, `groups`) and gets a line in `_METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from sbir_cli.config import TrainConfig
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.errors import UsageError
from sbir_cli.training.methods.base import Backbone, Method
from sbir_cli.training.methods.promptless import FineTune, Linear
from sbir_cli.training.methods.prompts import Conditional, Deep, Independent, Projected, Prompt

__all__ = ["Method", "make_method"]

_METHODS: dict[str, Callable[[Backbone, TrainConfig, int], Method]] = {
    "prompt": lambda backbone, config, dimension: Prompt(backbone, config),
    "ip": lambda backbone, config, dimension: Independent(backbone, config),
    "mm": lambda backbone, config, dimension: Projected(backbone, config),
    "deep": lambda backbone, config, dimension: Deep(backbone, config),
    "cond": lambda backbone, config, dimension: Conditional(backbone, config),
    "lin": Linear,
    "ft": lambda backbone, config, dimension: FineTune(backbone, config),
}


def make_method(encoder: PromptedEncoder, config: TrainConfig) -> Method:
    """A fresh method over the encoder's tower; the same seed makes the same parameters.

    Raises:
        UsageError: knobs that do not go together, or nothing to train.
    """
    generator = torch.Generator().manual_seed(config.seed)
    backbone = Backbone(encoder.tower, encoder.device, generator)
    method = _METHODS[config.method](backbone, config, encoder.dimension)
    if not any(parameter.numel() for parameter in method.parameters()):
        raise UsageError(
            "nothing is trained without prompts and LayerNorms; use --prompts 3 or --layer-norms"
        )
    return method
