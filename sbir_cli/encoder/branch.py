"""A branch: the few parameters that turn the frozen backbone to sketches or to photos."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from sbir_cli.encoder.conditioner import check_conditioner, condition
from sbir_cli.encoder.tower import Tower
from sbir_cli.errors import ModelError

_DICTS = ("layer_norms", "weights", "conditioner")
_SHARED = "shared"
_ALSO = "also"


@dataclass(frozen=True)
class Branch:
    """Parameters laid over a tower; an empty branch is the tower itself."""

    prompts: Tensor
    """(depth, K, width); depth 1 is the paper's shallow prompt."""
    layer_norms: dict[str, Tensor] = field(default_factory=dict)
    """Replacements for weights and biases of the tower's LayerNorms, by parameter name."""
    weights: dict[str, Tensor] = field(default_factory=dict)
    """Replacements for any other of the tower's parameters, by name (method `ft`)."""
    head: Tensor | None = None
    """(D', D): a linear layer on the tower's features (method `lin`)."""
    mean: Tensor | None = None
    """(D,): subtracted from unit-length features; the mean of its modality's training images."""
    conditioner: dict[str, Tensor] = field(default_factory=dict)
    """A light network that adds a token made from the image to each of the shallow prompts
    (method `cond`); see `conditioner.condition`."""
    also: Branch | None = None
    """Another member of an ensemble: an embedding is the mean of the members' unit-length ones."""

    @classmethod
    def empty(cls, tower: Tower) -> Branch:
        """No prompt, the tower's own parameters."""
        return cls(torch.zeros(1, 0, tower.width))

    def features(self, tower: Tower, pixels: Tensor) -> Tensor:
        """(N, D) embeddings, not yet of unit length, of (N, 3, H, W) pixels; differentiable."""
        replaced = {**self.weights, **self.layer_norms}
        with tower.prompted(self.prompts_for(pixels)):
            if replaced:
                features = torch.as_tensor(functional_call(tower.module, replaced, (pixels,)))
            else:
                features = torch.as_tensor(tower.module(pixels))
        if self.head is not None:
            features = features @ self.head.T
        if self.mean is not None:
            features = functional.normalize(features.float(), dim=-1) - self.mean
        if self.also is not None:
            own = functional.normalize(features.float(), dim=-1)
            features = (own + self.also.embeddings(tower, pixels)) / 2
        return features

    def prompts_for(self, pixels: Tensor) -> Tensor:
        """The prompts, as `Tower.prompted` takes them, of (N, 3, H, W) pixels."""
        if not self.conditioner:
            return self.prompts
        made = condition(self.conditioner, pixels)[None, :, None]
        return self.prompts[:, None] + made  # (1, N, K, width): each image its own

    def embeddings(self, tower: Tower, pixels: Tensor) -> Tensor:
        """(N, D) float32 unit-length embeddings of (N, 3, H, W) pixels."""
        return functional.normalize(self.features(tower, pixels).float(), dim=-1)

    def named_tensors(self) -> dict[str, Tensor]:
        """Every tensor of the branch under its name in a checkpoint."""
        named = {"prompts": self.prompts}
        for group in _DICTS:
            named.update({f"{group}.{k}": v for k, v in getattr(self, group).items()})
        optional = {"head": self.head, "mean": self.mean}
        named |= {k: v for k, v in optional.items() if v is not None}
        also = {} if self.also is None else self.also.named_tensors()
        return named | {f"{_ALSO}.{k}": v for k, v in also.items()}

    @classmethod
    def from_state_dict(cls, state: dict[str, Tensor], prefix: str, tower: Tower) -> Branch:
        """The branch stored under `prefix.` and `shared.`, checked against its tower.

        Raises:
            ModelError: a tensor is missing, or its shape or name does not fit the tower.
        """
        own = _below(state, _SHARED) | _below(state, prefix)
        member = {f"{prefix}.{k}": own.pop(f"{_ALSO}.{k}") for k in _below(own, _ALSO)}
        prompts, head, mean = (own.pop(name, None) for name in ("prompts", "head", "mean"))
        groups = {group: _below(own, group) for group in _DICTS}
        known = sum(len(group) for group in groups.values())
        if prompts is None or known != len(own) or not _fits(prompts, head, mean, groups, tower):
            raise ModelError(f"the checkpoint's {prefix} branch does not fit its base model")
        also = cls.from_state_dict(member, prefix, tower) if member else None
        return cls(prompts, head=head, mean=mean, also=also, **groups)

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> Branch:
        """The same branch with its tensors on `device`, in another precision if one is given; the
        mean, which is subtracted in float32, in that."""
        moved = self._each(lambda tensor: tensor.to(device, dtype))
        mean = None if self.mean is None else self.mean.to(device, torch.float32)
        also = None if self.also is None else self.also.to(device, dtype)
        return replace(moved, mean=mean, also=also)

    def copied(self) -> Branch:
        """The branch as it is now, apart from the parameters that go on being trained."""
        return self._each(lambda tensor: tensor.detach().clone())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Branch:
        groups = {g: {k: change(v) for k, v in getattr(self, g).items()} for g in _DICTS}
        head, mean = (None if v is None else change(v) for v in (self.head, self.mean))
        also = None if self.also is None else self.also._each(change)
        return Branch(change(self.prompts), head=head, mean=mean, also=also, **groups)


