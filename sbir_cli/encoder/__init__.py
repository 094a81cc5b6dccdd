"""Prompted CLIP: load a model, embed sketches and photos, save what was trained.

The only place that imports open_clip. Nothing heavy is imported before a model is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from sbir_cli.imaging.preprocess import Preprocess

if TYPE_CHECKING:
    from sbir_cli.encoder.graph_cache import GraphCache
    from sbir_cli.encoder.torch_encoder import PromptedEncoder


class AnyEncoder(Protocol):
    """What sketch and photo encoders have in common."""

    @property
    def name(self) -> str:
        """What finds the model again."""

    @property
    def preprocess(self) -> Preprocess:
        """What makes the pixels that it embeds."""

    @property
    def device(self) -> object:
        """Where it computes, for the user."""

    @property
    def fingerprint(self) -> str:
        """Hash of weights, prompts and preprocessing."""

    @property
    def photo_fingerprint(self) -> str:
        """Hash of what decides a photo's embedding, which a gallery keeps: that of the plain model
        where the sketch branch alone was trained."""


class SketchEncoder(AnyEncoder, Protocol):
    """What a query needs of a model."""

    def encode_sketches(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(N, D) unit-length embeddings of (N, 3, H, W) pixels."""


class PhotoEncoder(AnyEncoder, Protocol):
    """What a gallery needs of a model."""

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""

    def encode_photos(self, pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """(N, D) unit-length embeddings of (N, 3, H, W) pixels, uint8 or float32 and normalised."""


class Encoder(SketchEncoder, PhotoEncoder, Protocol):
    """Both, as an evaluation needs it."""


def load_encoder(
    name: str | None = None, device: str = "auto", download: bool = True, gpu: int | None = None
) -> PromptedEncoder:
    """The model called `name`, or the bundled one and its prompts, in torch on a device.

    Args:
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        download: whether files that are not cached may be fetched.
        gpu: which GPU `auto` and `cuda` mean, in a process of several.

    Raises:
        ModelError: it cannot be found or loaded, or takes no prompt tokens.
        UsageError: no such device.
    """
    from sbir_cli.encoder import torch_encoder

    return torch_encoder.load_encoder(name, device, download, gpu)


def load_sketch_encoder(
    name: str | None = None,
    device: str = "auto",
    download: bool = True,
    cache: GraphCache | None = None,
) -> SketchEncoder:
    """As `load_encoder`, for sketches: by an exported graph where the device is left to us or the
    CPU, which starts in a tenth of the time.

    Args:
        cache: where graphs are kept; one that the model lacks is made there, once. None: only a
            graph that lies beside the model is used.
    """
    from sbir_cli.encoder.model_files import canonical_name

    loaded: list[PromptedEncoder] = []

    def load(wanted: str) -> PromptedEncoder:
        loaded.append(load_encoder(wanted, device, download))
        return loaded[-1]

    if device in ("auto", "cpu"):
        from sbir_cli.encoder.graph_making import open_encoder

        found = open_encoder(canonical_name(name), download, cache, load)
        if found is not None:
            loaded.clear()  # a model in torch was needed to make the graph alone
            return found
    return loaded[-1] if loaded else load_encoder(name, device, download)


def load_photo_graph(
    name: str | None = None, device: str = "auto", download: bool = True
) -> PhotoEncoder | None:
    """The model's photo side by a graph that lies beside it, where the device is left to us or the
    CPU; None where there is none. It starts at once, and takes longer for a photo than torch.

    Raises:
        ModelError: as `load_encoder`.
    """
    if device not in ("auto", "cpu"):
        return None
    from sbir_cli.encoder.graph_making import open_encoder
    from sbir_cli.encoder.model_files import canonical_name

    def load(wanted: str) -> PromptedEncoder:
        return load_encoder(wanted, device, download)

    found = open_encoder(canonical_name(name), download, None, load)
    return found if found is not None and found.has("photo") else None
