from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from sbir_cli.errors import ImageError
from sbir_cli.web.thumbnails import Thumbnails
from tests.fakes import draw_photo


def test_upright_small_and_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    Image.new("RGB", (1200, 600), "red").save(tmp_path / "p.jpg", exif=exif)
    thumbnails = Thumbnails()
    made = thumbnails.jpeg(tmp_path / "p.jpg", "small")
    assert Image.open(io.BytesIO(made)).size == (180, 360)
    assert thumbnails.jpeg(tmp_path / "p.jpg", "small") is made
    assert Image.open(io.BytesIO(thumbnails.jpeg(tmp_path / "p.jpg", "large"))).size == (600, 1200)


def test_they_stay_within_their_bounds(tmp_path: Path) -> None:
    photos = [draw_photo(tmp_path / f"{i}.png", i, (200, 200)) for i in range(30)]
    thumbnails = Thumbnails(most_bytes=20_000)
    made = [thumbnails.jpeg(photo, "small") for photo in photos]
    assert sum(map(len, made)) > 20_000
    assert thumbnails.held <= 20_000
    assert thumbnails.jpeg(photos[-1], "small") is made[-1]
    assert thumbnails.jpeg(photos[0], "small") is not made[0]


def test_a_bomb_and_a_pipe_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    Image.new("RGB", (100, 100)).save(tmp_path / "bomb.png")
    with pytest.raises(ImageError, match="too many pixels"):
        Thumbnails().jpeg(tmp_path / "bomb.png", "small")
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="not a regular file"):
        Thumbnails().jpeg(tmp_path / "pipe.jpg", "small")