class LaidBranch(nn.Module):
    """A branch over a copy of a tower that has the branch's parameters in place of its own; each
    member of an ensemble over another copy. Of any branch without a `conditioner`."""

    def __init__(self, branch: Branch, tower: Tower) -> None:
        super().__init__()
        self.visual = copy.deepcopy(tower.module)
        self.visual.load_state_dict({**branch.weights, **branch.layer_norms}, strict=False)
        self.tower = Tower.of(self.visual, "")
        own = {"prompts": branch.prompts, "head": branch.head, "mean": branch.mean}
        # a name with a dot is no other value's in an exported graph, which may have its own "mean"
        self.own = nn.ParameterDict({k: nn.Parameter(v) for k, v in own.items() if v is not None})
        self.also = None if branch.also is None else LaidBranch(branch.also, tower)

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, D) float32 unit-length embeddings of (N, 3, H, W) pixels."""
        with self.prompted():
            return self.embeddings(pixels)

    @contextmanager
    def prompted(self) -> Iterator[None]:
        """While open, the towers carry the prompts, and `embeddings` may run in several threads."""
        also = nullcontext() if self.also is None else self.also.prompted()
        with self.tower.prompted(self.own["prompts"]), also:
            yield

    def embeddings(self, pixels: Tensor) -> Tensor:
        """As `forward`, inside `prompted`."""
        head, mean = self.own.get("head"), self.own.get("mean")
        unprompted = Branch(self.own["prompts"][:, :0], head=head, mean=mean)
        own = unprompted.embeddings(self.tower, pixels)
        if self.also is None:
            return own
        return functional.normalize(own + self.also.embeddings(pixels), dim=-1)

    def in_precision(self, dtype: torch.dtype) -> None:
        """Compute in another precision from now on, but for the mean: as `Branch.to`."""
        self.visual.to(dtype)
        for name in self.own.keys() - {"mean"}:
            self.own[name].data = self.own[name].to(dtype)
        if self.also is not None:
            self.also.in_precision(dtype)


def branches_state(sketch: Branch, photo: Branch) -> dict[str, Tensor]:
    """Flat tensors of both branches, for a checkpoint; what both have alike is stored once."""
    mine, theirs = sketch.named_tensors(), photo.named_tensors()
    alike = {k for k in mine.keys() & theirs.keys() if _same(mine[k], theirs[k])}
    state = {f"{_SHARED}.{k}": mine[k] for k in sorted(alike)}
    for prefix, tensors in (("sketch", mine), ("photo", theirs)):
        state.update({f"{prefix}.{k}": v for k, v in tensors.items() if k not in alike})
    return state


def _same(a: Tensor, b: Tensor) -> bool:
    return a is b or (a.shape == b.shape and torch.equal(a, b))


def _below(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}


def _fits(
    prompts: Tensor,
    head: Tensor | None,
    mean: Tensor | None,
    groups: dict[str, dict[str, Tensor]],
    tower: Tower,
) -> bool:
    norms, parameters = tower.layer_norms(), dict(tower.module.named_parameters())
    return (
        prompts.ndim == 3
        and 1 <= prompts.shape[0] <= len(tower.blocks)
        and prompts.shape[2] == tower.width
        and (head is None or head.ndim == 2)
        and (mean is None or (mean.ndim == 1 and (head is None or len(mean) == len(head))))
        and all(k in norms and norms[k].shape == v.shape for k, v in groups["layer_norms"].items())
        and all(
            k in parameters and parameters[k].shape == v.shape for k, v in groups["weights"].items()
        )
        and check_conditioner(groups["conditioner"], tower.width)
    )
