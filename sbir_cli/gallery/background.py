"""The drawings of nothing, embedded: what a drawing of something has to beat in a gallery.

A gallery holds them, and the best score of each, since it was built, so that a percentile
(`QueryConfig.min_percentile`) costs no more than a question without one. They are of one sketch
branch; another branch over the same photos embeds its own when it is asked.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from sbir_cli.embedding import Embeddings, Encode, embed_batches
from sbir_cli.encoder import SketchEncoder
from sbir_cli.errors import ImageError
from sbir_cli.gallery.flat import Embedded, Matrix
from sbir_cli.imaging.background import background_file, drawings_of_nothing

WORTH_IT = 200
"""A run that embeds so many photos embeds the drawings too: 100 of them, so it takes at most half
as long again, and a tenth from 1,000 photos on. A run that adds a photo must not wait for them."""
_BATCH = 16


@dataclass(frozen=True, eq=False)
class Background:
    """The drawings of nothing, as one sketch branch sees them."""

    maker: str
    """Which branch, and which drawings (`maker_of`)."""
    embeddings: Embeddings
    """(M, D), unit length."""
    best: tuple[float, ...] = ()
    """The best score of each in the gallery that holds it; none where it was not measured."""

    def percentile(self, of: float) -> float:
        """The score that `of` of 100 drawings of nothing do not reach in the gallery."""
        return round(float(np.percentile(self.best, of)), 6) if self.best else -1.0

    def beside(self, photos: Matrix) -> Background:
        """The same where (N, D) photos have come to those that the scores were measured on."""
        scores = (self.embeddings @ photos.T).max(axis=1)
        best = tuple(
            max(old, round(score, 6)) for old, score in zip(self.best, scores.tolist(), strict=True)
        )
        return replace(self, best=best)


class Measured:
    """The best score of each drawing, noted while a gallery's embeddings are written."""

    def __init__(self, background: Background, embeddings: Embedded) -> None:
        self._background, self._read = background, embeddings.part
        self._best = np.full(len(background.embeddings), -1, dtype=np.float32)
        self.embeddings = Embedded(embeddings.shape, self._part)

    def _part(self, start: int, end: int) -> Matrix:
        part = self._read(start, end)
        scores = self._background.embeddings @ part.T
        np.maximum(self._best, scores.max(axis=1), out=self._best)
        return part

    def background(self) -> Background:
        """Once all were written."""
        best = tuple(round(score, 6) for score in self._best.tolist())
        return replace(self._background, best=best)


def maker_of(encoder: SketchEncoder) -> str:
    """What tells whose embeddings a background holds: they are used by no other."""
    return f"{encoder.fingerprint} {hashlib.sha256(background_file()).hexdigest()[:16]}"


def embedded(encoder: SketchEncoder, encode: Encode | None = None) -> Background:
    """The drawings of nothing by an encoder, which takes about as long as 100 photos.

    In float32, where the encoder can: in bfloat16, good enough for photos, a drawing's embedding
    moves by a cosine of up to 0.04, and questions are mostly put by graphs in float32.

    Args:
        encode: in place of the encoder's own `encode_sketches`.
    """
    exact = getattr(encoder, "in_full_precision", None)
    encode = encode or (encoder if exact is None else exact()).encode_sketches
    drawn, vectors = drawings_of_nothing(), []
    batches = [drawn[i : i + _BATCH] for i in range(0, len(drawn), _BATCH)]
    for _, part in embed_batches(
        batches,
        lambda sketch: encoder.preprocess(sketch.image),
        encode,
        workers=1,
    ):
        for vector in part:
            assert not isinstance(vector, ImageError)
            vectors.append(vector)
    return Background(maker_of(encoder), np.stack(vectors))
