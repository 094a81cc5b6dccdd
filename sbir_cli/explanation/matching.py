"""The patch tokens of a sketch and of a photo, compared.

A pair is a token of the sketch that carries ink and a token of the photo, each the other's nearest.
Of the photo only what is like the whole sketch takes part: backgrounds are full of tokens that are
near to some stroke and to nothing else of the drawing. It shows what looks alike to the model, not
what made the score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from sbir_cli.errors import ModelError

if TYPE_CHECKING:
    from sbir_cli.encoder.torch_encoder import PromptedEncoder

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

LIKE_THE_SKETCH = 0.5
"""Where a token of the photo begins to take part, between the least (0) and the most (1) like the
whole sketch of all its tokens."""
_INK = 0.01  # mean darkness of a cell, 0 to 1, from which it carries ink
_CELL = 16  # pixels that a cell is looked at with


@dataclass(frozen=True)
class Pair:
    """A place of the sketch and one of the photo that look alike to the model."""

    sketch: tuple[float, float]
    """x and y, 0 to 1 from the top left of the square drawing that the model sees."""
    photo: tuple[float, float]
    """The same of the whole upright photo."""
    similarity: float
    """Cosine of the two tokens."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What met what; pairs by falling similarity."""

    sketch: Image.Image
    """Square RGB, as the model sees it."""
    photo: Image.Image
    """Upright RGB, perhaps smaller than the file."""
    score: float
    """Cosine of the two embeddings: what a query says."""
    pairs: tuple[Pair, ...]
    sketch_heat: Floats
    """(rows, columns): of each token with ink the greatest cosine with the photo's; nan without."""
    photo_heat: Floats
    """(rows, columns): cosine of each token with the whole sketch, or with what of it is nearest
    where tokens and embeddings are of different spaces."""
    window: tuple[float, float, float, float]
    """Where the photo's tokens lie: left, top, width, height in shares of the photo."""


def explain(encoder: PromptedEncoder, sketch: Image.Image, photo: Image.Image) -> Explanation:
    """Compare a drawing (`Sketch.image`) with a photo (`embedding.photo_image`).

    Raises:
        ModelError: the two branches' tokens are of different widths.
    """
    preprocess = encoder.preprocess
    whole_sketch = encoder.encode_sketches(preprocess(sketch)[None])[0]
    whole_photo = encoder.encode_photos(preprocess(photo)[None])[0]
    mine, theirs = encoder.sketch_tokens(sketch), encoder.photo_tokens(photo)
    if mine.shape[2] != theirs.shape[2]:
        raise ModelError("its sketch and photo tokens lie in spaces of their own")
    ink = _ink(sketch, mine.shape[:2])
    similarity = np.einsum("ijd,kld->ijkl", mine, theirs)
    sketch_heat = np.where(ink > _INK, similarity.max(axis=(2, 3)), np.nan)
    inked = np.nonzero((ink > _INK).ravel())[0]
    flat = similarity.reshape(ink.size, -1)
    if theirs.shape[2] == len(whole_sketch):
        photo_heat = theirs @ whole_sketch
    else:
        photo_heat = flat[inked].mean(axis=0).reshape(theirs.shape[:2])
    window = preprocess.window(photo)
    spots = _centres(photo_heat.shape, window)
    inside = ((spots >= 0) & (spots <= 1)).all(axis=1)
    least, most = photo_heat.min(), photo_heat.max()
    alike = photo_heat.ravel() >= least + LIKE_THE_SKETCH * (most - least)
    strokes = _inked_centres(sketch, ink.shape)
    pairs = [
        Pair(_point(strokes[i]), _point(spots[j]), round(float(flat[i, j]), 6))
        for i, j in _mutual(flat, inked, np.nonzero(alike & inside)[0])
    ]
    return Explanation(
        sketch,
        photo,
        float(whole_sketch @ whole_photo),
        tuple(sorted(pairs, key=lambda pair: -pair.similarity)),
        np.asarray(sketch_heat, dtype=np.float32),
        np.asarray(photo_heat, dtype=np.float32),
        window,
    )


def _mutual(
    similarity: Floats, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Those of some rows and columns that are each other's nearest."""
    among = similarity[np.ix_(rows, columns)]
    if not among.size:
        return []
    nearest, back = among.argmax(axis=1), among.argmax(axis=0)
    return [(int(rows[i]), int(columns[j])) for i, j in enumerate(nearest.tolist()) if back[j] == i]


def _darkness(sketch: Image.Image, shape: tuple[int, ...]) -> Floats:
    """(rows, _CELL, columns, _CELL) darkness, 0 to 1, of a square drawing cut into cells."""
    rows, columns = shape
    size = (columns * _CELL, rows * _CELL)
    grey = np.asarray(sketch.convert("L").resize(size, Image.Resampling.BOX), dtype=np.float32)
    return np.asarray((1 - grey / 255).reshape(rows, _CELL, columns, _CELL))


def _ink(sketch: Image.Image, shape: tuple[int, ...]) -> Floats:
    """(rows, columns) mean darkness of each cell."""
    return np.asarray(_darkness(sketch, shape).mean(axis=(1, 3)))


def _inked_centres(sketch: Image.Image, shape: tuple[int, ...]) -> Floats:
    """(cells, 2) x and y of the middle of the ink in each cell, its own middle where there is none:
    a line of the picture begins at a stroke."""
    rows, columns = shape
    dark = _darkness(sketch, shape) + 1e-6
    total = dark.sum(axis=(1, 3))
    place = np.arange(_CELL, dtype=np.float32) + 0.5
    x = (dark.sum(axis=1) * place).sum(axis=2) / total / _CELL
    y = (dark.sum(axis=3) * place[:, None]).sum(axis=1) / total / _CELL
    across, down = (np.arange(columns)[None] + x) / columns, (np.arange(rows)[:, None] + y) / rows
    return np.stack([across, down], axis=-1).reshape(-1, 2).astype(np.float32)


def _centres(shape: tuple[int, ...], window: tuple[float, float, float, float]) -> Floats:
    """(cells, 2) x and y of each cell's middle in shares of the whole picture."""
    rows, columns = shape
    left, top, width, height = window
    x = left + width * (np.arange(columns) + 0.5) / columns
    y = top + height * (np.arange(rows) + 0.5) / rows
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)


def _point(spot: Floats) -> tuple[float, float]:
    return round(float(spot[0]), 4), round(float(spot[1]), 4)
