from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sbir_cli.datasets import DataSet, read_dataset
from sbir_cli.encoder.torch_encoder import PromptedEncoder, load_encoder
from tests.encoder.conftest import MakeModel, make_model
from tests.fakes import draw_photo

__all__ = ["make_model"]


def draw_classes(root: Path, classes: int = 6, photos: int = 3, sketches: int = 2) -> Path:
    """A data set of small pictures; sketch `p0-1.png` belongs to photo `p0.jpg`."""
    for c in range(classes):
        for p in range(photos):
            draw_photo(root / "photo" / f"class_{c}" / f"p{p}.jpg", seed=10 * c + p, size=(40, 32))
            for s in range(sketches):
                folder = root / "sketch" / f"class_{c}"
                folder.mkdir(parents=True, exist_ok=True)
                image = Image.new("L", (32, 32), 255)
                points = np.random.default_rng([c, p, s]).integers(2, 30, (2 + c, 2))
                ImageDraw.Draw(image).line([(int(x), int(y)) for x, y in points], fill=0, width=2)
                image.save(folder / f"p{p}-{s}.png")
    return root


@pytest.fixture
def data(tmp_path: Path) -> DataSet:
    """Six classes of three photos, each with two sketches."""
    return read_dataset(draw_classes(tmp_path / "data"))


@pytest.fixture(scope="session")
def tiny(make_model: MakeModel) -> str:
    """Name of a tiny random model of 32 x 32 images."""
    return f"local-dir:{make_model()}"


@pytest.fixture
def encoder(tiny: str) -> PromptedEncoder:
    import torch

    return load_encoder(tiny, "cpu").in_precision(torch.float32)
