"""Files to vectors: in their order, with whatever is wrong told."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from sbir_cli.embedding import Embeddings, embed_files, photo_pixels, sketch_pixels
from sbir_cli.errors import ModelError, SbirError
from sbir_cli.imaging.images import find_photos, read_photo
from sbir_cli.imaging.preprocess import Pixels, normalised
from sbir_cli.imaging.sketches import read_sketch
from tests.fakes import FakeEncoder, draw_sketch


def test_bad_files_are_told_and_shift_nothing(photos: Path) -> None:
    (photos / "p2.jpg").write_text("no photo")
    encoder, paths = FakeEncoder(), find_photos([photos]).paths
    bad = paths.index(photos / "p2.jpg")
    told: list[tuple[int, int]] = []
    pixels = partial(photo_pixels, preprocess=encoder.preprocess)
    found = embed_files(
        paths,
        pixels,
        encoder.encode_photos,
        batch_size=4,
        workers=2,
        progress=lambda done, total: told.append((done, total)),
    )
    assert found.kept == [i for i in range(10) if i != bad]
    assert found.unreadable == [
        (photos / "p2.jpg", "not an image, or of a format that cannot be read")
    ]
    assert told == [(4, 10), (8, 10), (10, 10)] and sorted(encoder.batches) == [2, 3, 4]
    for vector, i in zip(found.vectors, found.kept, strict=True):
        alone = encoder.encode_photos(pixels(paths[i])[None])[0]
        assert np.allclose(vector, alone, atol=1e-6)


def test_nothing_readable_and_no_numbers_are_errors(photos: Path, tmp_path: Path) -> None:
    encoder = FakeEncoder()
    pixels = partial(photo_pixels, preprocess=encoder.preprocess)
    (tmp_path / "bad.png").write_text("x")
    with pytest.raises(SbirError, match=r"none of 1 images can be read \(first: .*bad\.png: not"):
        embed_files([tmp_path / "bad.png"], pixels, encoder.encode_photos, batch_size=4, workers=1)

    def broken(pixels: Pixels) -> Embeddings:
        return np.full((len(pixels), 3), np.inf, np.float32)

    with pytest.raises(ModelError, match="not finite"):
        embed_files([photos / "p0.jpg"], pixels, broken, batch_size=4, workers=1)


def test_bytes_normalised_later_are_the_pixels(photos: Path, tmp_path: Path) -> None:
    """Photos, and all that training holds, are normalised on the device: the same to the bit."""
    draw_sketch(tmp_path / "s.png")
    preprocess = FakeEncoder().preprocess
    mean, std = np.array([preprocess.mean, preprocess.std], np.float32)[..., None, None]
    for held, pixels in (
        (read_photo(photos / "p0.jpg"), preprocess(read_photo(photos / "p0.jpg"))),
        (read_sketch(tmp_path / "s.png").image, sketch_pixels(tmp_path / "s.png", preprocess)),
    ):
        values = preprocess.resized(held)
        assert values.dtype == np.uint8 and values.shape == (3, 16, 16)
        assert np.array_equal(normalised(values.astype(np.float32), mean, std), pixels)
    photo = preprocess.resized(read_photo(photos / "p0.jpg"))
    assert np.array_equal(photo_pixels(photos / "p0.jpg", preprocess), photo)
