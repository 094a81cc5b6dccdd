"""Depthwise convolutions whose backward pass is fast in bfloat16 on a CPU.

oneDNN's own weight gradients of 5x5 kernels take four to seven times as long in bfloat16 as in
float32, its input gradients twice as long as a forward convolution with the turned kernel, and
those of a strided convolution thirty times as long as at stride 1.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Depthwise(torch.autograd.Function):
    """Stride 1, same size."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor) -> Tensor:
        context.save_for_backward(x, weight)
        return functional.conv2d(
            x, weight.to(x.dtype), None, 1, weight.shape[2] // 2, 1, len(weight)
        )

    @staticmethod
    def backward(context: Any, grad: Tensor) -> tuple[Tensor, Tensor | None]:
        x, weight = context.saved_tensors
        half, groups = weight.shape[2] // 2, len(weight)
        grad = grad.contiguous(memory_format=torch.channels_last)
        kernel = weight.to(x.dtype)
        turned = functional.conv2d(grad, kernel.flip(2, 3), None, 1, half, 1, groups)
        if not context.needs_input_grad[1]:
            return turned, None
        wide = (t.float() for t in (grad, x, kernel)) if half == 2 else (grad, x, kernel)
        _, change, _ = torch.ops.aten.convolution_backward(
            *wide, None, (1, 1), (half, half), (1, 1), False, (0, 0), groups, [False, True, False]
        )
        return turned, change.to(weight.dtype)


_depthwise: Any = _Depthwise.apply


def depthwise(x: Tensor, conv: nn.Conv2d) -> Tensor | None:
    """(N, C, H, W) to the same size by a depthwise convolution without bias, as if its stride were
    1; None where that is no faster: without gradients, or not on a CPU."""
    wanted = torch.is_grad_enabled() and (x.requires_grad or conv.weight.requires_grad)
    if not wanted or conv.groups == 1 or conv.bias is not None or x.device.type != "cpu":
        return None
    if torch.is_autocast_enabled("cpu"):
        x = x.to(torch.get_autocast_dtype("cpu"))
    same: Tensor = _depthwise(x, conv.weight)
    return same


class Depthwise(nn.Conv2d):
    """Of stride 1."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same size."""
        fast = depthwise(x, self)
        return super().forward(x) if fast is None else fast
