"""One number for how well held-out seen classes are retrieved."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from sbir_cli.config import Task
from sbir_cli.datasets import DataSet
from sbir_cli.evaluation.metrics import accuracy, ap_trec
from sbir_cli.training.batch_loader import Normaliser
from sbir_cli.training.image_store import Images, Loaded
from sbir_cli.training.methods import Method
from sbir_cli.training.objective import Modality

Embeddings = npt.NDArray[np.float32]
Measure = Callable[[Embeddings, Embeddings, DataSet], float]
"""(N, D) unit-length sketches, (G, D) photos and the data set they belong to, to a number in 0..1,
larger is better."""

_BATCH = 64
_SAMPLE = 1024  # training images behind a mean embedding


def map_all(sketches: Embeddings, photos: Embeddings, dataset: DataSet) -> float:
    """mAP@all: the mean over sketches of AP = sum_i P(i) rel(i) / R, over the whole gallery; a
    photo of the sketch's class is relevant. All protocols but `voc` give this number."""
    wanted, there = np.array(dataset.sketch_classes), np.array(dataset.photo_classes)
    values = []
    for name in dataset.classes:  # one number R of relevant photos at a time
        ranking = np.argsort(-(sketches[wanted == name] @ photos.T), axis=1, kind="stable")
        relevant = (there == name)[ranking]
        ranks = np.nonzero(relevant)[1].reshape(len(ranking), -1) + 1
        values.append(ap_trec(ranks, None))
    return float(np.concatenate(values).mean())


def acc_1(sketches: Embeddings, photos: Embeddings, dataset: DataSet) -> float:
    """Acc@1: the share of sketches whose own photo comes first among the photos of its class,
    averaged over classes [paper]."""
    wanted, there = np.array(dataset.sketch_classes), np.array(dataset.photo_classes)
    own = np.array([-1 if i is None else i for i in dataset.own_photo])
    values = []
    for name in dataset.classes:
        queries = np.flatnonzero((wanted == name) & (own >= 0))
        gallery = np.flatnonzero(there == name)
        if len(queries):
            scores = sketches[queries] @ photos[gallery].T
            hits = gallery[None, :] == own[queries, None]
            ranks = 1 + (scores > scores[hits][:, None]).sum(axis=1, keepdims=True)
            values.append(accuracy(ranks, 1).mean())
    return float(np.mean(values))


MEASURES: dict[Task, tuple[str, Measure]] = {
    "category": ("mAP@all", map_all),
    "fine-grained": ("Acc@1", acc_1),
}


Means = tuple[Tensor | None, Tensor | None]
"""(D,) of sketches and of photos, to subtract from unit-length features."""


class Centre:
    """The means of both modalities' training images, as the method stands.

    Args:
        loaded: the training images; of each modality up to 1,024, evenly spaced, are taken.
        normaliser: 8-bit pixels to the model's.
    """

    def __init__(self, loaded: Loaded, normaliser: Normaliser) -> None:
        self._loaded, self._normaliser = loaded, normaliser

    def __call__(self, method: Method) -> Means:
        """(D,) each, of unit-length features."""
        sketch = self._mean(method, "sketch", self._loaded.sketches)
        return sketch, self._mean(method, "photo", self._loaded.photos)

    def _mean(self, method: Method, kind: Modality, images: Images) -> Tensor:
        spaced = np.linspace(0, len(images) - 1, min(len(images), _SAMPLE)).astype(int).tolist()
        return embed(method, kind, images, spaced, self._normaliser).mean(dim=0)


class Validator:
    """Embeds the held-out classes as the method stands, and measures.

    Args:
        loaded: the held-out classes.
        normaliser: 8-bit pixels to the model's.
        measure: embeddings to the number that selects the best epoch.
        centre: the means to subtract; None: nothing is.
    """

    def __init__(
        self, loaded: Loaded, normaliser: Normaliser, measure: Measure, centre: Centre | None
    ) -> None:
        self._loaded, self._normaliser = loaded, normaliser
        self._measure, self._centre = measure, centre

    def __call__(self, method: Method) -> float:
        """The measure, in 0..1."""
        means: Means = (None, None) if self._centre is None else self._centre(method)
        sketches = self._embed(method, "sketch", self._loaded.sketches, means[0])
        photos = self._embed(method, "photo", self._loaded.photos, means[1])
        return self._measure(sketches, photos, self._loaded.dataset)

    def _embed(
        self, method: Method, kind: Modality, images: Images, mean: Tensor | None
    ) -> Embeddings:
        unit = embed(method, kind, images, range(len(images)), self._normaliser)
        if mean is not None:
            unit = functional.normalize(unit - mean, dim=-1)
        return unit.cpu().numpy()


@torch.no_grad()
def embed(
    method: Method,
    kind: Modality,
    images: Images,
    indices: Sequence[int],
    normaliser: Normaliser,
) -> Tensor:
    """(len(indices), D) unit-length features of these images, on the device."""
    parts = []
    for start in range(0, len(indices), _BATCH):
        pixels = normaliser(images.take(indices[start : start + _BATCH]))
        features = method.features([("all", kind, pixels)])["all"]
        parts.append(functional.normalize(features, dim=-1))
    return torch.cat(parts)
