"""A branch: the few parameters that turn the frozen backbone to sketches or to photos."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.func import functional_call

from sbir_cli.encoder.tower import Tower
from sbir_cli.errors import ModelError

_LAYER_NORMS = "layer_norms."


@dataclass(frozen=True)
class Branch:
    """Prompts and LayerNorms laid over a tower; an empty branch is the tower itself."""

    prompts: Tensor
    """(depth, K, width); depth 1 is the paper's shallow prompt."""
    layer_norms: dict[str, Tensor] = field(default_factory=dict)
    """Replacements for weights and biases of the tower's LayerNorms, by parameter name."""

    @classmethod
    def empty(cls, tower: Tower) -> Branch:
        """No prompt, the tower's own LayerNorms."""
        return cls(torch.zeros(1, 0, tower.width))

    def features(self, tower: Tower, pixels: Tensor) -> Tensor:
        """(N, D) embeddings, not yet of unit length, of (N, 3, H, W) pixels; differentiable."""
        with tower.prompted(self.prompts):
            if not self.layer_norms:
                return torch.as_tensor(tower.module(pixels))
            return torch.as_tensor(functional_call(tower.module, self.layer_norms, (pixels,)))

    def state_dict(self, prefix: str) -> dict[str, Tensor]:
        """Flat tensors under `prefix.`, for a checkpoint."""
        norms = {f"{prefix}.{_LAYER_NORMS}{k}": v for k, v in self.layer_norms.items()}
        return {f"{prefix}.prompts": self.prompts, **norms}

    @classmethod
    def from_state_dict(cls, state: dict[str, Tensor], prefix: str, tower: Tower) -> Branch:
        """The branch stored under `prefix.`, checked against the tower it will run over.

        Raises:
            ModelError: a tensor is missing, or its shape or name does not fit the tower.
        """
        own = {
            k.removeprefix(f"{prefix}."): v for k, v in state.items() if k.startswith(f"{prefix}.")
        }
        prompts = own.pop("prompts", None)
        norms = {k.removeprefix(_LAYER_NORMS): v for k, v in own.items()}
        known = tower.layer_norms()
        fits = (
            prompts is not None
            and prompts.ndim == 3
            and 1 <= prompts.shape[0] <= len(tower.blocks)
            and prompts.shape[2] == tower.width
            and all(name in known and known[name].shape == v.shape for name, v in norms.items())
        )
        if prompts is None or not fits:
            raise ModelError(f"the checkpoint's {prefix} branch does not fit its base model")
        return cls(prompts, norms)

    def to(self, device: torch.device) -> Branch:
        """The same branch with its tensors on `device`."""
        return Branch(
            self.prompts.to(device), {k: v.to(device) for k, v in self.layer_norms.items()}
        )
