"""Batches in which sketches, line drawings of photos and photos of the same classes meet."""

import json
from dataclasses import dataclass
from pathlib import Path

import augment
import numpy as np
import torch
from numpy.typing import NDArray
from prepare import Labels
from torch import Tensor

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Mix:
    """How many images of each kind a batch holds, in one process."""

    pairs: int = 24  # a sketch and a photo of one group; two pairs of each group drawn
    sketches: int = 8  # more sketches, of any class
    photos: int = 56  # more photos, two of each name drawn
    edges: int = 36  # line drawings made from some of those photos


@dataclass(frozen=True)
class Batch:
    """Images (S sketches first, then P photos) and what they show.

    images (S + P, 3, 64, 64) in 0..1; names (S + P,) for the anchors; groups (S + P,) for the
    contrast of sketches with photos; partner (S,): the row of the photo (0..P-1) that the
    sketch was drawn from, or -1; source (S + P,): the number of the photo that is shown or was
    drawn from, or -1.
    """

    images: Tensor
    names: Tensor
    groups: Tensor
    partner: Tensor
    source: Tensor
    sketches: int


def rows_by_group(groups: Ints, count: int) -> list[Ints]:
    """For each group number the rows that belong to it."""
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], np.arange(count + 1))
    return [order[bounds[g] : bounds[g + 1]] for g in range(count)]


class Sampler:
    """Draws random batches from what ``prepare.py`` wrote."""

    def __init__(self, work: Path, mix: Mix, device: torch.device, seed: int) -> None:
        self.photos = np.load(work / "photos.npy", mmap_mode="r")
        self.sketches = np.load(work / "sketches.npy", mmap_mode="r")
        self.labels = Labels(**json.loads((work / "labels.json").read_text()))
        self.mix, self.device = mix, device
        self.rng = np.random.default_rng(seed)
        self.photo_name = np.asarray(self.labels.photo_name)
        self.photo_group = np.asarray(self.labels.photo_group)
        self.sketch_name = np.asarray(self.labels.sketch_name)
        self.sketch_group = np.asarray(self.labels.sketch_group)
        self.sketch_photo = np.asarray(self.labels.sketch_photo)
        count = len(self.labels.groups)
        self.photos_of = rows_by_group(self.photo_group, count)
        self.sketches_of = rows_by_group(self.sketch_group, count)
        self.drawn_from = [rows[self.sketch_photo[rows] >= 0] for rows in self.sketches_of]
        both = zip(self.photos_of, self.sketches_of, strict=True)
        self.paired = np.asarray([g for g, (p, s) in enumerate(both) if len(p) and len(s)])
        weight = np.asarray([2.0 if len(self.drawn_from[g]) else 1.0 for g in self.paired])
        self.paired_weight = weight / weight.sum()
        self.photos_named = rows_by_group(self.photo_name, len(self.labels.names))
        _, inverse, sizes = np.unique(self.sketch_group, return_inverse=True, return_counts=True)
        weight = 1 / np.sqrt(sizes[inverse])
        self.sketch_weight = weight / weight.sum()

    def draw(self) -> Batch:
        """One augmented batch."""
        mix, rng = self.mix, self.rng
        some = rng.choice(self.paired, mix.pairs // 2, replace=False, p=self.paired_weight)
        groups = np.repeat(some, 2)
        sketch = np.asarray([self.draw_sketch(g) for g in groups], np.int64)
        photo = np.asarray([rng.choice(self.photos_of[g]) for g in groups], np.int64)
        own = self.sketch_photo[sketch]
        photo = np.where((own >= 0) & (rng.random(mix.pairs) < 0.8), own, photo)
        partner = np.where(own == photo, np.arange(mix.pairs), -1)
        more = rng.choice(len(self.sketch_name), mix.sketches, p=self.sketch_weight)
        sketch = np.concatenate([sketch, more])
        first = rng.integers(len(self.photo_name), size=mix.photos // 2)
        second = [rng.choice(self.photos_named[self.photo_name[row]]) for row in first]
        photo = np.concatenate([photo, np.stack([first, second], axis=1).ravel()]).astype(np.int64)
        traced = mix.pairs + np.arange(mix.edges)
        partner = np.concatenate([partner, np.full(mix.sketches, -1), traced])
        names = [self.sketch_name[sketch], self.photo_name[photo[traced]], self.photo_name[photo]]
        kinds = [self.sketch_group[sketch], self.photo_group[photo[traced]]]
        return Batch(
            images=self.picture(sketch, photo, traced, partner),
            names=self.tensor(np.concatenate(names)),
            groups=self.tensor(np.concatenate([*kinds, self.photo_group[photo]])),
            partner=self.tensor(partner),
            source=self.tensor(np.concatenate([self.sketch_photo[sketch], photo[traced], photo])),
            sketches=len(partner),
        )

    def draw_sketch(self, group: int) -> int:
        """A sketch of the group, every second time one with a photo of its own if there are any."""
        own = self.drawn_from[group]
        rows = own if len(own) and self.rng.random() < 0.5 else self.sketches_of[group]
        return int(self.rng.choice(rows))

    def picture(self, sketch: Ints, photo: Ints, traced: Ints, partner: Ints) -> Tensor:
        """Load and augment: sketches, line drawings of the traced photos, photos.

        A drawing is turned left to right if its own photo is, so that the two stay alike.
        """
        colour = self.tensor(self.photos[photo]).permute(0, 3, 1, 2).float().div(255)
        mirror = augment.mirrors(len(photo), self.device)
        photos = augment.augment_photos(colour, mirror)
        if not len(partner):
            return photos
        variant = self.rng.integers(self.sketches.shape[1], size=len(sketch))
        ink = self.tensor(self.sketches[sketch, variant]).float().div(255)[:, None]
        alone = augment.mirrors(len(partner), self.device)
        place = self.tensor(partner)
        turned = torch.where(place < 0, alone, mirror[place.clamp(min=0)])
        inks = [augment.augment_ink(ink, turned[: len(sketch)])] if len(sketch) else []
        if len(traced):
            inks.append(augment.trace(colour[traced], turned[len(sketch) :]))
        return torch.cat([augment.paper(torch.cat(inks)), photos])

    def reseed(self, seed: int) -> None:
        """Start another random sequence, after a resume."""
        self.rng = np.random.default_rng(seed)
        torch.manual_seed(seed)

    def tensor(self, array: NDArray[np.generic]) -> Tensor:
        """A numpy array on the device."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
