"""Retrieval on the held-out seen classes while a tower learns, and the metrics that choose.

mAP@all, protocol ``trec``; Acc@1: the sketch's own photo is first among the photos of its class.
``sbir evaluate`` is what reports; this measures without leaving the training.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import trunk
from names import VALIDATION
from numpy.typing import NDArray
from PIL import Image
from prepare import square_photo, square_sketch
from torch import Tensor
from torch.nn import functional

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Benchmark:
    """Sketches (Q, 3, SIDE, SIDE) and photos (G, 3, SIDE, SIDE), 0..1, with what they show."""

    sketches: Tensor
    photos: Tensor
    sketch_class: Ints
    photo_class: Ints
    own_photo: Ints

    @classmethod
    def read(cls, folder: Path, classes: tuple[str, ...] = VALIDATION) -> "Benchmark":
        """Every sketch and photo of some classes below ``sketch/`` and ``photo/``."""
        photos, sketches = list[NDArray[np.uint8]](), list[NDArray[np.uint8]]()
        photo_class, sketch_class, own = list[int](), list[int](), list[int]()
        for number, name in enumerate(classes):
            files = sorted((folder / "photo" / name).glob("*.jpg"))
            place = {path.stem: len(photos) + i for i, path in enumerate(files)}
            photos += [square_photo(Image.open(path)) for path in files]
            photo_class += [number] * len(files)
            for path in sorted((folder / "sketch" / name).glob("*.png")):
                sketches.append(square_sketch(Image.open(path)))
                sketch_class.append(number)
                own.append(place[path.stem.rsplit("-", 1)[0]])
        return cls(
            torch.from_numpy(np.stack(sketches))[:, None].expand(-1, 3, -1, -1).float() / 255,
            torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).float() / 255,
            *(np.asarray(rows) for rows in (sketch_class, photo_class, own)),
        )

    def to(self, device: torch.device) -> "Benchmark":
        """The same with its pictures on a device."""
        return replace(self, sketches=self.sketches.to(device), photos=self.photos.to(device))

    def rank(self, sketches: Tensor, photos: Tensor) -> dict[str, float]:
        """Metrics of (Q, D) and (G, D) embeddings of any length."""
        unit = (functional.normalize(rows, dim=1) for rows in (sketches, photos))
        scores = torch.matmul(next(unit), next(unit).T).cpu().numpy()
        order = np.argsort(-scores, axis=1, kind="stable")
        relevant = self.photo_class[order] == self.sketch_class[:, None]
        return {"mAP": mean_average_precision(relevant), "first": relevant[:, 0].mean().item()} | {
            "Acc@1": self.first_in_class(scores)
        }

    def first_in_class(self, scores: NDArray[np.float32]) -> float:
        """Acc@1, mean over the classes."""
        inside = np.where(self.photo_class == self.sketch_class[:, None], scores, -np.inf)
        first = inside.argmax(axis=1) == self.own_photo
        return float(
            np.mean([first[self.sketch_class == c].mean() for c in set(self.sketch_class)])
        )

    def photos_by_photos(self, photos: Tensor) -> float:
        """mAP@all of each photo against the others: how well the photo side groups new classes."""
        unit = functional.normalize(photos, dim=1)
        scores = (unit @ unit.T).fill_diagonal_(-2).numpy()
        order = np.argsort(-scores, axis=1, kind="stable")[:, :-1]
        return mean_average_precision(self.photo_class[order] == self.photo_class[:, None])


def mean_average_precision(relevant: NDArray[np.bool_]) -> float:
    """AP = sum_i P(i) rel(i) / R of each row, their mean."""
    precision = np.cumsum(relevant, axis=1) / np.arange(1, relevant.shape[1] + 1)
    average = (precision * relevant).sum(axis=1) / relevant.sum(axis=1)
    return float(average.mean())


@torch.inference_mode()
def embed(encode: Callable[[Tensor], Tensor], images: Tensor, batch: int = 60) -> Tensor:
    """(N, D) of (N, 3, H, W) in 0..1, in bfloat16."""
    with torch.autocast(images.device.type, torch.bfloat16):
        return torch.cat(
            [encode(trunk.normalise(part)).float() for part in torch.split(images, batch)]
        )
