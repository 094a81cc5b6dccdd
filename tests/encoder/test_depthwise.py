"""Depthwise convolutions with a backward pass of their own give what torch's give."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from sbir_cli.encoder.depthwise import Depthwise
from sbir_cli.encoder.mini import Halve

GROUPS = 6


def _plain(conv: nn.Conv2d, x: Tensor) -> Tensor:
    half, stride = conv.kernel_size[0] // 2, conv.stride[0]
    if stride == 2:
        x = functional.pad(x, (half - 1, half, half - 1, half))
    padding = 0 if stride == 2 else half
    return functional.conv2d(x, conv.weight, None, stride, padding, 1, GROUPS)


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_values_and_gradients_are_torchs(
    size: int, stride: int, dtype: torch.dtype, tolerance: float
) -> None:
    torch.manual_seed(0)
    conv: nn.Conv2d
    if stride == 2:
        conv = Halve(GROUPS, GROUPS, size, stride=2, groups=GROUPS, bias=False)
    else:
        conv = Depthwise(GROUPS, GROUPS, size, padding=size // 2, groups=GROUPS, bias=False)
    conv = conv.to(dtype)
    x = torch.randn(2, GROUPS, 8, 12, dtype=dtype)
    for frozen in (False, True):
        conv.weight.requires_grad_(not frozen)
        found = []
        for run in (conv, lambda pixels: _plain(conv, pixels)):
            leaf = x.clone().requires_grad_()
            conv.weight.grad = None
            out = run(leaf)
            out.float().square().sum().backward()
            weight = torch.zeros(1) if frozen else conv.weight.grad
            assert frozen == (conv.weight.grad is None)
            found.append((out, leaf.grad, weight))
        for ours, theirs in zip(*found, strict=True):
            assert ours is not None and theirs is not None
            scale = float(theirs.detach().float().abs().max()) + 1e-9
            assert float((ours - theirs).detach().abs().max()) / scale <= tolerance


def test_without_gradients_it_is_the_convolution() -> None:
    conv = Depthwise(GROUPS, GROUPS, 3, padding=1, groups=GROUPS, bias=False)
    x = torch.randn(1, GROUPS, 8, 8)
    with torch.inference_mode():
        assert torch.equal(conv(x), _plain(conv, x))
