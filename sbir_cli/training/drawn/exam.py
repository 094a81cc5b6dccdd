"""Validation without sketches: do drawings of held-out photos find them, and held-out names?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sbir_cli.encoder.branch import Branch
from sbir_cli.errors import SbirError
from sbir_cli.evaluation.metrics import Ranks, accuracy, ap_trec
from sbir_cli.imaging.preprocess import Bytes
from sbir_cli.training.batch_loader import Normaliser
from sbir_cli.training.drawn.ink import pixels, unpack
from sbir_cli.training.methods import Method
from sbir_cli.training.sampler import Indices

_BATCH = 64


@dataclass(frozen=True)
class Exam:
    """Drawings, each of which has to find one thing among others."""

    drawings: Bytes
    """(Q, PACKED)."""
    targets: Tensor
    """(M, D) unit length, on the device: photos, or texts."""
    own: Indices
    """(Q,) the row of each drawing's own target."""


def photo_exam(drawings: Bytes, photos: Tensor, most: int) -> Exam:
    """To find each photo by its drawings, the styles in turn.

    Args:
        drawings: (A, K, PACKED), K of each photo.
        photos: (A, D) unit length, on the device.
        most: drawings, as far as one of each photo allows.
    """
    count, every = drawings.shape[:2]
    each = max(1, min(every, most // count))
    rows = np.repeat(np.arange(count), each)
    which = (rows + np.tile(np.arange(each), count)) % every
    return Exam(drawings[rows, which], photos, rows)


@dataclass(frozen=True)
class Mark:
    """How well exams went, in 0..1, larger is better: means over the exams."""

    mean_ap: float
    """Of one relevant target: the mean of 1 / its rank."""
    accuracy: float
    """Own target first."""


class Examiner:
    """Gives the exams to a method as it stands, or to the plain model.

    Args:
        exams: one or more.
        normaliser, size: to the model's pixels, (H, W).
    """

    def __init__(
        self, exams: Sequence[Exam], normaliser: Normaliser, size: tuple[int, int]
    ) -> None:
        self._exams, self._normaliser, self._size = exams, normaliser, size

    def trained(self, method: Method) -> float:
        """mAP of the method's sketch branch."""
        return self.mark(method, method.branches()[0]).mean_ap

    def plain(self, method: Method) -> float:
        """mAP of the tower as it is."""
        return self.mark(method, method.bare()).mean_ap

    @torch.no_grad()
    def mark(self, method: Method, branch: Branch) -> Mark:
        """Of a branch over the method's tower.

        Raises:
            SbirError: an embedding is not finite.
        """
        ranks = [self._ranks(method, branch, exam) for exam in self._exams]
        return Mark(
            float(np.mean([ap_trec(each, None).mean() for each in ranks])),
            float(np.mean([accuracy(each, 1).mean() for each in ranks])),
        )

    def _ranks(self, method: Method, branch: Branch, exam: Exam) -> Ranks:
        """(Q, 1); of targets with the same score the own one is the last."""
        scores = []
        for start in range(0, len(exam.drawings), _BATCH):
            inks = unpack(exam.drawings[start : start + _BATCH])
            images = self._normaliser(np.stack([pixels(ink, self._size) for ink in inks]))
            features = method.through(branch, images)
            scores.append((functional.normalize(features, dim=-1) @ exam.targets.T).cpu())
        found = torch.cat(scores)
        if not torch.isfinite(found).all():
            raise SbirError(
                "the validation's embeddings are not finite",
                remedy="use smaller learning rates, or --precision float32",
            )
        own = found[torch.arange(len(found)), torch.from_numpy(exam.own)]
        return np.asarray((found >= own[:, None]).sum(dim=1, keepdim=True).numpy())
