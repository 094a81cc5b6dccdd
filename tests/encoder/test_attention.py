from __future__ import annotations

import torch

from sbir_cli.encoder.attention import PackedAttention, pack_attention


def test_it_gives_the_results_and_gradients_of_torchs_own() -> None:
    torch.manual_seed(0)
    own = torch.nn.MultiheadAttention(24, 3, batch_first=True)
    torch.nn.init.normal_(own.in_proj_bias)
    packed = PackedAttention(own)
    assert packed.state_dict().keys() == own.state_dict().keys()
    tokens = torch.randn(2, 5, 24, requires_grad=True)
    found = []
    for module in (own, packed):
        out = module(tokens, tokens, tokens, need_weights=False)[0]
        parameters = [tokens, *(dict(module.named_parameters())[k] for k in packed.state_dict())]
        found.append((out, *torch.autograd.grad((out**2).sum(), parameters)))
    for expected, value in zip(*found, strict=True):
        assert torch.allclose(expected, value, atol=1e-5)


def test_only_torchs_own_attention_is_replaced() -> None:
    block = torch.nn.Module()
    pack_attention(block)
    assert not hasattr(block, "attn")
    block.attn = other = torch.nn.Identity()
    pack_attention(block)
    assert block.attn is other
    for unlike in (
        torch.nn.MultiheadAttention(8, 2, kdim=4, vdim=4, batch_first=True),  # no packed weight
        torch.nn.MultiheadAttention(8, 2, batch_first=False),
        torch.nn.MultiheadAttention(8, 2, batch_first=True, add_zero_attn=True),
    ):
        block.attn = unlike
        pack_attention(block)
        assert block.attn is unlike
    block.attn = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    pack_attention(block)
    assert isinstance(block.attn, PackedAttention)
