"""Triplets of indices to batches on the device, the next one made while the model is at work."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from sbir_cli.config import TrainConfig
from sbir_cli.imaging.preprocess import Bytes, Preprocess, normalised
from sbir_cli.training.image_store import Loaded
from sbir_cli.training.objective import Batch
from sbir_cli.training.processes import ALONE, Group
from sbir_cli.training.sampler import Indices, Sampler, Triplets, permutations

_Decoded = tuple[Triplets, list[Bytes], list[Indices]]


class Normaliser:
    """8-bit pixels to what the model eats, on its device: (x / 255 - mean) / std."""

    def __init__(self, preprocess: Preprocess, device: torch.device) -> None:
        self._device = device
        mean, std = (torch.tensor(v, device=device) for v in (preprocess.mean, preprocess.std))
        self._mean, self._std = mean[:, None, None], std[:, None, None]

    def __call__(self, pixels: Bytes) -> Tensor:
        """(N, 3, H, W) float32 of (N, 3, H, W) uint8."""
        moved = torch.from_numpy(pixels).to(self._device, non_blocking=True)
        return torch.as_tensor(normalised(moved.float(), self._mean, self._std))


class BatchLoader:
    """The batches of an epoch, from any step on; what is random in a step follows from the seed,
    the epoch and the step alone, so that a run can go on in the middle of an epoch.

    Of several processes each decodes its own part of a step; what is random is drawn for the whole
    step and then cut, so that any number of them see the same samples. A fine-grained part is
    whole classes."""

    def __init__(
        self, loaded: Loaded, normaliser: Normaliser, config: TrainConfig, group: Group = ALONE
    ) -> None:
        self._loaded, self._normaliser, self._config = loaded, normaliser, config
        self._group, self._sampler = group, Sampler(loaded.dataset, config, group)

    def epoch(self, epoch: int) -> list[Triplets]:
        """The steps of an epoch."""
        return self._sampler.epoch(epoch)

    def batches(self, steps: Sequence[Triplets], epoch: int, first: int) -> Iterator[Batch]:
        """The batches of `steps` from number `first` on, decoded one ahead."""
        with ThreadPoolExecutor(1) as ahead:
            coming: deque[Future[_Decoded]] = deque()
            for i in range(first, len(steps)):
                if not coming:
                    coming.append(ahead.submit(self._decode, steps[i], epoch, i))
                if i + 1 < len(steps):
                    coming.append(ahead.submit(self._decode, steps[i + 1], epoch, i + 1))
                yield self._batch(*coming.popleft().result())

    def _decode(self, step: Triplets, epoch: int, number: int) -> _Decoded:
        random = np.random.default_rng([self._config.seed, 5, epoch, number])
        count, own = len(step.sketches), self._group.own_part(len(step.sketches))
        # a sketch and its photos together, or they would no longer pair
        mirrored = random.random(count) < 0.5 if self._config.flip else np.zeros(count, np.bool_)
        orders = permutations(count, self._config.grid, random)
        step, mirrored = step.part(own), mirrored[own]
        images = [
            self._loaded.sketches.take(step.sketches),
            self._loaded.photos.take(step.positives),
            self._loaded.photos.take(step.negatives),
        ]
        for pixels in images:
            pixels[mirrored] = pixels[mirrored, :, :, ::-1]
        return step, images, [order[own] for order in orders]

    def _batch(self, step: Triplets, images: list[Bytes], orders: list[Indices]) -> Batch:
        sketches, positives, negatives = (self._normaliser(pixels) for pixels in images)
        device = sketches.device
        first, second = (torch.from_numpy(order).to(device) for order in orders)
        return Batch(
            sketches=sketches,
            positives=positives,
            negatives=negatives,
            labels=torch.from_numpy(step.labels).to(device),
            negative_labels=torch.from_numpy(step.negative_labels).to(device),
            photos=torch.from_numpy(step.positives).to(device),
            orders=(first, second) if self._config.task == "fine-grained" else None,
        )
