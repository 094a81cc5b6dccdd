"""Methods that learn prompt tokens: prompt, deep, ip, mm and cond."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import nn

from sbir_cli.config import TrainConfig
from sbir_cli.encoder.branch import Branch
from sbir_cli.encoder.conditioner import make_conditioner
from sbir_cli.errors import UsageError
from sbir_cli.training.methods.base import Backbone, Method, plain, trainable, uniform


class Prompt(Method):
    """`prompt`, the paper's own: shallow prompts and all LayerNorms, for each branch or for both.

    Without LayerNorms it is the ablation of that name; with `depth` the prompts go deeper, which
    the paper does not try.
    """

    takes_depth = True
    layers: ClassVar[int] = 1
    """That carry prompts where no depth is asked for, or as many as the tower has."""
    trains_norms: ClassVar[bool] = True

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """Refuse what has nothing to train, too."""
        super().check(config)
        if not cls.trains_norms:
            _require_prompts(config)
        elif not config.prompts and not config.layer_norms:
            raise UsageError(
                "nothing is trained without prompts and LayerNorms; use --prompts 3 or "
                "--layer-norms"
            )

    def __init__(self, backbone: Backbone, config: TrainConfig) -> None:
        super().__init__(backbone, config)
        blocks = len(backbone.tower.blocks)
        if config.depth is not None and config.depth > blocks:
            raise UsageError(
                f"--depth {config.depth} is more than the {blocks} layers of the model"
            )
        depth = config.depth or min(self.layers, blocks)
        self.prompts = nn.ParameterList(self.fresh_prompts(depth) for _ in range(self.own_branches))
        norms = 1 if self.share == "norms" else self.own_branches
        count = norms if self.trains_norms and config.layer_norms else 0
        self.norms = nn.ModuleList(self.fresh_norms() for _ in range(count))

    def branches(self) -> tuple[Branch, Branch]:
        """A branch for each set of prompts."""
        norms = [plain(each) for each in _dicts(self.norms)]
        return self.paired(
            [
                Branch(prompts, norms[min(i, len(norms) - 1)] if norms else {})
                for i, prompts in enumerate(self.prompts)
            ]
        )

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Prompts and LayerNorms, each at its own rate."""
        return [
            (self.config.prompt_lr, list(self.prompts)),
            (self.config.norm_lr, list(self.norms.parameters())),
        ]


class Deep(Prompt):
    """`deep` (B-Deep): prompts before each of the first nine layers, as in VPT-deep; LayerNorms
    frozen."""

    layers = 9  # [paper]
    trains_norms = False


class Independent(Prompt):
    """`ip` (B-IP): two independent shallow prompts, LayerNorms frozen; never shared."""

    only_share = "none"
    takes_depth = False
    trains_norms = False


class Projected(Method):
    """`mm` (B-MM): a photo prompt; the sketch prompt is its linear projection, as in MaPLe.

    The projection is written out when the branches are saved: p_sketch = p_photo W^T + b.
    LayerNorms are frozen.
    """

    only_share = "none"

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """Refuse to go without a photo prompt, too: the sketch prompt is made from it."""
        super().check(config)
        _require_prompts(config)
        if config.branch == "sketch":
            raise UsageError(
                "--method mm makes the sketch prompt from the photo prompt: leave out "
                "--branch sketch, or use --method prompt"
            )

    def __init__(self, backbone: Backbone, config: TrainConfig) -> None:
        super().__init__(backbone, config)
        width, device = backbone.tower.width, backbone.device.device
        self.prompts = self.fresh_prompts(1)
        self.weight = nn.Parameter(uniform(width, width, backbone.generator).to(device))
        self.bias = nn.Parameter(torch.zeros(width, device=device))

    def branches(self) -> tuple[Branch, Branch]:
        """The projected prompt for sketches, the prompt itself for photos."""
        return Branch(self.prompts @ self.weight.T + self.bias), Branch(self.prompts)

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """The prompt and its projection."""
        return [
            (self.config.prompt_lr, [self.prompts]),
            (self.weight_lr, [self.weight, self.bias]),
        ]


class Conditional(Method):
    """`cond` (B-Cond): a light network turns the sketch into a token that is added to its prompts,
    as in CoCoOp; LayerNorms are frozen.

    A gallery is embedded before any sketch is known, so photos have a plain prompt of their own
    [deduced]; where all is shared (fine-grained), the network reads each photo too.
    """

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """Refuse to go without the prompts that the token is added to, too."""
        super().check(config)
        _require_prompts(config)

    def __init__(self, backbone: Backbone, config: TrainConfig) -> None:
        super().__init__(backbone, config)
        weights = make_conditioner(backbone.tower.width, backbone.generator)
        device = backbone.device.device
        self.network = trainable({k: v.to(device) for k, v in weights.items()})
        self.prompts = nn.ParameterList(self.fresh_prompts(1) for _ in range(self.own_branches))

    def branches(self) -> tuple[Branch, Branch]:
        """The conditioned branch for sketches, and for photos the same or one without network."""
        sketch = Branch(self.prompts[0], conditioner=plain(self.network))
        return self.paired([sketch, *map(Branch, list(self.prompts)[1:])])

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Prompts and network."""
        return [
            (self.config.prompt_lr, list(self.prompts)),
            (self.weight_lr, list(self.network.parameters())),
        ]


def _require_prompts(config: TrainConfig) -> None:
    if not config.prompts:
        raise UsageError(f"--method {config.method} needs at least one prompt; use --prompts 3")


def _dicts(modules: nn.ModuleList) -> Iterable[nn.ParameterDict]:
    for module in modules:
        assert isinstance(module, nn.ParameterDict)
        yield module
