"""The image tower of the bundled model: EfficientNet-Lite0 with a short ViT at its end.

Importing this module registers the tower with timm under the name ``sbir_mini``, so that
open_clip can build it from ``open_clip_config.json`` (``"timm_model_name": "sbir_mini"``).
It imports timm and torch: import it where a model is loaded, never at package import.

Shapes: (N, 3, 192, 192) image -> the convolutions of EfficientNet-Lite0, stride 32 -> (N, 36, 320)
tokens -> 2 pre-norm transformer blocks -> a linear layer, BatchNorm and ReLU6, the original's last
convolution -> (N, 36, 1472) tokens, of which 192 features tell left from right and above from below
-> their mean, (N, 1472). Prompt tokens go behind the patch tokens before a block, as in any timm
ViT. With the blocks' output projections at zero the first 1280 features are the original network's;
a side that is a multiple of 32 may differ from 192, as the blocks know no position.
"""

import itertools
import math
from typing import Any

import torch

from sbir_cli.encoder.depthwise import Depthwise, depthwise
from sbir_cli.encoder.torchvision_ops import declare_missing_ops

declare_missing_ops()  # timm imports torchvision

from timm.models import (  # noqa: E402
    build_model_with_cfg,
    create_model,
    generate_default_cfgs,
    register_model,
)
from timm.models.vision_transformer import VisionTransformer  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

IMAGE_SIZE = 192
STRIDE = 32
WIDTH = 320
DEPTH = 2
HEADS = 5
FEATURES = 1280
LAYOUT = 64
# Mean and standard deviation of the input pixels, range 0..1, the same for photos and sketches.
PIXEL_MEAN = (0.5, 0.5, 0.5)
PIXEL_STD = (0.5, 0.5, 0.5)


class Halve(nn.Conv2d):
    """A convolution of stride 2 over an even grid, padded right and below as TensorFlow does.

    In training, depthwise, it is computed at stride 1 and every second place kept, which is faster
    (`depthwise.py`).
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H / 2, W / 2)."""
        full = depthwise(x, self)
        if full is not None:
            return full[:, :, 1::2, 1::2]
        half = self.kernel_size[0] // 2
        padded = functional.pad(x, (half - 1, half, half - 1, half))
        return functional.conv2d(padded, self.weight, self.bias, 2, 0, 1, self.groups)


class ConvTrunk(nn.Module):
    """EfficientNet-Lite0 up to its last grid: (N, 3, H, W) -> (N, H * W / 1024, 320).

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
        if patch_size not in (STRIDE, (STRIDE, STRIDE)) or embed_dim != WIDTH:
            raise ValueError(f"The trunk has stride {STRIDE} and width {WIDTH}.")
        self.img_size = (height, width)
        self.patch_size = (STRIDE, STRIDE)
        self.grid_size = (height // STRIDE, width // STRIDE)
        self.num_patches = self.grid_size[0] * self.grid_size[1]
        original: Any = create_model("tf_efficientnet_lite0", in_chans=in_chans)
        self.conv_stem = original.conv_stem
        self.bn1 = original.bn1
        self.blocks = original.blocks
        for name, module in list(self.named_modules()):
            if isinstance(module, nn.Conv2d) and (module.groups > 1 or module.stride == (2, 2)):
                parent, _, own = name.rpartition(".")
                setattr(self.get_submodule(parent), own, _own(module))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, num_patches, 320)."""
        grid: Tensor = self.blocks(self.bn1(self.conv_stem(x)))
        return grid.flatten(2).transpose(1, 2)


