"""Where the photos of a gallery are: roots, moves and links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sbir_cli.errors import UsageError
from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo
from tests.gallery.queries import embed, nearest, stored_paths


def test_another_folder_moves_the_root_up_and_old_photos_stay_found(
    photos: Path, tmp_path: Path
) -> None:
    encoder, index = FakeEncoder(), tmp_path / "i" / "idx.faiss"
    update_gallery(index, find_photos([photos / "deep"]), encoder)
    other = draw_photo(tmp_path / "more" / "x.jpg", seed=60)
    assert update_gallery(index, find_photos([tmp_path / "more"]), encoder).embedded == 1
    gallery = Gallery.open(index)
    assert gallery.root == tmp_path
    for photo in (other, photos / "deep" / "p9.webp"):
        assert nearest(gallery, photo, top=1)[0].path == photo


def test_a_gallery_moves_with_its_photos_or_without_them(photos: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    photos = photos.rename(home / "photos")
    update_gallery(home / "idx.faiss", find_photos([photos]), FakeEncoder())
    query = embed(photos / "p3.jpg")

    def found(index: Path, root: Path | None = None) -> Path:
        return nearest(Gallery.open(index, root), query, top=1)[0].path

    moved = home.rename(tmp_path / "moved")  # both
    assert found(moved / "idx.faiss") == moved / "photos" / "p3.jpg"
    moved.rename(home)
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in ("idx.faiss", "idx.faiss.db"):  # the index alone
        (home / name).rename(alone / name)
    assert found(alone / "idx.faiss") == home / "photos" / "p3.jpg"
    elsewhere = (home / "photos").rename(tmp_path / "elsewhere")  # then the photos alone
    assert found(alone / "idx.faiss", elsewhere) == elsewhere / "p3.jpg"
    update_gallery(alone / "idx.faiss", find_photos([elsewhere]), FakeEncoder(), root=elsewhere)
    assert found(alone / "idx.faiss") == elsewhere / "p3.jpg"


def test_a_portable_gallery_does_not_tell_where_it_was_made(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder(), portable=True)
    for file in (index, tmp_path / "idx.faiss.db"):
        assert os.fsencode(tmp_path) not in file.read_bytes()


def test_a_photo_outside_the_given_root_is_a_usage_error(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not below the root"):
        update_gallery(
            tmp_path / "i.faiss", find_photos([photos]), FakeEncoder(), root=photos / "deep"
        )


def test_an_index_inside_its_photos_moves_away(photos: Path, tmp_path: Path) -> None:
    update_gallery(photos / "idx.faiss", find_photos([photos]), FakeEncoder())
    (tmp_path / "home").mkdir()
    index = tmp_path / "home" / "idx.faiss"
    for end in ("", ".db"):
        (photos / f"idx.faiss{end}").rename(tmp_path / "home" / f"idx.faiss{end}")
    gallery = Gallery.open(index)
    assert gallery.root == photos and gallery.photos_found
    update_gallery(index, find_photos([photos]), FakeEncoder())
    assert Gallery.open(index).manifest.photos == 10


def test_a_gallery_whose_folder_is_reached_through_a_link_finds_its_photos(
    photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "galleries").mkdir()
    index = tmp_path / "galleries" / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder(), portable=True)
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    link = tmp_path / "elsewhere" / "deep" / "link"
    link.symlink_to(index.parent)
    gallery = Gallery.open(link / "idx.faiss")
    assert gallery.photos_found and gallery.root == photos


def test_photos_that_are_nowhere_are_told(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    photos.rename(tmp_path / "renamed")
    assert not Gallery.open(index).photos_found
    with pytest.raises(UsageError, match="--root where they are now"):
        update_gallery(index, find_photos([tmp_path / "renamed"]), FakeEncoder())
    with pytest.raises(UsageError, match="is no folder"):
        Gallery.open(index, tmp_path / "nowhere")


def test_root_above_the_old_one_keeps_the_old_photos(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    report = update_gallery(index, find_photos([photos]), FakeEncoder(), root=tmp_path)
    assert report.manifest.photos == 10 and report.embedded == 0
    assert stored_paths(index)[0].startswith("photos/")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="none of the gallery's photos is below"):
        update_gallery(index, find_photos([photos]), FakeEncoder(), root=tmp_path / "empty")
