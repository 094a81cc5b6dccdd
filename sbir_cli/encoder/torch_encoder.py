"""Prompted CLIP in torch: one frozen backbone, a sketch branch and a photo branch over it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL.Image import Image
from safetensors.torch import load_file
from safetensors.torch import save as serialise

from sbir_cli import __version__
from sbir_cli.encoder.branch import Branch, branches_state
from sbir_cli.encoder.clip import FrozenClip
from sbir_cli.encoder.device import Device, choose_device
from sbir_cli.encoder.fingerprint import Arrays, fingerprint, of_photos
from sbir_cli.encoder.model_files import (
    CHECKPOINT_CONFIG,
    CHECKPOINT_FORMAT,
    CHECKPOINT_WEIGHTS,
    GRAPHS,
    Checkpoint,
    find_model,
)
from sbir_cli.encoder.tower import Tower
from sbir_cli.errors import ModelError
from sbir_cli.imaging.preprocess import Preprocess
from sbir_cli.storage.files import write_file

Embeddings = npt.NDArray[np.float32]
Embed = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, eq=False)
class PromptedEncoder:
    """Sketches and photos to unit-length embeddings in one space; made by `bare` or
    `load_encoder`, and never changed: `with_branches` and `in_precision` make another one over the
    same backbone."""

    name: str
    """What finds the model again: the checkpoint's name, or the base model's."""
    clip: FrozenClip
    """The frozen backbone."""
    sketch: Branch
    photo: Branch
    """On the backbone's device."""

    @classmethod
    def bare(cls, clip: FrozenClip) -> PromptedEncoder:
        """Both branches are the model's own tower."""
        empty = Branch.empty(clip.tower).to(clip.device.device)
        return cls(clip.source.name, clip, empty, empty)

    def with_branches(self, sketch: Branch, photo: Branch) -> PromptedEncoder:
        """Other branches over the same backbone."""
        device = self.device.device
        return replace(self, sketch=sketch.to(device), photo=photo.to(device))

    def in_precision(self, dtype: torch.dtype) -> PromptedEncoder:
        """The same encoder, computing in another precision."""
        return replace(self, clip=self.clip.in_precision(dtype))

    def in_full_precision(self) -> PromptedEncoder:
        """The same encoder in float32, as an exported graph of it computes."""
        return self.in_precision(torch.float32)

    @property
    def preprocess(self) -> Preprocess:
        """What turns an RGB image into the model's pixels."""
        return self.clip.preprocess

    @property
    def device(self) -> Device:
        """Where it computes, and in which precision."""
        return self.clip.device

    @property
    def tower(self) -> Tower:
        """The backbone's image tower, in float32."""
        return self.clip.tower

    @property
    def weights_hash(self) -> str:
        """Of the backbone's image tower."""
        return self.clip.weights_hash

    @cached_property
    def fingerprint(self) -> str:
        """Hash of weights, both branches and preprocessing."""
        return fingerprint(self.weights_hash, self.branches(), self.preprocess)

    @property
    def photo_fingerprint(self) -> str:
        """The same of what a gallery depends on; see `of_photos`."""
        return fingerprint(self.weights_hash, of_photos(self.branches()), self.preprocess)

    def branches(self) -> Arrays:
        """Both branches, named as in a checkpoint."""
        state = branches_state(self.sketch, self.photo)
        return {k: v.detach().cpu().numpy() for k, v in state.items()}

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""
        return self.clip.dimension if self.photo.head is None else len(self.photo.head)

    def encode_sketches(self, pixels: npt.NDArray[np.float32]) -> Embeddings:
        """(N, D) float32 unit-length embeddings of (N, 3, H, W) preprocessed sketches."""
        return self._encode(pixels, self._embed_sketches)

    def encode_photos(self, pixels: npt.NDArray[Any]) -> Embeddings:
        """(N, D) float32 unit-length embeddings of (N, 3, H, W) photos, preprocessed or resized:
        a quarter of the bytes, and normalised on the device."""
        return self._encode(pixels, self._embed_photos)

    def encode_texts(self, texts: list[str]) -> Embeddings:
        """(N, D) float32 unit-length embeddings of N texts, by the model's own text tower."""
        return self.clip.encode_texts(texts)

    def sketch_tokens(self, image: Image) -> Embeddings:
        """(rows, columns, D) unit-length patch tokens of an RGB sketch: what is seen where, in the
        space of the embeddings where the tower allows it (see `patch_tokens`)."""
        return self._tokens(image, self.sketch)

    def photo_tokens(self, image: Image) -> Embeddings:
        """The same of a photo."""
        return self._tokens(image, self.photo)

    def _tokens(self, image: Image, branch: Branch) -> Embeddings:
        from sbir_cli.encoder.tokens import finer, patch_tokens

        device, times = self.device.device, finer(self.tower)
        height, width = self.preprocess.size
        preprocess = replace(self.preprocess, size=(times * height, times * width))
        with torch.inference_mode():
            pixels = torch.from_numpy(preprocess(image)[None]).to(device)
            laid_over = branch.to(device, torch.float32)
            return np.asarray(patch_tokens(laid_over, self.tower, pixels)[0].cpu())

    @cached_property
    def _embed_sketches(self) -> Embed:
        return self.clip.embedder(self.sketch)

    @cached_property
    def _embed_photos(self) -> Embed:
        return self.clip.embedder(self.photo)

    def _encode(self, pixels: npt.NDArray[Any], embed: Embed) -> Embeddings:
        device = self.device.device
        try:
            with torch.inference_mode():
                images = torch.from_numpy(pixels)
                if device.type == "cuda":  # copied from pinned memory, converted there
                    images = images.pin_memory().to(device, non_blocking=True)
                unit = embed(images.to(device))
            return np.asarray(unit.cpu())
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"{len(pixels)} images do not fit into the memory of {device}",
                remedy="give a smaller --batch-size, or --device cpu",
            ) from error

    def save(self, folder: Path, training: dict[str, Any] | None = None) -> None:
        """Write a checkpoint folder: the branches as safetensors, and config.json.

        Args:
            folder: created if missing; its files are replaced, each atomically. Exported graphs
                are removed: they would be those of the branches before.
            training: method, data, metrics with their protocol: whatever made the branches.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for graph in GRAPHS.values():
            (folder / graph).unlink(missing_ok=True)
        tensors = branches_state(self.sketch, self.photo)
        state = {k: v.detach().float().cpu().clone() for k, v in tensors.items()}
        config = {
            "format": CHECKPOINT_FORMAT,
            "version": 1,
            "base": {"name": self.clip.source.name, "weights": self.weights_hash},
            "preprocess": self.preprocess.as_dict(),
            "sbir": __version__,
            "training": training or {},
        }
        write_file(folder / CHECKPOINT_WEIGHTS, serialise(state))
        write_file(folder / CHECKPOINT_CONFIG, (json.dumps(config, indent=2) + "\n").encode())


def load_encoder(
    name: str | None = None, device: str = "auto", download: bool = True, gpu: int | None = None
) -> PromptedEncoder:
    """The model called `name` (see `find_model`) on a device (see `choose_device`).

    Raises:
        ModelError: it cannot be found or loaded, takes no prompts, or a checkpoint was trained
            over another base.
        UsageError: no such device.
    """
    chosen = choose_device(device, gpu)
    source = find_model(name, download)
    if not isinstance(source, Checkpoint):
        return PromptedEncoder.bare(FrozenClip.load(source, chosen))
    clip = FrozenClip.load(source.base, chosen)
    if clip.weights_hash != source.base_weights:
        raise ModelError(
            "the checkpoint was trained over another base model",
            where=source.folder,
            remedy="load it over the weights that its config.json names",
        )
    state = load_file(source.folder / CHECKPOINT_WEIGHTS)
    sketch, photo = (Branch.from_state_dict(state, p, clip.tower) for p in ("sketch", "photo"))
    bare = PromptedEncoder.bare(clip)
    return replace(bare.with_branches(sketch, photo), name=source.name)
