"""The image tower as open_clip builds it from the bundled configuration, for training alone."""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "sbir_cli" / "models" / "sbir-mini" / "open_clip_config.json"
sys.path.insert(0, str(ROOT))

from sbir_cli.encoder.torchvision_ops import declare_missing_ops  # noqa: E402

declare_missing_ops()  # before anything imports torchvision

import open_clip  # noqa: E402
from open_clip.timm_model import TimmModel  # noqa: E402
from timm.layers.config import set_fused_attn  # noqa: E402

from sbir_cli.encoder import mini  # noqa: E402

__all__ = ["CONFIG", "build", "mini", "model_config", "normalise", "open_clip"]


def model_config() -> dict[str, Any]:
    """The arguments of open_clip's ``CLIP``."""
    config: dict[str, Any] = json.loads(CONFIG.read_text())["model_cfg"]
    return config


def build(dimension: int) -> nn.Module:
    """``sbir_mini`` with a linear projection: (N, 3, 64, 64) -> (N, dimension)."""
    set_fused_attn(False)  # over 17 tokens, plain products have the faster backward pass on a CPU
    tower: nn.Module = TimmModel(
        "sbir_mini", dimension, image_size=mini.IMAGE_SIZE, pool="token", proj="linear"
    )
    for weight in tower.parameters():
        if weight.ndim == 4:  # convolutions run fastest on this layout
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return tower


def normalise(pixels: Tensor) -> Tensor:
    """Pixels in 0..1 to the tower's input."""
    mean = torch.tensor(mini.PIXEL_MEAN, device=pixels.device).view(1, 3, 1, 1)
    std = torch.tensor(mini.PIXEL_STD, device=pixels.device).view(1, 3, 1, 1)
    return (pixels - mean) / std
