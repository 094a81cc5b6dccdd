"""Methods without prompts: lin and ft."""

from __future__ import annotations

import torch
from torch import nn

from sbir_cli.config import TrainConfig
from sbir_cli.encoder.branch import Branch
from sbir_cli.training.methods.base import Backbone, Method, plain, trainable
from sbir_cli.training.methods.prompts import share_of

_FT_LR = 1e-6  # B-FT [paper]


class Linear(Method):
    """`lin` (B-Lin): a linear layer on frozen features, which starts as the identity."""

    def __init__(self, backbone: Backbone, config: TrainConfig, dimension: int) -> None:
        super().__init__(backbone, config)
        device = backbone.device.device
        count = 1 if share_of(config) == "all" else 2
        self.heads = nn.ParameterList(
            nn.Parameter(torch.eye(dimension, device=device)) for _ in range(count)
        )

    def branches(self) -> tuple[Branch, Branch]:
        """The bare tower with a head on it."""
        bare = Branch.empty(self.backbone.tower).to(self.backbone.device.device).prompts
        made = [Branch(bare, head=head) for head in self.heads]
        return made[0], made[-1]

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """The heads."""
        return [(self.weight_lr, list(self.heads))]


class FineTune(Method):
    """`ft` (B-FT): the whole image tower, one for sketches and photos.

    BatchNorm's running statistics, where a tower has any, stay frozen: they are no parameters.
    """

    def __init__(self, backbone: Backbone, config: TrainConfig) -> None:
        super().__init__(backbone, config)
        share_of(config)
        norms = backbone.tower.layer_norms()
        others = {k: v for k, v in backbone.tower.module.named_parameters() if k not in norms}
        self.norms, self.others = self.fresh_norms(), trainable(others)

    def branches(self) -> tuple[Branch, Branch]:
        """One branch that replaces every parameter."""
        bare = Branch.empty(self.backbone.tower).to(self.backbone.device.device).prompts
        branch = Branch(bare, plain(self.norms), plain(self.others))
        return branch, branch

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """The whole tower at one rate."""
        rate = self.config.weight_lr or _FT_LR
        return [(rate, [*self.norms.parameters(), *self.others.parameters()])]
