"""The optimisers: Muon for the hidden matrices and kernels, AdamW for everything else.

Muon (Jordan et al. 2024): the step is the momentum with its singular values set to about 1,
O = U V^T for M = U S V^T, found by Newton-Schulz iterations. Scaled by 0.2 sqrt(max(rows, columns))
it has AdamW's usual size, so one learning rate serves both (Liu et al. 2025).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


def orthogonalise(matrix: Tensor) -> Tensor:
    """The matrix (R, C) with singular values near 1, float32."""
    a, b, c = COEFFICIENTS
    x = matrix.bfloat16()
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = (x if wide else x.T).float()
    return result


class Muon(torch.optim.Optimizer):
    """Orthogonalised Nesterov momentum; a kernel (O, I, H, W) counts as (O, I * H * W)."""

    def __init__(
        self, parameters: list[nn.Parameter], lr: float, weight_decay: float, momentum: float = 0.95
    ) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})
        self.momentum = momentum

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state: dict[str, Any] = self.state[weight]
                if "average" not in state:
                    state["average"] = torch.zeros_like(weight)
                state["average"].lerp_(weight.grad, 1 - self.momentum)
                ahead = weight.grad.lerp(state["average"], self.momentum).flatten(1)
                size = 0.2 * max(ahead.shape) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_(orthogonalise(ahead).view(weight.shape), alpha=group["lr"] * size)


def make_optimisers(
    tower: nn.Module, loss: nn.Module, lr: float, weight_decay: float
) -> tuple[Muon, torch.optim.AdamW]:
    """Muon for the tower's hidden layers; AdamW, decaying matrices only, for the rest."""
    hidden = [p for name, p in tower.named_parameters() if is_hidden(name, p)]
    chosen = {id(p) for p in hidden}
    rest = [p for m in (tower, loss) for p in m.parameters() if id(p) not in chosen]
    groups = [
        {"params": [p for p in rest if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
    ]
    return Muon(hidden, lr, weight_decay), torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98))


def is_hidden(name: str, parameter: nn.Parameter) -> bool:
    """Matrices and kernels between the first convolution and the projection."""
    first_or_last = name.endswith(("patch_embed.conv.weight", "head.proj.weight"))
    return parameter.ndim in (2, 4) and not first_or_last
