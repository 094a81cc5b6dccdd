"""What can be asked of a gallery, and how its parts become one embedding.

Drawings, words and photos lie in one space, but on different scales: of a drawing the photos'
cosines may spread from 0.3 to 0.8, of a word from 0.10 to 0.25. So each part is divided by the
standard deviation of its cosines over the gallery before parts are added; then a weight of one
half gives both the same say in the order of the photos. Being a sum of vectors, the whole question
is again one vector, found by any index; the score of a photo is its cosine with that vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sbir_cli.config import QueryConfig
from sbir_cli.errors import UsageError
from sbir_cli.imaging.sketches import Sketch

Vector = npt.NDArray[np.float32]
"""(D,), unit length."""

PHOTO_WEIGHT = 0.75
"""Of photos to be like, beside drawing or words of weight 1."""
UNLIKE_WEIGHT = 0.4
"""Of what it is not, beside what is looked for."""
NOTHING_ALIKE = "nothing here looks like your drawing"
"""What is said where no photo reaches a percentile."""


@dataclass(frozen=True, eq=False)
class Question:
    """What is looked for, and how much of it is wanted.

    Raises:
        UsageError: there is nothing to look for, or the weight is out of its range.
    """

    sketch: Sketch | None = None
    config: QueryConfig = field(default_factory=QueryConfig)
    also: tuple[Sketch, ...] = ()
    """More drawings of the same thing: their mean is looked for."""
    words: str = ""
    weight: float = 0.25
    """Of the words beside drawings and photos: 0 leaves them out, 1 leaves them alone."""
    like: tuple[Vector, ...] = ()
    """Embeddings of photos that it is like (`Searcher.photo`)."""
    unlike: tuple[Vector, ...] = ()
    unlike_sketches: tuple[Sketch, ...] = ()
    unlike_words: tuple[str, ...] = ()
    mirror: bool = False
    """Look for the mirrored drawings too."""

    def __post_init__(self) -> None:
        if self.sketch is None and not self.words.strip() and not self.like:
            raise UsageError("nothing is looked for; give a drawing, words or a photo to be like")
        beside = (self.words.strip(), self.also, self.like, self.unlike, self.unlike_sketches)
        if self.config.min_percentile is not None and (
            self.sketch is None or any(beside) or self.unlike_words or self.mirror
        ):
            raise UsageError(
                "a percentile (--min-score p95) is of one drawing alone; leave out the rest, or "
                "give a cosine or a share of the best"
            )
        if not 0 <= self.weight <= 1:
            raise UsageError(f"--weight must be in [0, 1], not {self.weight}")

    @property
    def name(self) -> str:
        """What results call the question."""
        return self.sketch.name if self.sketch else (self.words.strip() or "photos")

    @property
    def sketches(self) -> tuple[Sketch, ...]:
        """All drawings of what is looked for."""
        return () if self.sketch is None else (self.sketch, *self.also)


@dataclass(frozen=True)
class Parts:
    """The embeddings of a question's parts, each (n, D) with n possibly 0."""

    sketches: Sequence[Vector] = ()
    words: Sequence[Vector] = ()
    like: Sequence[Vector] = ()
    unlike: Sequence[Vector] = ()
    """Photos, drawings and words of what it is not."""


def blend(parts: Parts, weight: float, spread: Callable[[Vector], float]) -> Vector:
    """One unit-length vector of all parts.

    Args:
        weight: of the words, 0 to 1, beside the rest.
        spread: standard deviation of the gallery's cosines with a vector.
    """
    drawn, written, like = (_mean(part) for part in (parts.sketches, parts.words, parts.like))
    shape: list[tuple[float, Vector]] = []
    if drawn is not None:
        shape.append((1.0, drawn))
    if like is not None:
        shape.append((PHOTO_WEIGHT if drawn is not None or written is not None else 1.0, like))
    share = weight if shape and written is not None else 0.0
    terms = [(w * (1 - share), v) for w, v in shape]
    if written is not None:
        terms.append((share if shape else 1.0, written))
    terms += [(-UNLIKE_WEIGHT / len(parts.unlike), vector) for vector in parts.unlike]
    terms = [term for term in terms if term[0]]
    if len(terms) == 1:
        return terms[0][1]
    total = np.sum([w / spread(vector) * vector for w, vector in terms], axis=0)
    return np.asarray(total / np.linalg.norm(total), dtype=np.float32)


def _mean(vectors: Sequence[Vector]) -> Vector | None:
    if not len(vectors):
        return None
    if len(vectors) == 1:
        return vectors[0]
    mean = np.mean(vectors, axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)
