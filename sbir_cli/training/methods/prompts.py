"""Methods that learn prompt tokens: prompt, deep, ip, mm and cond."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from sbir_cli.config import TrainConfig
from sbir_cli.encoder.branch import Branch
from sbir_cli.encoder.conditioner import make_conditioner
from sbir_cli.errors import UsageError
from sbir_cli.training.methods.base import Backbone, Method, plain, trainable, uniform

_DEEP = 9  # layers with prompts of B-Deep [paper]


class Prompt(Method):
    """`prompt`, the paper's own: shallow prompts and all LayerNorms, for each branch or for both.

    Without LayerNorms it is the ablation of that name; with `depth` the prompts go deeper, which
    the paper does not try.
    """

    deepest = 1
    trains_norms = True

    def __init__(self, backbone: Backbone, config: TrainConfig) -> None:
        super().__init__(backbone, config)
        depth = _depth(config, self.deepest, len(backbone.tower.blocks))
        share = share_of(config)
        self.prompts = nn.ParameterList(
            self.fresh_prompts(depth) for _ in range(1 if share == "all" else 2)
        )
        count = 0 if not (self.trains_norms and config.layer_norms) else 2 if share == "none" else 1
        self.norms = nn.ModuleList(self.fresh_norms() for _ in range(count))

    def branches(self) -> tuple[Branch, Branch]:
        """One branch where all is shared, else two."""
        norms = [plain(each) for each in _dicts(self.norms)]
        made = [
            Branch(prompts, norms[min(i, len(norms) - 1)] if norms else {})
            for i, prompts in enumerate(self.prompts)
        ]
        return made[0], made[-1]

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Prompts and LayerNorms, each at its own rate."""
        return [
            (self.config.prompt_lr, list(self.prompts)),
            (self.config.norm_lr, list(self.norms.parameters())),
        ]


class Deep(Prompt):
    """`deep` (B-Deep): prompts before each of the first nine layers, as in VPT-deep; LayerNorms
    frozen."""

    deepest = _DEEP
    trains_norms = False


class Independent(Prompt):
    """`ip` (B-IP): two independent shallow prompts, LayerNorms frozen; never shared."""

    trains_norms = False


class Projected(Method):
    """`mm` (B-MM): a photo prompt; the sketch prompt is its linear projection, as in MaPLe.

    The projection is written out when the branches are saved: p_sketch = p_photo W^T + b.
    LayerNorms are frozen.
    """

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

    def __init__(self, backbone: Backbone, config: TrainConfig) -> None:
        super().__init__(backbone, config)
        if not config.prompts:
            raise UsageError("--method cond needs at least one prompt; use --prompts 3")
        weights = make_conditioner(backbone.tower.width, backbone.generator)
        device = backbone.device.device
        self.network = trainable({k: v.to(device) for k, v in weights.items()})
        count = 1 if share_of(config) == "all" else 2
        self.prompts = nn.ParameterList(self.fresh_prompts(1) for _ in range(count))

    def branches(self) -> tuple[Branch, Branch]:
        """The conditioned branch for sketches, and for photos a plain one or the same."""
        sketch = Branch(self.prompts[0], conditioner=plain(self.network))
        return sketch, Branch(self.prompts[1]) if len(self.prompts) == 2 else sketch

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Prompts and network."""
        return [
            (self.config.prompt_lr, list(self.prompts)),
            (self.weight_lr, list(self.network.parameters())),
        ]


def share_of(config: TrainConfig) -> str:
    """What the branches share: `none`, `norms` or `all`, with `auto` resolved.

    Raises:
        UsageError: the method cannot share, or cannot but share.
    """
    always = {"ip": "none", "mm": "none", "ft": "all"}.get(config.method)
    if config.share == "auto" or config.share == always:
        return always or ("all" if config.task == "fine-grained" else "none")
    if always is not None and config.share != "norms":
        raise UsageError(f"--method {config.method} goes with --share {always} only")
    return always or config.share


def _depth(config: TrainConfig, deepest: int, blocks: int) -> int:
    if config.depth is not None and config.depth > blocks:
        raise UsageError(f"--depth {config.depth} is more than the {blocks} layers of the model")
    return config.depth or min(deepest, blocks)


def _dicts(modules: nn.ModuleList) -> Iterable[nn.ParameterDict]:
    for module in modules:
        assert isinstance(module, nn.ParameterDict)
        yield module
