from __future__ import annotations

import numpy as np
import pytest
import torch

from sbir_cli.datasets import DataSet
from sbir_cli.errors import SbirError
from sbir_cli.imaging.images import read_photo
from sbir_cli.imaging.preprocess import Preprocess
from sbir_cli.training.batch_loader import Normaliser
from sbir_cli.training.image_store import Loader

PREPROCESS = Preprocess((16, 16), (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))


def test_held_pixels_are_those_of_the_preprocessing(data: DataSet) -> None:
    loaded = Loader(PREPROCESS, 1.0, 2).load(data)
    found = Normaliser(PREPROCESS, torch.device("cpu"))(loaded.photos.take([3, 0])).numpy()
    expected = np.stack([PREPROCESS(read_photo(data.photos[i])) for i in (3, 0)])
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("gigabytes", [0.0, 3 * 16 * 16 * 20 / 1e9])
def test_what_memory_does_not_hold_is_decoded_when_asked_for(
    data: DataSet, gigabytes: float
) -> None:
    whole, part = (Loader(PREPROCESS, g, 2).load(data) for g in (1.0, gigabytes))
    every = range(len(data.sketches))
    assert np.array_equal(whole.sketches.take(every), part.sketches.take(every))
    assert np.array_equal(whole.photos.take([5, 17, 5]), part.photos.take([5, 17, 5]))


def test_unreadable_images_are_left_out_and_named(data: DataSet) -> None:
    data.photos[4].write_text("no image")
    data.sketches[0].write_bytes(b"")
    loaded = Loader(PREPROCESS, 1.0, 2).load(data)
    assert [path for path, _ in loaded.unreadable] == [data.sketches[0], data.photos[4]]
    assert loaded.unreadable[1][1] == "not an image, or of a format that cannot be read"
    assert len(loaded.photos) == len(loaded.dataset.photos) == 17
    expected = PREPROCESS(read_photo(data.photos[5]))
    found = Normaliser(PREPROCESS, torch.device("cpu"))(loaded.photos.take([4])).numpy()[0]
    assert np.abs(found - expected).max() < 1e-5  # the ones behind a bad one keep their pixels


def test_only_keeps_pixels_with_their_files(data: DataSet) -> None:
    loaded = Loader(PREPROCESS, 1.0, 2).load(data)
    part = loaded.only(data.only(["class_2", "class_5"]))
    at = [data.photos.index(path) for path in part.dataset.photos]
    assert np.array_equal(part.photos.take(range(len(at))), loaded.photos.take(at))


def test_no_readable_sketch_is_one_sentence(data: DataSet) -> None:
    for path in data.sketches:
        path.write_text("x")
    with pytest.raises(SbirError, match="none of the sketches can be read"):
        Loader(PREPROCESS, 1.0, 2).load(data)
