"""One number for how well held-out seen classes are retrieved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sbir_cli.config import Task
from sbir_cli.embedding import Embeddings
from sbir_cli.errors import SbirError
from sbir_cli.evaluation.embedded import Embedded
from sbir_cli.evaluation.metrics import Metric, accuracy, ap_trec
from sbir_cli.evaluation.ranking import score_queries
from sbir_cli.evaluation.summary import AVERAGES, mean
from sbir_cli.training.batch_loader import Normaliser
from sbir_cli.training.image_store import Images, Loaded
from sbir_cli.training.methods import Method
from sbir_cli.training.objective import Modality

_BATCH = 64
_SAMPLE = 1024  # training images behind a mean embedding
_ALIKE = 1e-6  # of numbers in -1..1: what rounding alone makes of equal ones


MEASURES: dict[Task, Metric] = {
    "category": Metric("mAP@all", "trec", lambda ranks: ap_trec(ranks, None)),
    "fine-grained": Metric("Acc@1", "class mean", lambda ranks: accuracy(ranks, 1)),
}
"""What selects the best epoch. All protocols but `voc` give this mAP@all."""


def measure(embedded: Embedded, task: Task) -> float:
    """The task's measure as `sbir evaluate` computes it, in 0..1, larger is better.

    It is 0 where all photos are embedded alike: such photos are ranked by their paths, and that
    order must not be taken for something learned.

    Raises:
        SbirError: an embedding is not finite.
    """
    if not (np.isfinite(embedded.sketches).all() and np.isfinite(embedded.photos).all()):
        raise SbirError(
            "the validation's embeddings are not finite",
            remedy="use smaller learning rates, or --precision float32",
        )
    if np.ptp(embedded.photos, axis=0).max() <= _ALIKE:
        return 0.0
    queries, values = score_queries(embedded, task, [MEASURES[task]])
    classes = [embedded.dataset.sketch_classes[i] for i in queries]
    return float(mean(values, classes, AVERAGES[task])[0])


Means = tuple[Tensor | None, Tensor | None]
"""(D,) of sketches and of photos, to subtract from unit-length features; None: nothing is."""


class Centre:
    """The means of both modalities' training images, as the method stands.

    Args:
        loaded: the training images; of each modality up to 1,024, evenly spaced, are taken.
        normaliser: 8-bit pixels to the model's.
    """

    def __init__(self, loaded: Loaded, normaliser: Normaliser) -> None:
        self._loaded, self._normaliser = loaded, normaliser

    def __call__(self, method: Method) -> Means:
        """(D,) each, of unit-length features; none of photos where their branch stays plain."""
        sketch = self._mean(method, "sketch", self._loaded.sketches)
        alone = method.config.branch == "sketch"
        return sketch, None if alone else self._mean(method, "photo", self._loaded.photos)

    def _mean(self, method: Method, kind: Modality, images: Images) -> Tensor:
        spaced = np.linspace(0, len(images) - 1, min(len(images), _SAMPLE)).astype(int).tolist()
        return embed(method, kind, images, spaced, self._normaliser).mean(dim=0)


class Validator:
    """Embeds the held-out classes as the method stands, and measures.

    Args:
        loaded: the held-out classes.
        normaliser: 8-bit pixels to the model's.
        task: what is measured; see `measure`.
        centre: the means to subtract; None: nothing is.
    """

    def __init__(
        self, loaded: Loaded, normaliser: Normaliser, task: Task, centre: Centre | None
    ) -> None:
        self._loaded, self._normaliser = loaded, normaliser
        self._task, self._centre = task, centre

    def __call__(self, method: Method) -> float:
        """The measure, in 0..1."""
        means: Means = (None, None) if self._centre is None else self._centre(method)
        sketches = self._embed(method, "sketch", self._loaded.sketches, means[0])
        photos = self._embed(method, "photo", self._loaded.photos, means[1])
        return measure(Embedded(self._loaded.dataset, sketches, photos, []), self._task)

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
