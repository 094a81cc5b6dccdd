"""Depthwise convolutions whose backward pass is fast in bfloat16 on a CPU.

oneDNN's own weight gradients of 5x5 kernels take four to seven times as long in bfloat16 as in
float32, its input gradients twice as long as a forward convolution with the turned kernel.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sbir_cli.encoder.mini import Halve


class _Depthwise(torch.autograd.Function):
    """Stride 1, same size."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor) -> Tensor:
        weight = weight.to(x.dtype)
        context.save_for_backward(x, weight)
        return functional.conv2d(x, weight, None, 1, weight.shape[2] // 2, 1, len(weight))

    @staticmethod
    def backward(context: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = context.saved_tensors
        half, groups = weight.shape[2] // 2, len(weight)
        grad = grad.contiguous(memory_format=torch.channels_last)
        turned = functional.conv2d(grad, weight.flip(2, 3), None, 1, half, 1, groups)
        wide = (t.float() for t in (grad, x, weight)) if half == 2 else (grad, x, weight)
        _, kernel, _ = torch.ops.aten.convolution_backward(
            *wide, None, (1, 1), (half, half), (1, 1), False, (0, 0), groups, [False, True, False]
        )
        return turned, kernel.float()


_depthwise: Any = _Depthwise.apply


class FastDepthwise(nn.Module):
    """Stands in for a depthwise convolution and shares its weight."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.halve = conv.weight, isinstance(conv, Halve)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same size, or half of it."""
        if torch.is_autocast_enabled("cpu"):
            x = x.to(torch.get_autocast_dtype("cpu"))
        full: Tensor = _depthwise(x, self.weight)
        return full[:, :, 1::2, 1::2] if self.halve else full


def speed_up(tower: nn.Module) -> None:
    """Replace every depthwise convolution; parameter names stay as they are."""
    for name, module in list(tower.named_modules()):
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            parent, _, own = name.rpartition(".")
            setattr(tower.get_submodule(parent), own, FastDepthwise(module))
