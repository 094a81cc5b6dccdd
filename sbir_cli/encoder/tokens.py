"""A tower's last patch tokens in the space of its embeddings: what is seen where in a picture."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from sbir_cli.encoder.branch import Branch
from sbir_cli.encoder.tower import Tower


def patch_tokens(branch: Branch, tower: Tower, pixels: Tensor) -> Tensor:
    """(N, rows, columns, D) float32 unit-length tokens of (N, 3, H, W) pixels."""
    unit = functional.normalize(token_features(branch, tower, pixels).float(), dim=-1)
    (height, width), (down, across) = pixels.shape[2:], _patch(tower)
    return unit.reshape(len(unit), height // down, width // across, -1)


def token_features(branch: Branch, tower: Tower, pixels: Tensor) -> Tensor:
    """(N, rows * columns, D) tokens, not yet of unit length, of (N, 3, H, W) pixels.

    They go the way of the pooled token: norm, projection, the branch's own head. Where the tower
    takes the mean of its tokens, their mean is `Branch.features`, but for what says where a token
    lies (`without_place`): a thing is to be known anywhere. Of an ensemble they are the first
    member's. A tower that pools by attention has no such way for a single token: its tokens stay as
    wide as they are.
    """
    replaced = {f"visual.{k}": v for k, v in {**branch.weights, **branch.layer_norms}.items()}
    with tower.prompted(branch.prompts_for(pixels)):  # its hook takes the prompts off before ours
        tokens = torch.as_tensor(functional_call(_Tokens(tower), replaced, (pixels,)))
    if branch.head is not None and tokens.shape[-1] == branch.head.shape[1]:
        tokens = tokens @ branch.head.T
    return tokens


def finer(tower: Tower) -> int:
    """How many times larger than for an embedding a picture may be for finer tokens: a tower whose
    tokens carry no position takes any size."""
    trunk = getattr(tower.module, "trunk", None)
    placeless = getattr(trunk, "pos_embed", 0) is None and getattr(trunk, "rope", None) is None
    return 2 if placeless else 1


def _patch(tower: Tower) -> tuple[int, int]:
    """Height and width in pixels of what a token stands for."""
    visual: Any = tower.module
    trunk = getattr(visual, "trunk", None)
    size = visual.patch_size if trunk is None else trunk.patch_embed.patch_size
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))


class _Tokens(nn.Module):
    """The tower, with its tokens in place of what it pools of them."""

    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.visual = tower.module

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, T, D) of (N, 3, H, W)."""
        visual: Any = self.visual
        trunk = getattr(visual, "trunk", None)
        blocks = visual.transformer.resblocks if trunk is None else trunk.blocks
        caught: list[Tensor] = []
        hook = blocks[-1].register_forward_hook(lambda m, a, out: caught.append(out))
        try:
            visual(pixels)
        finally:
            hook.remove()
        return _own_way(visual, caught[0]) if trunk is None else _timm_way(visual, trunk, caught[0])


def _own_way(visual: Any, tokens: Tensor) -> Tensor:
    """Of open_clip's own tower, whose patches stand behind a class token."""
    if visual.attn_pool is not None:  # the norm behind it is of what was pooled
        return tokens[:, 1:]
    normed = torch.as_tensor(visual.ln_post(tokens[:, 1:]))
    return normed if visual.proj is None else torch.as_tensor(normed @ visual.proj)


def _timm_way(visual: Any, trunk: Any, tokens: Tensor) -> Tensor:
    normed = torch.as_tensor(trunk.norm(tokens)[:, trunk.num_prefix_tokens :])
    if getattr(trunk, "attn_pool", None) is not None:
        return normed
    if hasattr(trunk, "without_place"):  # the bundled tower's own
        normed = trunk.without_place(normed)
    return torch.as_tensor(visual.head(trunk.head(trunk.fc_norm(normed))))
