"""What a training method is: parameters laid over a frozen tower, and the losses they minimise."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sbir_cli.config import TrainConfig
from sbir_cli.encoder.branch import Branch
from sbir_cli.encoder.device import Device
from sbir_cli.encoder.tower import Tower
from sbir_cli.errors import UsageError
from sbir_cli.training.objective import AnyObjective, Losses, Modality

MODALITIES: tuple[Modality, Modality] = ("sketch", "photo")


@dataclass(frozen=True)
class Backbone:
    """The frozen tower, where it computes, and the generator that fresh parameters come from."""

    tower: Tower
    device: Device
    generator: torch.Generator
    dimension: int
    """D, the length of an embedding."""


class Method(nn.Module, ABC):
    """A training method. A subclass declares what it takes, makes its parameters and lays them out
    as two branches; all else is here. The loop knows only the call, which gives the losses,
    `groups`, `branches` and `state_dict`.

    The tower is no submodule: it stays frozen and in eval mode (BatchNorm's running statistics
    included), and is no part of the method's state.

    Args:
        backbone: what the parameters are laid over.
        config: every knob; `check` has passed it.
    """

    only_share: ClassVar[Literal["none", "all"] | None] = None
    """What its branches have in common, whatever is asked for; None: they can share or not."""
    takes_depth: ClassVar[bool] = False
    """Whether its prompts can enter more than one layer."""
    own_weight_lr: ClassVar[float | None] = None
    """Learning rate of weights that are neither prompts nor LayerNorms; None: the prompts'."""

    def __init__(self, backbone: Backbone, config: TrainConfig) -> None:
        super().__init__()
        self.backbone, self.config = backbone, config

    @classmethod
    def check(cls, config: TrainConfig) -> None:
        """Refuse knobs that do not go with the method, before anything is loaded.

        Raises:
            UsageError: some do not.
        """
        if config.branch == "sketch" and config.share == "all":
            raise UsageError("--branch sketch trains one branch: leave out --share all")
        # `norms` is what the preset `released` shares, and goes with every method
        wrong = cls.only_share is not None and config.share not in ("auto", "norms", cls.only_share)
        if wrong and config.branch == "both":
            raise UsageError(f"--method {config.method} goes with --share {cls.only_share} only")
        if not cls.takes_depth and config.depth not in (None, 1):
            raise UsageError(f"--method {config.method} goes without --depth: leave it out")

    @abstractmethod
    def branches(self) -> tuple[Branch, Branch]:
        """The sketch and the photo branch as they are now, differentiable; one object twice where
        the method shares all."""

    @abstractmethod
    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Learning rate and parameters of each group that is trained."""

    def forward(self, batch: Any, objective: AnyObjective) -> Losses:
        """The named losses of a batch; `total` is minimised.

        The losses are computed in here, and not by the loop from `features`, because
        DistributedDataParallel averages the gradients of what a module's own call returned.
        """
        return objective(self.features(objective.images(batch)), batch)

    def features(self, images: list[tuple[str, Modality, Tensor]]) -> dict[str, Tensor]:
        """(N, D) float32 features of each named (N, 3, H, W), not of unit length.

        One pass for all images of a branch, and one for all where the branches are one.
        """
        branches = dict(zip(MODALITIES, self.branches(), strict=True))
        found: dict[str, Tensor] = {}
        for branch in {id(b): b for b in branches.values()}.values():
            mine = [(name, x) for name, kind, x in images if branches[kind] is branch]
            if mine:
                together = self._in_chunks(branch, torch.cat([x for _, x in mine]))
                parts = torch.split(together, [len(x) for _, x in mine])
                found.update(zip([name for name, _ in mine], parts, strict=True))
        return found

    def _in_chunks(self, branch: Branch, pixels: Tensor) -> Tensor:
        size = self.config.recompute
        if not size or len(pixels) <= size or not torch.is_grad_enabled():
            return self.through(branch, pixels)
        # images do not meet inside the tower, so chunks of them can be computed again one by one;
        # the whole pass is inside, because prompts and parameters are laid on by hooks
        *again, last = torch.split(pixels, size)
        chunks = [checkpoint(self.through, branch, part, use_reentrant=False) for part in again]
        return torch.cat([*chunks, self.through(branch, last)])  # the backward pass begins with it

    def through(self, branch: Branch, pixels: Tensor) -> Tensor:
        """(N, D) float32 features of (N, 3, H, W) pixels, not of unit length."""
        device, dtype = self.backbone.device.device, self.backbone.device.dtype
        # as convolutions run fastest
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            return branch.features(self.backbone.tower, pixels).float()

    # what several methods have alike

    @property
    def share(self) -> str:
        """What the branches have in common: `none`, `norms` or `all`."""
        if self.config.branch == "sketch":
            return "none"
        if self.only_share is not None:
            return self.only_share
        if self.config.share != "auto":
            return self.config.share
        return "all" if self.config.task == "fine-grained" else "none"

    @property
    def own_branches(self) -> int:
        """How many branches have parameters of their own: one where all is shared, or where the
        sketch branch is trained alone; else two."""
        return 1 if self.share == "all" or self.config.branch == "sketch" else 2

    def paired(self, made: list[Branch]) -> tuple[Branch, Branch]:
        """The sketch and the photo branch of `own_branches` branches."""
        return made[0], self.bare() if self.config.branch == "sketch" else made[-1]

    def bare(self) -> Branch:
        """The tower as it is."""
        return Branch.empty(self.backbone.tower).to(self.backbone.device.device)

    def fresh_prompts(self, depth: int, count: int | None = None) -> nn.Parameter:
        """(depth, K, width) from a normal distribution."""
        shape = (depth, self.config.prompts if count is None else count, self.backbone.tower.width)
        values = torch.randn(shape, generator=self.backbone.generator) * self.config.prompt_std
        return nn.Parameter(values.to(self.backbone.device.device))

    def fresh_norms(self) -> nn.ParameterDict:
        """Trainable copies of the tower's LayerNorms; see `plain` for the names."""
        return trainable(self.backbone.tower.layer_norms())

    @property
    def weight_lr(self) -> float:
        """Learning rate of weights that are neither prompts nor LayerNorms."""
        return self.config.weight_lr or self.own_weight_lr or self.config.prompt_lr


def trainable(parameters: dict[str, nn.Parameter] | dict[str, Tensor]) -> nn.ParameterDict:
    """Copies to train, by name; a ParameterDict's names hold no dots, so these become slashes."""
    copies = {k.replace(".", "/"): v.detach().clone() for k, v in parameters.items()}
    return nn.ParameterDict({k: nn.Parameter(v) for k, v in copies.items()})


def plain(parameters: nn.ParameterDict) -> dict[str, Tensor]:
    """A ParameterDict of `trainable` under the names that a branch uses."""
    return {k.replace("/", "."): v for k, v in parameters.items()}


def uniform(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """(rows, columns) as torch initialises a linear layer: uniform in +-1 / sqrt(columns)."""
    bound = 1 / math.sqrt(columns)
    return (2 * torch.rand(rows, columns, generator=generator) - 1) * bound
