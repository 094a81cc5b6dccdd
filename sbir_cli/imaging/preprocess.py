"""Image to the array a model eats: open_clip's evaluation transform in PIL and numpy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from sbir_cli.errors import ModelError

Pixels = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

_INTERPOLATIONS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}


@dataclass(frozen=True)
class Preprocess:
    """open_clip's `image_transform` for one model, equal to it on RGB images (tested).

    Large JPEGs may be decoded at a reduced scale before (`images.read_image`): that is the only
    difference from open_clip, a cosine of 0.999 or more between the embeddings (tested).
    """

    size: tuple[int, int]
    """Height and width in pixels."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """Per channel, of values in 0..1."""
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    """`shortest`: shorter side to size, centre crop; `squash`: both sides; `longest`: pad."""
    fill_color: int = 0
    version: int = 2
    """Of how images are decoded and resized here; raised whenever that changes an embedding, so
    that galleries of before and after are told apart."""

    @classmethod
    def from_open_clip(cls, config: dict[str, Any]) -> Preprocess:
        """From open_clip's `preprocess_cfg` dictionary.

        Raises:
            ModelError: an interpolation or resize mode that open_clip's transform does not have.
        """
        size = config["size"]
        height, width = (size, size) if isinstance(size, int) else size
        preprocess = cls(
            size=(int(height), int(width)),
            mean=tuple(float(v) for v in config["mean"]),
            std=tuple(float(v) for v in config["std"]),
            interpolation=str(config["interpolation"]),
            resize_mode=str(config["resize_mode"]),
            fill_color=int(config["fill_color"]),
        )
        if preprocess.interpolation not in _INTERPOLATIONS:
            raise ModelError(f"unknown interpolation `{preprocess.interpolation}`")
        if preprocess.resize_mode not in ("shortest", "squash", "longest"):
            raise ModelError(f"unknown resize mode `{preprocess.resize_mode}`")
        return preprocess

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, for manifests and fingerprints."""
        return asdict(self)

    def __call__(self, image: Image.Image) -> Pixels:
        """(3, H, W) float32, normalised, of one RGB image of any size."""
        return self.normalised(self.resized(image))

    def resized(self, image: Image.Image) -> Bytes:
        """(3, H, W) uint8 of one RGB image of any size: what is left is `normalised`."""
        return np.ascontiguousarray(np.asarray(self._resize(image)).transpose(2, 0, 1))

    def normalised(self, values: Bytes) -> Pixels:
        """(..., 3, H, W) float32 of resized images."""
        mean, std = np.array([self.mean, self.std], dtype=np.float32)[..., None, None]
        return np.asarray(normalised(values.astype(np.float32), mean, std))

    def seen(self, image: Image.Image) -> Image.Image:
        """What a model sees of an image, as an image of its size."""
        return self._resize(image.convert("RGB"))

    def window(self, image: Image.Image) -> tuple[float, float, float, float]:
        """Left, top, width and height of what a model sees of an image, in shares of the image's
        width and height; it reaches beyond the image where that is padded."""
        if self.resize_mode == "squash":
            return 0.0, 0.0, 1.0, 1.0
        ratios = self.size[1] / image.width, self.size[0] / image.height
        ratio = min(ratios) if self.resize_mode == "longest" else max(ratios)
        width, height = (share / ratio for share in ratios)
        return (1 - width) / 2, (1 - height) / 2, width, height

    def _resize(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        method = _INTERPOLATIONS[self.interpolation]
        if self.resize_mode == "squash":
            return image.resize((width, height), method)
        ratios = height / image.height, width / image.width
        if self.resize_mode == "longest":
            ratio = min(ratios)
            new = round(image.width * ratio), round(image.height * ratio)
        elif height == width:  # torchvision's Resize truncates, open_clip's own rounds
            image = _without_far_ends(image)
            short = min(image.size)
            new = height * image.width // short, height * image.height // short
        else:
            ratio = max(ratios)
            new = round(image.width * ratio), round(image.height * ratio)
        resized = image.resize((max(new[0], 1), max(new[1], 1)), method)
        return self._crop_or_pad(resized)

    def _crop_or_pad(self, image: Image.Image) -> Image.Image:
        height, width = self.size
        left, top = round((image.width - width) / 2), round((image.height - height) / 2)
        if left >= 0 and top >= 0:
            return image.crop((left, top, left + width, top + height))
        canvas = Image.new("RGB", (width, height), (self.fill_color,) * 3)
        canvas.paste(image, (-left, -top))
        return canvas


def normalised(values: Any, mean: Any, std: Any) -> Any:
    """What a model eats of float32 values in 0..255, arrays or tensors: (x / 255 - mean) / std.

    Args:
        values: (..., 3, H, W).
        mean, std: (3, 1, 1), of values in 0..1.
    """
    return (values / 255 - mean) / std


def _without_far_ends(image: Image.Image, aspect: int = 16) -> Image.Image:
    """Cut the ends of a very long image that the centre crop drops anyway: resized whole, a line
    of a million pixels would take gigabytes."""
    width, height = image.size
    longest = aspect * min(width, height)
    if max(width, height) <= longest:
        return image
    left, top = max(width - longest, 0) // 2, max(height - longest, 0) // 2
    return image.crop((left, top, width - left, height - top))
