"""Which sketches, positive and negative photos make up each step, from seed and epoch alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbir_cli.config import TrainConfig
from sbir_cli.datasets import DataSet
from sbir_cli.errors import SbirError
from sbir_cli.training.processes import ALONE, Group

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Triplets:
    """One step: (N,) indices into a data set's sketches and photos, and class numbers."""

    sketches: Indices
    positives: Indices
    negatives: Indices
    labels: Indices
    """Index in the data set's sorted classes."""
    negative_labels: Indices
    """The negative photos' classes."""

    def part(self, own: slice) -> Triplets:
        """Some of the triplets."""
        return Triplets(*(values[own] for values in vars(self).values()))


class Sampler:
    """The steps of an epoch.

    Category level: the sketches in random order; the positive is any photo of the sketch's class,
    the negative any photo of any other class. Fine-grained: P classes x M sketches, P M the batch
    size, as L_delta needs them; the positive is the sketch's own photo, the negative another photo
    of the same class [paper].

    Args:
        dataset: what `selection.select` left to train on.
        config: task, batch size, instances and seed.
        group: the processes that share each step.

    Raises:
        SbirError: too few classes for P, or fewer sketches than processes.
    """

    def __init__(self, dataset: DataSet, config: TrainConfig, group: Group = ALONE) -> None:
        self.dataset, self.config, self.group = dataset, config, group
        number = {name: i for i, name in enumerate(dataset.classes)}
        self._labels = np.array([number[name] for name in dataset.sketch_classes])
        photos = np.array([number[name] for name in dataset.photo_classes])
        self._photos = [np.flatnonzero(photos == c) for c in range(len(number))]
        self._sketches = [np.flatnonzero(self._labels == c) for c in range(len(number))]
        self._p = config.batch_size // config.instances
        if config.task == "fine-grained" and self._p > len(number):
            raise SbirError(
                f"a batch takes {self._p} classes ({config.batch_size} sketches, "
                f"{config.instances} of each), and there are {len(number)} to train on",
                where=dataset.root,
                remedy="use a smaller --batch-size or more --instances",
            )
        if len(self._labels) < self.group.count:
            raise SbirError(
                f"{len(self._labels)} sketches are too few for {self.group.count} processes",
                where=dataset.root,
                remedy="start fewer",
            )

    def epoch(self, epoch: int) -> list[Triplets]:
        """The steps of one epoch; the same for the same seed and epoch."""
        random = np.random.default_rng([self.config.seed, 4, epoch])
        if self.config.task == "fine-grained":
            return [self._fine_grained(part, random) for part in self._balanced(random)]
        return [self._category(part, random) for part in self._shuffled(random)]

    def _shuffled(self, random: np.random.Generator) -> list[Indices]:
        order, size = random.permutation(len(self._labels)), self.config.batch_size
        full = len(order) // size
        if not full:  # one short step, of as many for each process
            return [order[: len(order) - len(order) % self.group.count]]
        return np.split(order[: full * size], full)

    def _balanced(self, random: np.random.Generator) -> list[Indices]:
        """Each class's sketches in groups of M; a step takes a group of each of the P classes
        with most groups left, so that few are left over at the end."""
        m = self.config.instances
        groups = []
        for sketches in self._sketches:
            mixed = random.permutation(sketches)
            mixed = mixed[: len(mixed) // m * m] if len(mixed) >= m else np.resize(mixed, m)
            groups.append(list(mixed.reshape(-1, m)))
        steps = []
        while True:
            left = np.array([len(each) for each in groups]) + random.random(len(groups))
            chosen = np.argsort(-left)[: self._p]
            if left[chosen[-1]] < 1:
                break
            steps.append(np.concatenate([groups[c].pop() for c in chosen]))
        order = random.permutation(len(steps))  # else the largest classes come first
        return [steps[i] for i in order]

    def _category(self, sketches: Indices, random: np.random.Generator) -> Triplets:
        labels = self._labels[sketches]
        others = (labels + random.integers(1, len(self._photos), len(labels))) % len(self._photos)
        positives = np.array([_one(self._photos[c], random) for c in labels])
        negatives = np.array([_one(self._photos[c], random) for c in others])
        return Triplets(sketches, positives, negatives, labels, others)

    def _fine_grained(self, sketches: Indices, random: np.random.Generator) -> Triplets:
        labels = self._labels[sketches]
        positives = np.array([self.dataset.own_photo[i] for i in sketches], dtype=np.int64)
        negatives = np.array(
            [
                _one(photos[photos != own], random)
                for own, photos in zip(positives, (self._photos[c] for c in labels), strict=True)
            ]
        )
        return Triplets(sketches, positives, negatives, labels, labels)


def _one(items: Indices, random: np.random.Generator) -> int:
    return int(items[random.integers(len(items))])


def permutations(count: int, grid: int, random: np.random.Generator) -> tuple[Indices, Indices]:
    """Two (count, grid * grid) patch permutations for every sample, g1 and a different g2."""
    cells = grid * grid
    first = random.permuted(np.tile(np.arange(cells), (count, 1)), axis=1)
    second = random.permuted(first, axis=1)
    same = np.flatnonzero((first == second).all(axis=1))
    second[same] = np.roll(second[same], 1, axis=1)
    return first, second
