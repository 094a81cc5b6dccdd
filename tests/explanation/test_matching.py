from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.explanation import Explanation, explain, picture
from sbir_cli.imaging.preprocess import Preprocess

Floats = npt.NDArray[np.float32]
BRIGHT, RED, BLUE = 0, 1, 2


@dataclass
class ByColour:
    """A token for each cell of 4 x 4; what is red in the photo stands for ink in the sketch."""

    preprocess: Preprocess = field(
        default_factory=lambda: Preprocess((32, 32), (0.0,) * 3, (1.0,) * 3)
    )

    def _cells(self, image: Image.Image) -> Floats:
        pixels = self.preprocess(image)
        return np.asarray(pixels.reshape(3, 4, 8, 4, 8).mean((2, 4)).transpose(1, 2, 0))

    def sketch_tokens(self, image: Image.Image) -> Floats:
        dark = 1 - self._cells(image)[..., 0]
        top = np.linspace(1, 0, 4)[:, None] * np.ones(4)  # what is high is meant red, low is blue
        return _unit(np.stack([0.1 + 0 * dark, dark * top, dark * (1 - top)], axis=-1))

    def photo_tokens(self, image: Image.Image) -> Floats:
        cells = self._cells(image)
        return _unit(np.stack([0.1 + 0 * cells[..., 0], cells[..., 0], cells[..., 2]], axis=-1))

    def encode_sketches(self, pixels: Floats) -> Floats:
        return _unit(np.array([[0.0, 1.0, 1.0]]))

    encode_photos = encode_sketches


def _unit(values: Any) -> Floats:
    return np.asarray(values / np.linalg.norm(values, axis=-1, keepdims=True), dtype=np.float32)


def _explained(photo: Image.Image) -> Explanation:
    sketch = Image.new("RGB", (64, 64), "white")
    sketch.paste("black", (20, 0, 28, 14))  # top, in the second cell from the left
    sketch.paste("black", (48, 50, 64, 64))  # bottom right
    return explain(cast("PromptedEncoder", ByColour()), sketch, photo)


def test_inked_cells_meet_what_is_nearest_to_them_in_places_of_the_whole_photo() -> None:
    photo = Image.new("RGB", (128, 64))  # the model sees its middle, x from 0.25 to 0.75
    photo.paste("red", (96 - 16, 0, 96, 16))
    photo.paste("blue", (32, 48, 48, 64))
    why = _explained(photo)
    places = {pair.sketch: pair.photo for pair in why.pairs}
    assert places == {(0.375, 0.1094): (0.6875, 0.125), (0.875, 0.8906): (0.3125, 0.875)}
    assert all(pair.similarity > 0.9 for pair in why.pairs)
    assert np.count_nonzero(~np.isnan(why.sketch_heat)) == 2
    assert why.window == (0.25, 0.0, 0.5, 1.0)
    assert picture(why, 100).size == (2 * 100 + 72, 2 * 100 + 72)


def test_a_photo_that_is_the_same_everywhere_gives_pairs_and_a_picture_all_the_same() -> None:
    why = _explained(Image.new("RGB", (30, 40), "grey"))
    assert len(why.pairs) <= 2
    picture(why, 60)
