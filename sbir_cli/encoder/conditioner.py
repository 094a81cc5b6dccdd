"""The light network of method `cond`: an image to one token that is added to the prompts.

The paper takes a ResNet-18 [paper]; this one is four strided convolutions and a linear layer, about
0.1 million parameters, without normalisation layers and so without running statistics [deduced].
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

CHANNELS = (3, 16, 32, 64, 128)


def make_conditioner(width: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Fresh weights; the last layer is zero, so that training starts at the plain prompts."""
    weights: dict[str, Tensor] = {}
    for name, shape in _shapes(width).items():
        scale = 0.0
        if name.endswith("weight") and name.startswith("conv"):
            scale = (2.0 / (shape[1] * shape[2] * shape[3])) ** 0.5  # He et al. 2015, for ReLU
        weights[name] = scale * torch.randn(shape, generator=generator)
    return weights


def condition(weights: dict[str, Tensor], pixels: Tensor) -> Tensor:
    """(N, width) tokens of (N, 3, H, W) pixels; differentiable."""
    x = pixels
    for i in range(1, len(CHANNELS)):
        kernel, bias = weights[f"conv{i}.weight"], weights[f"conv{i}.bias"]
        x = functional.relu(functional.conv2d(x, kernel, bias, stride=2, padding=1))
    return functional.linear(x.mean(dim=(2, 3)), weights["out.weight"], weights["out.bias"])


def check_conditioner(weights: dict[str, Tensor], width: int) -> bool:
    """Whether the weights are none, or all of a conditioner for tokens of this width."""
    return not weights or {k: tuple(v.shape) for k, v in weights.items()} == _shapes(width)


def _shapes(width: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for i in range(1, len(CHANNELS)):
        shapes[f"conv{i}.weight"] = (CHANNELS[i], CHANNELS[i - 1], 3, 3)
        shapes[f"conv{i}.bias"] = (CHANNELS[i],)
    return {**shapes, "out.weight": (width, CHANNELS[-1]), "out.bias": (width,)}
