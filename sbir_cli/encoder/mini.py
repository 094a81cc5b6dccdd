"""The image tower of the bundled model: a small ViT behind a residual convolutional stem.

Importing this module registers the tower with timm under the name ``sbir_mini``, so that
open_clip can build it from ``open_clip_config.json`` (``"timm_model_name": "sbir_mini"``).
It imports timm and torch: import it where a model is loaded, never at package import.

Shapes: (N, 3, 64, 64) image -> stem, stride 16 -> (N, 16, 256) patch tokens, one class token in
front -> 4 pre-norm transformer blocks -> LayerNorm -> class token, (N, 256). Prompt tokens go
between the class and patch tokens or behind them, before the first block, as in any timm ViT.
"""

from typing import Any

from sbir_cli.encoder.torchvision_ops import declare_missing_ops

declare_missing_ops()  # timm imports torchvision

from timm.models import (  # noqa: E402
    build_model_with_cfg,
    generate_default_cfgs,
    register_model,
)
from timm.models.vision_transformer import VisionTransformer  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

IMAGE_SIZE = 64
STRIDE = 16
WIDTH = 256
DEPTH = 4
HEADS = 4
STEM_WIDTHS = (48, 96, 192)
# Mean and standard deviation of the input pixels, range 0..1, the same for photos and sketches.
PIXEL_MEAN = (0.5, 0.5, 0.5)
PIXEL_STD = (0.25, 0.25, 0.25)


class ResidualDown(nn.Module):
    """Two 3x3 convolutions that halve the grid, plus a pooled 1x1 shortcut.

    (N, C_in, H, W) -> (N, C_out, H / 2, W / 2), after the last ReLU.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, bias=False)
        self.shortcut_norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, H / 2, W / 2)."""
        inner = functional.relu(self.norm1(self.conv1(x)))
        inner = self.norm2(self.conv2(inner))
        skip = self.shortcut_norm(self.shortcut(functional.avg_pool2d(x, 2)))
        return functional.relu(inner + skip)


class ConvStem(nn.Module):
    """Patch embedding by convolution: (N, 3, H, W) -> (N, H * W / 256, embed_dim).

    Stands in for timm's ``PatchEmbed`` (``embed_layer``) and shows the attributes that timm's
    ``VisionTransformer`` reads: ``img_size``, ``patch_size``, ``grid_size``, ``num_patches``.
    """

    def __init__(
        self,
        img_size: int | tuple[int, int] = IMAGE_SIZE,
        patch_size: int | tuple[int, int] = STRIDE,
        in_chans: int = 3,
        embed_dim: int = WIDTH,
        **_: object,
    ) -> None:
        super().__init__()
        height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
        if patch_size not in (STRIDE, (STRIDE, STRIDE)):
            raise ValueError(f"The stem's stride is {STRIDE}; patch_size {patch_size} cannot be.")
        self.img_size = (height, width)
        self.patch_size = (STRIDE, STRIDE)
        self.grid_size = (height // STRIDE, width // STRIDE)
        self.num_patches = self.grid_size[0] * self.grid_size[1]
        first, second, third = STEM_WIDTHS
        self.conv = nn.Conv2d(in_chans, first, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(first)
        self.stages = nn.Sequential(
            ResidualDown(first, second),
            ResidualDown(second, third),
            ResidualDown(third, embed_dim),
        )
        self.proj = nn.Conv2d(embed_dim, embed_dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, num_patches, embed_dim)."""
        x = functional.relu(self.norm(self.conv(x)))
        tokens: Tensor = self.proj(self.stages(x))
        return tokens.flatten(2).transpose(1, 2)


default_cfgs = generate_default_cfgs(
    {
        "sbir_mini": {
            "url": "",
            "num_classes": 0,
            "input_size": (3, IMAGE_SIZE, IMAGE_SIZE),
            "pool_size": None,
            "fixed_input_size": True,
            "interpolation": "bicubic",
            "mean": PIXEL_MEAN,
            "std": PIXEL_STD,
            "first_conv": "patch_embed.conv",
            "classifier": "head",
        }
    }
)


@register_model
def sbir_mini(pretrained: bool = False, **kwargs: object) -> VisionTransformer:
    """Build the tower, randomly initialised; open_clip loads the weights afterwards."""
    settings: dict[str, Any] = {
        "img_size": IMAGE_SIZE,
        "patch_size": STRIDE,
        "embed_dim": WIDTH,
        "depth": DEPTH,
        "num_heads": HEADS,
        "num_classes": 0,
        "embed_layer": ConvStem,
    }
    tower: VisionTransformer = build_model_with_cfg(
        VisionTransformer, "sbir_mini", pretrained, **{**settings, **kwargs}
    )
    return tower
