"""Methods without prompts: lin and ft."""

from __future__ import annotations

import torch
from torch import nn

from sbir_cli.config import TrainConfig
from sbir_cli.encoder.branch import Branch
from sbir_cli.training.methods.base import Backbone, Method, plain, trainable


class Linear(Method):
    """`lin` (B-Lin): a linear layer on frozen features, which starts as the identity."""

    def __init__(self, backbone: Backbone, config: TrainConfig) -> None:
        super().__init__(backbone, config)
        device = backbone.device.device
        self.heads = nn.ParameterList(
            nn.Parameter(torch.eye(backbone.dimension, device=device))
            for _ in range(self.own_branches)
        )

    def branches(self) -> tuple[Branch, Branch]:
        """The bare tower with a head on it."""
        return self.paired([Branch(self.bare().prompts, head=head) for head in self.heads])

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """The heads."""
        return [(self.weight_lr, list(self.heads))]


class FineTune(Method):
    """`ft` (B-FT): the whole image tower, one for sketches and photos (or for sketches alone).

    BatchNorm's running statistics, where a tower has any, stay frozen: they are no parameters.
    """

    only_share = "all"
    own_weight_lr = 1e-6  # [paper]

    def __init__(self, backbone: Backbone, config: TrainConfig) -> None:
        super().__init__(backbone, config)
        norms = backbone.tower.layer_norms()
        others = {k: v for k, v in backbone.tower.module.named_parameters() if k not in norms}
        self.norms, self.others = self.fresh_norms(), trainable(others)

    def branches(self) -> tuple[Branch, Branch]:
        """One branch that replaces every parameter."""
        return self.paired([Branch(self.bare().prompts, plain(self.norms), plain(self.others))])

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """The whole tower at one rate."""
        return [(self.weight_lr, [*self.norms.parameters(), *self.others.parameters()])]
