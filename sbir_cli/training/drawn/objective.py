"""What drawings are taught: the place of their photo among all photos, and their name."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sbir_cli.config import TrainConfig
from sbir_cli.training import losses
from sbir_cli.training.drawn.loader import DrawnBatch
from sbir_cli.training.objective import Losses, Modality, summed

_ALIKE = 0.95  # cosine from which two photos are near-duplicates
_SAMPLE = 1024  # photos that the spread of their cosines is measured on
_SHARPNESS = 0.5  # the temperature, in standard deviations of the photos' cosines


@dataclass(frozen=True)
class DrawnObjective:
    """w_info L_own + w_relation L_relation + w_anchor d(s, p) of drawings of photos, the photos as
    the plain model embeds them, and w_cls L_cls of named drawings."""

    config: TrainConfig
    photos: Tensor
    """(P, D) unit-length embeddings of the training photos, on the device."""
    groups: Tensor
    """(P,) int64: equal numbers are near-duplicates."""
    texts: Tensor
    """(C, D) text embeddings of the drawings' classes, on the device."""
    temperature: float
    """Among photos; see `spread`."""
    text_temperature: float
    """Of the classification."""

    def images(self, batch: DrawnBatch) -> list[tuple[str, Modality, Tensor]]:
        """The drawings: nothing else is embedded."""
        return [("drawing", "sketch", batch.drawings)]

    def __call__(self, features: dict[str, Tensor], batch: DrawnBatch) -> Losses:
        """The named losses, unweighted, and their weighted sum `total`."""
        config, found, weights = self.config, Losses(), dict[str, float]()
        drawn, named = torch.split(features["drawing"], [len(batch.own), len(batch.labels)])
        if len(drawn):
            self._add_photos(found, drawn, batch)
            weights |= {
                "own photo": config.infonce_weight,
                "relation": config.relation_weight,
                "distance": config.anchor_weight,
            }
        if len(named):
            found["cls sketch"] = losses.classification(
                named, batch.labels, self.texts, self.text_temperature
            )
            weights["cls sketch"] = config.cls_weight
        return summed(found, weights)

    def _add_photos(self, found: Losses, drawn: Tensor, batch: DrawnBatch) -> None:
        photos, groups = self.photos[batch.candidates], self.groups[batch.candidates]
        own = batch.own
        alike = (photos[own] @ photos.T >= _ALIKE) | (groups[own][:, None] == groups)
        found["own photo"] = losses.own_photo(drawn, photos, own, alike, self.temperature)
        found["relation"] = losses.relation(drawn, photos, own, self.temperature)
        found["distance"] = losses.cosine_distance(drawn, photos[own]).mean()


def spread(photos: Tensor) -> float:
    """The temperature among photos: half the standard deviation of their cosines to each other.

    CLIPs differ in how narrow a cone their photos lie in; measured by it, the softmax is as sharp
    in all of them.

    Args:
        photos: (P, D) unit length, two or more.
    """
    some = photos[:: max(1, len(photos) // _SAMPLE)]
    rows, columns = torch.triu_indices(len(some), len(some), 1)
    return max(1e-3, _SHARPNESS * float((some @ some.T)[rows, columns].std()))
