"""Where prompt tokens enter and leave an open_clip image tower.

The tower's own forward runs unchanged. Hooks append the prompts in front of the first block and
take them off behind the last one, so pooling and projection see what they always see.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sbir_cli.encoder.attention import pack_attention
from sbir_cli.errors import ModelError

_NORMS = (nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm)


@dataclass(frozen=True)
class Tower:
    """An image tower and the places prompting needs to know."""

    module: nn.Module
    """The whole image tower: (N, 3, H, W) to (N, D)."""
    blocks: tuple[nn.Module, ...]
    """Transformer blocks in order; each takes (N, tokens, width) tokens first."""
    width: int
    """Width of a token."""
    norm_pre: nn.Module
    """What the tower applies to all its tokens before the first block."""
    prefix: int | None
    """None: prompts go behind all tokens. A count, where patches carry rotary positions and must
    stay last: prompts go behind that many leading tokens."""

    @classmethod
    def of(cls, visual: nn.Module, name: str) -> Tower:
        """The tower of an open_clip model.

        Raises:
            ModelError: it is not a plain ViT, so there is no sequence to put prompts into.
        """
        from open_clip.timm_model import TimmModel
        from open_clip.transformer import VisionTransformer
        from timm.models.eva import Eva
        from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer

        if isinstance(visual, VisionTransformer):
            blocks = tuple(visual.transformer.resblocks)
            for block in blocks:
                pack_attention(block)
            return cls(visual, blocks, visual.transformer.width, visual.ln_pre, None)
        trunk: Any = visual.trunk if isinstance(visual, TimmModel) else None
        if isinstance(trunk, (TimmVisionTransformer, Eva)):
            rotary = getattr(trunk, "rope", None) is not None
            prefix = trunk.num_prefix_tokens if rotary else None
            return cls(visual, tuple(trunk.blocks), trunk.embed_dim, trunk.norm_pre, prefix)
        kind = type(trunk if trunk is not None else visual).__name__
        raise ModelError(
            f"its image tower ({kind}) takes no prompt tokens",
            where=name,
            remedy="choose a model with a ViT image tower, such as ViT-B-32/openai",
        )

    def layer_norms(self) -> dict[str, nn.Parameter]:
        """Weight and bias of every LayerNorm of the tower, by parameter name.

        In CLIP's ViT these are all its normalisation layers. Where a hybrid ViT has BatchNorms or
        GroupNorms in its convolutional stem, theirs belong here too; running statistics stay as
        they are.
        """
        return {
            f"{name}.{key}": parameter
            for name, module in self.module.named_modules()
            if isinstance(module, _NORMS)
            for key, parameter in module.named_parameters(recurse=False)
        }

    @contextmanager
    def prompted(self, prompts: Tensor) -> Iterator[None]:
        """While open, every forward of the tower carries `prompts`.

        Args:
            prompts: (depth, K, width), or (depth, N, K, width) for prompts of each image's own.
                The first K enter before block 0, after `norm_pre`; the next ones replace them
                before blocks 1, 2, ... (VPT-deep) while there are any.
        """
        depth, count = prompts.shape[0], prompts.shape[-2]
        if not count:
            yield
            return
        handles = [self.blocks[-1].register_forward_hook(lambda m, a, out: self._drop(out, count))]
        for layer in range(depth):
            hook = self._hook(prompts[layer], first=layer == 0)
            handles.append(self.blocks[layer].register_forward_pre_hook(hook))
        self._shift_rotary(count)
        try:
            yield
        finally:
            self._shift_rotary(-count)
            for handle in handles:
                handle.remove()

    def _hook(self, prompts: Tensor, first: bool) -> Any:
        def insert(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            tokens = args[0] if first else self._drop(args[0], prompts.shape[-2])
            rows = self.norm_pre(prompts) if first else prompts
            rows = rows.to(tokens.dtype).expand(tokens.shape[0], -1, -1)
            cut = tokens.shape[1] if self.prefix is None else self.prefix
            return (torch.cat([tokens[:, :cut], rows, tokens[:, cut:]], dim=1), *args[1:])

        return insert

    def _drop(self, tokens: Tensor, count: int) -> Tensor:
        cut = tokens.shape[1] - count if self.prefix is None else self.prefix
        return torch.cat([tokens[:, :cut], tokens[:, cut + count :]], dim=1)

    def _shift_rotary(self, count: int) -> None:
        """Tell rotary attention how many leading tokens carry no position."""
        if self.prefix is not None:
            for block in self.blocks:
                attention: Any = block.attn
                attention.num_prefix_tokens += count
