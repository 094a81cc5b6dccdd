"""Which losses a task adds up, and which images of a step they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from sbir_cli.config import TrainConfig
from sbir_cli.training import losses

Modality = Literal["sketch", "photo"]
Losses = dict[str, Tensor]


class AnyObjective(Protocol):
    """What a method needs of an objective; a batch is whatever its loader makes."""

    def images(self, batch: Any) -> list[tuple[str, Modality, Tensor]]:
        """Name, modality and (N, 3, H, W) pixels of each kind of image the losses need."""

    def __call__(self, features: dict[str, Tensor], batch: Any) -> Losses:
        """The named losses, unweighted, and their weighted sum `total`."""


@dataclass(frozen=True)
class Batch:
    """N triplets on the device, normalised for the model."""

    sketches: Tensor
    """(N, 3, H, W) float32, as are the photos."""
    positives: Tensor
    negatives: Tensor
    labels: Tensor
    """(N,) int64: the class, a row of the objective's texts."""
    negative_labels: Tensor
    """(N,) int64: the negative photo's class."""
    photos: Tensor
    """(N,) int64: which photo the positive is; equal numbers are the same photo."""
    orders: tuple[Tensor, Tensor] | None = None
    """(N, n * n) each: the patch permutations g1 and g2 of every sample, fine-grained."""


@dataclass(frozen=True)
class Objective:
    """The sum that is minimised.

    Category level: L_tri + w_cls (L_cls^photo + L_cls^sketch); fine-grained adds
    w_delta L_delta + w_PS L_PS [paper]; both can add InfoNCE over the batch.
    """

    config: TrainConfig
    texts: Tensor
    """(C, D) text embeddings of the training classes, on the device."""
    temperature: float
    """Of classification and InfoNCE."""

    def images(self, batch: Batch) -> list[tuple[str, Modality, Tensor]]:
        """Name, modality and (N, 3, H, W) pixels of each kind of image the losses need."""
        needed: list[tuple[str, Modality, Tensor]] = [
            ("sketch", "sketch", batch.sketches),
            ("positive", "photo", batch.positives),
            ("negative", "photo", batch.negatives),
        ]
        if self._shuffles and batch.orders is not None:
            first, second = batch.orders
            mixed, other = (losses.shuffle_patches(batch.positives, o) for o in (first, second))
            needed += [
                ("shuffled sketch", "sketch", losses.shuffle_patches(batch.sketches, first)),
                ("shuffled photo", "photo", mixed),
                ("otherwise shuffled photo", "photo", other),
            ]
        return needed

    @property
    def _shuffles(self) -> bool:
        return self.config.task == "fine-grained" and self.config.shuffle_weight > 0

    def __call__(self, features: dict[str, Tensor], batch: Batch) -> Losses:
        """The named losses, unweighted, and their weighted sum `total`.

        Args:
            features: (N, D) of each name that `images` gave.
            batch: the triplets they came from.
        """
        config, found, weights = self.config, Losses(), {"triplet": 1.0}
        sketch, positive, negative = (features[k] for k in ("sketch", "positive", "negative"))
        margin: Tensor | float = config.margin
        if config.adaptive_margin and config.task == "category":
            margin = losses.adaptive_margin(self.texts, batch.labels, batch.negative_labels)
        found["triplet"] = losses.triplet(sketch, positive, negative, margin)
        if config.cls_weight:
            for name, part in (("cls sketch", sketch), ("cls photo", positive)):
                found[name] = losses.classification(
                    part, batch.labels, self.texts, self.temperature
                )
                weights[name] = config.cls_weight
        if config.infonce_weight:
            key = batch.labels if config.task == "category" else batch.photos
            same = key[:, None] == key[None, :]
            found["infonce"] = losses.infonce(sketch, positive, same, self.temperature)
            weights["infonce"] = config.infonce_weight
        if config.task == "fine-grained":
            self._add_fine_grained(found, weights, features, batch)
        return summed(found, weights)

    def _add_fine_grained(
        self, found: Losses, weights: dict[str, float], features: dict[str, Tensor], batch: Batch
    ) -> None:
        config = self.config
        if config.delta_weight:
            near = losses.cosine_distance(features["sketch"], features["positive"])
            far = losses.cosine_distance(features["sketch"], features["negative"])
            found["delta"] = losses.f_divergence(near - far, batch.labels, config.delta_temperature)
            weights["delta"] = config.delta_weight
        if self._shuffles:
            found["shuffle"] = losses.triplet(
                features["shuffled sketch"],
                features["shuffled photo"],
                features["otherwise shuffled photo"],
                config.shuffle_margin,
            )
            weights["shuffle"] = config.shuffle_weight


def summed(found: Losses, weights: dict[str, float]) -> Losses:
    """The losses and `total`, their weighted sum."""
    total = torch.stack([weights[k] * v for k, v in found.items()]).sum()
    return {"total": total, **found}