def _own(conv: nn.Conv2d) -> nn.Conv2d:
    size, stride, groups = conv.kernel_size[0], conv.stride[0], conv.groups
    kind, padding = (Halve, 0) if stride == 2 else (Depthwise, size // 2)
    return kind(
        conv.in_channels, conv.out_channels, size, stride, padding, groups=groups, bias=False
    )


def fold_norms(tower: nn.Module) -> None:
    """Put each BatchNorm of a `ConvTrunk` into the convolution before it, in place.

    The embedding is the same but for rounding, in two thirds of the time. What is left has other
    parameters: no branch can replace them.
    """
    for trunk in [module for module in tower.modules() if isinstance(module, ConvTrunk)]:
        for parent in list(trunk.modules()):
            children = list(parent.named_children())
            for (_, conv), (name, norm) in itertools.pairwise(children):
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    setattr(parent, name, _fold(conv, norm))


@torch.no_grad()
def _fold(conv: nn.Conv2d, norm: Any) -> nn.Module:
    """w' = w g / s and b' = b - m g / s; returns the activation that is left of the norm."""
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    conv.weight.mul_(scale[:, None, None, None])
    conv.bias = nn.Parameter(norm.bias - norm.running_mean * scale, requires_grad=False)
    activation: nn.Module = norm.act
    return activation


class ClampedConv(nn.Module):
    """A convolution and the ReLU6 behind it in one pass of oneDNN: apart, the clamp reads and
    writes all features again, and took as long as the convolutions. Without gradients, on a CPU.

    Args:
        conv: with its bias. A `Halve` gets zeros above and to the left of its kernel, and so pads
            alike on all sides: oneDNN does that, where a padded copy took a quarter of the time.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        halve, half = isinstance(conv, Halve), conv.kernel_size[0] // 2
        weight = functional.pad(conv.weight, (1, 0, 1, 0)) if halve else conv.weight
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias, self.groups = conv.bias, conv.groups
        self.stride, self.dilation = list(conv.stride), list(conv.dilation)
        self.padding = [half, half]

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H', W'), range 0..6."""
        fused: Any = torch.ops.mkldnn._convolution_pointwise
        clamp = ("hardtanh", [0.0, 6.0], "")
        shape = (self.padding, self.stride, self.dilation, self.groups)
        clamped: Tensor = fused(x, self.weight, self.bias, *shape, *clamp)
        return clamped


def fuse_clamps(tower: nn.Module) -> None:
    """Make a `ClampedConv` of each convolution of a `ConvTrunk` that a ReLU6 follows, in place,
    where this torch has it; after `fold_norms`."""
    if not torch.backends.mkldnn.is_available() or not hasattr(  # type: ignore[no-untyped-call]
        torch.ops.mkldnn, "_convolution_pointwise"
    ):
        return
    for trunk in [module for module in tower.modules() if isinstance(module, ConvTrunk)]:
        for parent in list(trunk.modules()):
            for (own, conv), (name, clamp) in itertools.pairwise(list(parent.named_children())):
                if isinstance(conv, nn.Conv2d) and isinstance(clamp, nn.ReLU6):
                    setattr(parent, own, ClampedConv(conv))
                    setattr(parent, name, nn.Identity())


class Widen(nn.Module):
    """The original's last convolution over tokens, and where in the picture a token lies.

    (N, T, 320) tokens of a square grid -> (N, T, 1472): wide features f of a token, range 0..6,
    and three times ``LAYOUT`` more, s A f with a learned A and s = +1 or -1 for right or left,
    below or above, and the product of both. Their mean over the tokens says what differs between
    the halves of a picture: a cow that looks left from one that looks right.
    """

    def __init__(self, _: int) -> None:
        super().__init__()
        self.conv_head = nn.Linear(WIDTH, FEATURES, bias=False)
        self.bn2 = nn.BatchNorm1d(FEATURES, eps=1e-3)
        self.layout = nn.Linear(FEATURES, LAYOUT, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """(N, T, 320) -> (N, T, 1472)."""
        wide = self.widen(tokens)
        placed = self.layout(wide).unsqueeze(2) * halves(tokens.shape[1]).to(wide).unsqueeze(2)
        return torch.cat([wide, placed.flatten(2)], dim=2)

    def widen(self, tokens: Tensor) -> Tensor:
        """(N, T, 320) -> (N, T, 1280), range 0..6; of tokens anywhere."""
        wide = self.conv_head(tokens)
        shape = wide.shape
        return functional.relu6(self.bn2(wide.flatten(0, 1))).view(shape)


def halves(tokens: int) -> Tensor:
    """(T, 3) of +1, -1, or 0 on the middle of an odd grid: the halves that a square grid's tokens
    lie in, row by row."""
    side = math.isqrt(tokens)
    if side**2 != tokens:
        raise ValueError(f"{tokens} tokens are no square grid.")
    across = torch.linspace(-1, 1, side).sign().expand(side, side)
    return torch.stack([across, across.T, across * across.T], dim=-1).flatten(0, 1)


class MiniTower(VisionTransformer):
    """timm's ViT whose last norm widens the tokens before they are averaged."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.norm = Widen(WIDTH)
        self.num_features = self.head_hidden_size = FEATURES + 3 * LAYOUT

    def without_place(self, tokens: Tensor) -> Tensor:
        """(N, T, 1472) tokens, the same wherever in the picture they lie: to be compared."""
        return functional.pad(tokens[..., :FEATURES], (0, 3 * LAYOUT))


default_cfgs = generate_default_cfgs(
    {
        "sbir_mini": {
            "url": "",
            "num_classes": 0,
            "input_size": (3, IMAGE_SIZE, IMAGE_SIZE),
            "pool_size": None,
            "fixed_input_size": False,
            "interpolation": "bicubic",
            "mean": PIXEL_MEAN,
            "std": PIXEL_STD,
            "first_conv": "patch_embed.conv_stem",
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
        "mlp_ratio": 2.0,
        "num_classes": 0,
        "class_token": False,
        "global_pool": "avg",
        "fc_norm": False,
        "pos_embed": "none",
        "embed_layer": ConvTrunk,
    }
    tower: VisionTransformer = build_model_with_cfg(
        MiniTower, "sbir_mini", pretrained, **{**settings, **kwargs}
    )
    return tower
