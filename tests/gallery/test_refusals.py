"""What an update refuses to touch."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from sbir_cli.errors import GalleryError, MismatchError
from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder


def test_another_encoder_is_refused_unless_all_is_rebuilt(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    other = FakeEncoder(fingerprint="fake-2", name="other")
    with pytest.raises(MismatchError, match="--model fake"):
        update_gallery(index, find_photos([photos]), other)
    assert update_gallery(index, find_photos([photos]), other, rebuild=True).embedded == 10
    assert Gallery.open(index).manifest.fingerprint == "fake-2"


def test_a_second_run_at_once_is_refused(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    with (
        FileLock(tmp_path / "idx.faiss.lock"),
        pytest.raises(GalleryError, match="another run is at work"),
    ):
        update_gallery(index, find_photos([photos]), FakeEncoder())
    update_gallery(index, find_photos([photos]), FakeEncoder())


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_file_that_is_no_index_is_never_overwritten(
    photos: Path, tmp_path: Path, rebuild: bool
) -> None:
    victim = photos / "p0.jpg"
    before = victim.read_bytes()
    for target in (victim, photos):
        with pytest.raises(GalleryError, match=r"no index|is a folder"):
            update_gallery(target, find_photos([photos]), FakeEncoder(), rebuild=rebuild)
    assert victim.read_bytes() == before
