"""Self-attention that trains fast over frozen weights."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class PackedAttention(nn.Module):
    """`torch.nn.MultiheadAttention` on one batch-first sequence, with its parameters and results.

    torch's own puts the tokens in front of the batch before it multiplies by `in_proj_weight`. If
    that weight is frozen and gradients are wanted, the product then runs image by image, each with
    a copy of the weight: forward and backward took four times as long (ViT-B/32, bfloat16, CPU).

    Args:
        module: what to stand in for; its parameters are shared, under the same names.
    """

    def __init__(self, module: nn.MultiheadAttention) -> None:
        super().__init__()
        self.num_heads = module.num_heads
        self.in_proj_weight, self.in_proj_bias = module.in_proj_weight, module.in_proj_bias
        self.out_proj = module.out_proj

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        need_weights: bool = False,
        attn_mask: None = None,
    ) -> tuple[Tensor, None]:
        """(N, tokens, width) to the same shape; `key` and `value` are `query`, as in any ViT."""
        assert key is query and value is query and attn_mask is None
        count, tokens, width = query.shape
        packed = functional.linear(query, self.in_proj_weight, self.in_proj_bias)
        heads = packed.view(count, tokens, 3, self.num_heads, width // self.num_heads)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        joined: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(count, tokens, width))
        return joined, None


def pack_attention(block: nn.Module) -> None:
    """Let a transformer block use `PackedAttention`, where its `attn` is torch's own and plain."""
    attention = getattr(block, "attn", None)
    if not isinstance(attention, nn.MultiheadAttention) or attention.in_proj_weight is None:
        return
    plain = attention.batch_first and not attention.add_zero_attn and attention.bias_k is None
    if plain and not attention.dropout:
        block.attn = PackedAttention(attention)
