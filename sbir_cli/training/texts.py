"""What a model says of class names."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sbir_cli.embedding import Embeddings
from sbir_cli.encoder.torch_encoder import PromptedEncoder

_TEMPLATE = "a photo of a {}"  # [paper]


def class_texts(encoder: PromptedEncoder, classes: Sequence[str]) -> Embeddings:
    """(C, D) embeddings of the paper's sentence about each class."""
    return encoder.encode_texts([_TEMPLATE.format(c.replace("_", " ")) for c in classes])


def own_temperature(encoder: PromptedEncoder) -> float:
    """Of the model's own training, 0.01 where it has none."""
    scale = getattr(encoder.clip.model, "logit_scale", None)
    return 0.01 if scale is None else float(torch.exp(-scale.detach().float()))
