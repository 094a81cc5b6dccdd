"""An open_clip model: frozen, on a device, built and hashed once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sbir_cli.encoder.allocator import keep_buffers
from sbir_cli.encoder.branch import Branch, LaidBranch
from sbir_cli.encoder.device import Device
from sbir_cli.encoder.fingerprint import hash_arrays
from sbir_cli.encoder.lanes import in_lanes
from sbir_cli.encoder.model_files import BaseModel, FolderModel
from sbir_cli.encoder.torchvision_ops import import_open_clip
from sbir_cli.encoder.tower import Tower
from sbir_cli.errors import ModelError
from sbir_cli.imaging.preprocess import Preprocess, normalised

_LONGEST = 200  # characters of what open_clip says


@dataclass(frozen=True, eq=False)
class FrozenClip:
    """A base model whose parameters nobody changes."""

    source: BaseModel
    model: torch.nn.Module
    """open_clip's model, in eval mode and float32."""
    tower: Tower
    """Its image tower."""
    preprocess: Preprocess
    device: Device
    weights_hash: str
    """Of the image tower."""

    @classmethod
    def load(cls, source: BaseModel, device: Device) -> FrozenClip:
        """Build the model on a device.

        Raises:
            ModelError: open_clip cannot load it, or its image tower takes no prompt tokens.
        """
        model: Any = _build(source).eval().requires_grad_(False).to(device.device)
        tower = Tower.of(model.visual, source.name)
        state = {k: v.float().cpu().numpy() for k, v in tower.module.state_dict().items()}
        preprocess = Preprocess.from_open_clip(model.visual.preprocess_cfg)
        return cls(source, model, tower, preprocess, device, hash_arrays(state))

    def in_precision(self, dtype: torch.dtype) -> FrozenClip:
        """The same model, computing in another precision."""
        return replace(self, device=replace(self.device, dtype=dtype))

    @cached_property
    def embedding_tower(self) -> Tower:
        """The tower with its weights in the device's precision. Autocast, which keeps the tokens
        in float32 between the layers, took 2.5 times as long (ViT-B/32 on a CPU)."""
        if self.device.dtype == torch.float32:
            return self.tower
        module = copy.deepcopy(self.tower.module).to(self.device.dtype)
        return Tower.of(module, self.source.name)

    @cached_property
    def is_small(self) -> bool:
        """Whether its convolutions are the bundled model's."""
        from sbir_cli.encoder.mini import ConvTrunk

        return any(isinstance(module, ConvTrunk) for module in self.tower.module.modules())

    def embedder(self, branch: Branch) -> Callable[[Tensor], Tensor]:
        """What makes (N, D) float32 unit-length embeddings of (N, 3, H, W) pixels under a branch,
        uint8 or float32 and normalised, all on the device, without gradients.

        Over the bundled model's tower norms are folded into the convolutions before them and, on a
        CPU, clamps computed with them.
        """
        device, dtype = self.device.device, self.device.dtype
        mean, std = (
            torch.tensor(values, device=device)[:, None, None]
            for values in (self.preprocess.mean, self.preprocess.std)
        )

        def prepared(pixels: Tensor) -> Tensor:  # as convolutions run fastest
            if pixels.dtype == torch.uint8:
                pixels = normalised(pixels.float(), mean, std)
            return pixels.to(dtype, memory_format=torch.channels_last)

        if not self.is_small or branch.conditioner:
            own, tower = branch.to(device, dtype), self.embedding_tower
            return lambda pixels: own.embeddings(tower, prepared(pixels))
        from sbir_cli.encoder.mini import fold_norms, fuse_clamps

        laid, on_cpu = LaidBranch(branch.to(device), self.tower), device.type == "cpu"
        fold_norms(laid)
        if on_cpu:
            fuse_clamps(laid)
            keep_buffers()
        laid.in_precision(dtype)

        def compute(pixels: Tensor) -> Tensor:
            return laid.embeddings(prepared(pixels))

        def embed(pixels: Tensor) -> Tensor:
            with laid.prompted():
                return in_lanes(compute, pixels) if on_cpu else compute(pixels)

        return embed

    @cached_property
    def dimension(self) -> int:
        """D, the length of an embedding."""
        height, width = self.preprocess.size
        with torch.inference_mode():
            pixels = torch.zeros(1, 3, height, width, device=self.device.device)
            return int(self.tower.module(pixels).shape[1])

    def encode_texts(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """(N, D) float32 unit-length embeddings of N texts, by the model's own text tower.

        Raises:
            ModelError: it has none, or no tokenizer that can be loaded.
        """
        model: Any = self.model
        with self._answering_for_texts(), torch.inference_mode():
            tokens = torch.from_numpy(self.tokens(texts)).to(self.device.device)
            return np.asarray(model.encode_text(tokens, normalize=True).float().cpu())

    def tokens(self, texts: list[str]) -> npt.NDArray[np.int64]:
        """(N, length) tokens of N texts, by the model's own tokenizer; errors as `encode_texts`."""
        from open_clip import get_tokenizer

        if isinstance(self.source, FolderModel):
            name = f"local-dir:{self.source.folder}"
        else:
            name = self.source.architecture
        with self._answering_for_texts():
            return np.asarray(get_tokenizer(name)(texts), dtype=np.int64)

    @contextmanager
    def _answering_for_texts(self) -> Iterator[None]:
        try:
            yield
        except ModelError:
            raise
        except Exception as error:  # open_clip and its tokenizers raise nearly anything
            why = (str(error) or type(error).__name__).splitlines()[0]
            missing = getattr(error, "name", None) if isinstance(error, ImportError) else None
            raise ModelError(
                f"its text tower cannot be asked ({why})",
                where=self.source.name,
                remedy=f"pip install {missing}, which its tokenizer needs"
                if missing
                else "choose a model with its text tower and tokenizer; plain photos need none",
            ) from error


def _build(source: BaseModel) -> Any:
    open_clip = import_open_clip()
    import sbir_cli.encoder.mini  # noqa: F401  (registers the bundled model's tower)

    try:
        if isinstance(source, FolderModel):
            return open_clip.create_model(f"local-dir:{source.folder}", load_weights=True)
        keys = ("mean", "std", "interpolation", "resize_mode")
        return open_clip.create_model(
            source.architecture,
            pretrained=str(source.weights),
            # open_clip only warns when the tag's activation differs from the architecture's
            force_quick_gelu=bool(source.tag.get("quick_gelu", False)),
            force_preprocess_cfg={k: source.tag[k] for k in keys if source.tag.get(k)},
        )
    except Exception as error:  # open_clip raises nearly anything on a damaged folder or file
        if _lacks_text(error):
            raise ModelError(
                "its text tower is missing",
                where=source.name,
                remedy="name a whole CLIP, with the weights and settings of both towers",
            ) from error
        why = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(
            f"open_clip cannot load it ({why[:_LONGEST]})", where=source.name
        ) from error


def _lacks_text(error: Exception) -> bool:
    """Whether a model's settings or weights have no text tower, and all of the image tower."""
    if isinstance(error, KeyError):
        return error.args == ("text_cfg",)
    missing = str(error).partition("Missing key(s) in state_dict:")[2].splitlines()
    names = missing[0] if missing else ""
    return "token_embedding" in names and '"visual.' not in names
