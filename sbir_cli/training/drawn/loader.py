"""Batches of drawings: some of photos, some with names, distorted anew in every step."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sbir_cli.config import TrainConfig
from sbir_cli.errors import SbirError
from sbir_cli.imaging.preprocess import Bytes
from sbir_cli.training.batch_loader import Normaliser
from sbir_cli.training.drawn.ink import pixels, unpack
from sbir_cli.training.processes import ALONE, Group
from sbir_cli.training.sampler import Indices

_OTHERS = 1024  # photos of a step beside those that are drawn: they cost a product of matrices


@dataclass(frozen=True)
class Lessons:
    """What is trained on; a side that there is none of is empty."""

    drawings: Bytes
    """(P, K, PACKED), K of each photo."""
    named: Bytes
    """(N, PACKED)."""
    labels: Indices
    """(N,) the class of each."""


@dataclass(frozen=True)
class Step:
    """Which drawings, and which photos they are compared with."""

    photos: Indices
    """(A,) whose drawings are taken."""
    named: Indices
    """(B,)."""
    candidates: Indices
    """(M,) photos, ascending, those of `photos` among them."""


@dataclass(frozen=True)
class DrawnBatch:
    """A + B drawings on the device, those of photos first."""

    drawings: Tensor
    """(A + B, 3, H, W) float32, normalised."""
    candidates: Tensor
    """(M,) int64 numbers of photos."""
    own: Tensor
    """(A,) int64: where in `candidates` each drawing's photo is."""
    labels: Tensor
    """(B,) int64: the class of each named drawing."""


class DrawnLoader:
    """An epoch draws every photo once, in another style each time; without photos it takes every
    named drawing once. With both, half of a step has names, taken in turn.

    What is random follows from the seed, the epoch and the step alone.

    Args:
        lessons: what is trained on.
        normaliser, size: to the model's pixels, (H, W).
        config: batch size and seed.
        group: the processes that share each step.

    Raises:
        SbirError: there are fewer drawings than processes.
    """

    def __init__(
        self,
        lessons: Lessons,
        normaliser: Normaliser,
        size: tuple[int, int],
        config: TrainConfig,
        group: Group = ALONE,
    ) -> None:
        self._lessons, self._normaliser, self._size = lessons, normaliser, size
        self._config, self._group = config, group
        photos, named = len(lessons.drawings), len(lessons.named)
        self._named = 0 if not named else config.batch_size // (2 if photos else 1)
        self._photos = config.batch_size - self._named if photos else 0
        if min(count for count in (photos, named) if count) < group.count:
            raise SbirError(
                f"{photos or named} drawings are too few for {group.count} processes",
                remedy="start fewer",
            )

    def epoch(self, epoch: int) -> list[Step]:
        """The steps of an epoch."""
        random = np.random.default_rng([self._config.seed, 4, epoch])
        photos, named = len(self._lessons.drawings), len(self._lessons.named)
        size, count = (self._photos, photos) if photos else (self._named, named)
        steps = max(1, count // size)
        return [
            Step(a, b, self._candidates(a, random))
            for a, b in zip(
                _parts(photos, self._photos, steps, random),
                _parts(named, self._named, steps, random),
                strict=True,
            )
        ]

    def batches(self, steps: Sequence[Step], epoch: int, first: int) -> Iterator[DrawnBatch]:
        """The batches of `steps` from number `first` on, drawn one ahead."""
        with ThreadPoolExecutor(1) as ahead:
            coming: deque[Future[Bytes]] = deque()
            for i in range(first, len(steps)):
                if not coming:
                    coming.append(ahead.submit(self._draw, steps[i], epoch, i))
                if i + 1 < len(steps):
                    coming.append(ahead.submit(self._draw, steps[i + 1], epoch, i + 1))
                yield self._batch(steps[i], coming.popleft().result())

    def _candidates(self, photos: Indices, random: np.random.Generator) -> Indices:
        count = len(self._lessons.drawings)
        others = random.choice(count, min(count, _OTHERS), replace=False) if count else photos
        return np.unique(np.concatenate([photos, others]))

    def _draw(self, step: Step, epoch: int, number: int) -> Bytes:
        """(A + B, 3, H, W) of this process's part."""
        lessons, per_photo = self._lessons, self._lessons.drawings.shape[1]
        which = (epoch + step.photos) % per_photo
        packed = [lessons.drawings[step.photos, which][self._own(step.photos)]]
        packed.append(lessons.named[step.named][self._own(step.named)])
        # a generator for each drawing of the whole step: a part gets what it would get in it
        numbers = np.arange(len(step.photos) + len(step.named))
        own = [*numbers[: len(step.photos)][self._own(step.photos)]]
        own += [*numbers[len(step.photos) :][self._own(step.named)]]
        randoms = [
            np.random.default_rng([self._config.seed, 5, epoch, number, int(i)]) for i in own
        ]
        inks = unpack(np.concatenate(packed))
        return np.stack([pixels(i, self._size, r) for i, r in zip(inks, randoms, strict=True)])

    def _batch(self, step: Step, drawn: Bytes) -> DrawnBatch:
        images = self._normaliser(drawn)
        photos, named = step.photos[self._own(step.photos)], step.named[self._own(step.named)]
        numbers = (
            step.candidates,
            np.searchsorted(step.candidates, photos),
            self._lessons.labels[named],
        )
        return DrawnBatch(images, *(torch.from_numpy(n).to(images.device) for n in numbers))

    def _own(self, numbers: Indices) -> slice:
        return self._group.own_part(len(numbers))


def _parts(count: int, size: int, steps: int, random: np.random.Generator) -> list[Indices]:
    """`size` different numbers below `count` for each step, as far as there are; all come before
    any comes again."""
    size = min(size, count)
    order = np.concatenate(
        [random.permutation(count) for _ in range(-(-steps * size // max(count, 1)))]
        or [np.zeros(0, np.int64)]
    )
    return [order[i * size : (i + 1) * size] for i in range(steps)]
