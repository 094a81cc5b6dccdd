"""Prompted CLIP in torch: one frozen backbone, a sketch branch and a photo branch over it."""

from __future__ import annotations

import copy
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from safetensors.torch import save as serialise
from torch import Tensor

from sbir_cli import __version__
from sbir_cli.encoder.branch import Branch, branches_state
from sbir_cli.encoder.device import Device, choose_device
from sbir_cli.encoder.fingerprint import fingerprint, hash_arrays
from sbir_cli.encoder.model_files import (
    CHECKPOINT_CONFIG,
    CHECKPOINT_FORMAT,
    CHECKPOINT_WEIGHTS,
    GRAPH,
    Source,
    find_model,
)
from sbir_cli.encoder.silence import silence
from sbir_cli.encoder.torchvision_ops import declare_missing_ops
from sbir_cli.encoder.tower import Tower
from sbir_cli.errors import ModelError
from sbir_cli.imaging.preprocess import Preprocess
from sbir_cli.storage.files import replace_file

Embeddings = npt.NDArray[np.float32]


class PromptedEncoder:
    """Sketches and photos to unit-length embeddings in one space.

    Args:
        name: what finds the model again (`Source.name`).
        model: an open_clip model with a ViT image tower; it is frozen and put into eval mode.
        preprocess: what turns an RGB image into the model's pixels.
        device: where to compute, and in which precision.
        sketch, photo: the branches; without, both are the bare tower.

    Raises:
        ModelError: the image tower takes no prompt tokens.
    """

    def __init__(
        self,
        name: str,
        model: torch.nn.Module,
        preprocess: Preprocess,
        device: Device,
        sketch: Branch | None = None,
        photo: Branch | None = None,
    ) -> None:
        self.name, self.preprocess, self.device = name, preprocess, device
        self.model = model.eval().requires_grad_(False).to(device.device)
        self.tower = Tower.of(torch.nn.Module.get_submodule(model, "visual"), name)
        self.sketch = (sketch or Branch.empty(self.tower)).to(device.device)
        self.photo = (photo or Branch.empty(self.tower)).to(device.device)
        state = {k: v.float().cpu().numpy() for k, v in self.tower.module.state_dict().items()}
        self.weights_hash = hash_arrays(state)

    @property
    def fingerprint(self) -> str:
        """Hash of weights, both branches and preprocessing."""
        state = branches_state(self.sketch, self.photo)
        branches = {k: v.detach().cpu().numpy() for k, v in state.items()}
        return fingerprint(self.weights_hash, branches, self.preprocess)

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""
        height, width = self.preprocess.size
        with torch.inference_mode():
            pixels = torch.zeros(1, 3, height, width, device=self.device.device)
            return int(self.tower.module(pixels).shape[1])

    def encode_sketches(self, pixels: npt.NDArray[np.float32]) -> Embeddings:
        """(N, D) float32 unit-length embeddings of (N, 3, H, W) preprocessed sketches."""
        return self._encode(pixels, self.sketch)

    def encode_photos(self, pixels: npt.NDArray[np.float32]) -> Embeddings:
        """(N, D) float32 unit-length embeddings of (N, 3, H, W) preprocessed photos."""
        return self._encode(pixels, self.photo)

    def encode_texts(self, texts: list[str]) -> Embeddings:
        """(N, D) float32 unit-length embeddings of N texts, by the model's own text tower."""
        from open_clip import get_tokenizer

        source = find_model(self.name)
        name = f"local-dir:{source.folder}" if source.folder else str(source.architecture)
        tokens = get_tokenizer(name)(texts).to(self.device.device)
        model: Any = self.model
        with torch.inference_mode():
            return np.asarray(model.encode_text(tokens, normalize=True).float().cpu())

    @cached_property
    def _low_precision(self) -> Tower:
        """A copy of the tower with its weights in the device's precision. Autocast, which keeps
        the tokens in float32 between the layers, took 2.5 times as long (ViT-B/32 on a CPU)."""
        return Tower.of(copy.deepcopy(self.tower.module).to(self.device.dtype), self.name)

    def _encode(self, pixels: npt.NDArray[np.float32], branch: Branch) -> Embeddings:
        device, dtype = self.device.device, self.device.dtype
        tower = self.tower if dtype == torch.float32 else self._low_precision
        try:
            with torch.inference_mode():
                images = torch.from_numpy(pixels).to(device, dtype)
                features = branch.to(device, dtype).features(tower, images)
                unit: Tensor = torch.nn.functional.normalize(features.float(), dim=-1)
            return np.asarray(unit.cpu())
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"{len(pixels)} images do not fit into the memory of {device}",
                remedy="give a smaller --batch-size, or --device cpu",
            ) from error

    def save(self, folder: Path, training: dict[str, Any] | None = None) -> None:
        """Write a checkpoint folder: the branches as safetensors, and config.json.

        Args:
            folder: created if missing; its files are replaced, each atomically. An exported graph
                is removed: it would be that of the branches before.
            training: method, data, metrics with their protocol: whatever made the branches.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / GRAPH).unlink(missing_ok=True)
        tensors = branches_state(self.sketch, self.photo)
        state = {k: v.detach().float().cpu().clone() for k, v in tensors.items()}
        config = {
            "format": CHECKPOINT_FORMAT,
            "version": 1,
            "base": {"name": self.name, "weights": self.weights_hash},
            "preprocess": self.preprocess.as_dict(),
            "sbir": __version__,
            "training": training or {},
        }
        replace_file(folder / CHECKPOINT_WEIGHTS, serialise(state))
        replace_file(folder / CHECKPOINT_CONFIG, (json.dumps(config, indent=2) + "\n").encode())


def load_encoder(
    name: str | None = None, device: str = "auto", download: bool = True
) -> PromptedEncoder:
    """The model called `name` (see `source.find_model`) on a device (see `choose_device`).

    Raises:
        ModelError: it cannot be found or loaded, takes no prompts, or a checkpoint was trained
            over another base.
        UsageError: no such device.
    """
    chosen = choose_device(device)
    source = find_model(name, download)
    model = _build(source)
    config: Any = getattr(model.visual, "preprocess_cfg")  # noqa: B009 (set by open_clip)
    encoder = PromptedEncoder(source.name, model, Preprocess.from_open_clip(config), chosen)
    if source.checkpoint is None:
        return encoder
    if encoder.weights_hash != source.expected:
        raise ModelError(
            "the checkpoint was trained over another base model",
            where=source.checkpoint,
            remedy="load it over the weights that its config.json names",
        )
    state = load_file(source.checkpoint / CHECKPOINT_WEIGHTS)
    sketch, photo = (Branch.from_state_dict(state, p, encoder.tower) for p in ("sketch", "photo"))
    return PromptedEncoder(source.name, model, encoder.preprocess, chosen, sketch, photo)


def _build(source: Source) -> Any:
    silence()
    declare_missing_ops()
    import open_clip

    import sbir_cli.encoder.mini  # noqa: F401  (registers the bundled model's tower)

    try:
        if source.folder is not None:
            return open_clip.create_model(f"local-dir:{source.folder}", load_weights=True)
        assert source.architecture is not None and source.tag is not None
        keys = ("mean", "std", "interpolation", "resize_mode")
        return open_clip.create_model(
            source.architecture,
            pretrained=str(source.weights),
            # open_clip only warns when the tag's activation differs from the architecture's
            force_quick_gelu=bool(source.tag.get("quick_gelu", False)),
            force_preprocess_cfg={k: source.tag[k] for k in keys if source.tag.get(k)},
        )
    except Exception as error:  # open_clip raises nearly anything on a damaged folder or file
        raise ModelError(
            f"open_clip cannot load it ({str(error).splitlines()[0]})", where=source.name
        ) from error
