"""Any file name that a system allows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo
from tests.gallery.queries import nearest


@pytest.mark.parametrize("name", ["a b.jpg", "line\nbreak.jpg", "[red]x[/red].jpg", "%41 ?#&.jpg"])
def test_any_file_name_is_found_again(photos: Path, tmp_path: Path, name: str) -> None:
    draw_photo(photos / name, seed=90)
    update_gallery(tmp_path / name, find_photos([photos]), FakeEncoder())
    hits = nearest(tmp_path / name, photos / name, top=1)
    assert hits[0].path == photos / name


def test_a_name_that_is_not_utf8_is_found_again(photos: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe latin.jpg")
    (photos / "p0.jpg").rename(photos / name)
    update_gallery(tmp_path / "idx.faiss", find_photos([photos]), FakeEncoder())
    hits = nearest(tmp_path / "idx.faiss", photos / name, top=1)
    assert os.fsencode(hits[0].path) == os.fsencode(photos / name)


def test_an_index_name_that_is_not_utf8_works(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / os.fsdecode(b"\xff.faiss")
    update_gallery(index, find_photos([photos]), FakeEncoder())
    assert Gallery.open(index).manifest.photos == 10
