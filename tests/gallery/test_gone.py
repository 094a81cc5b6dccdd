"""Photos and folders that are gone: what --prune does, and that a missing drive costs nothing."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from sbir_cli.config import EmbedConfig
from sbir_cli.errors import SbirError, UsageError
from sbir_cli.gallery import UpdateReport, update_gallery
from sbir_cli.gallery.manifest import Database
from sbir_cli.imaging.folders import find_photos
from tests.fakes import FakeEncoder, draw_photo


def _paths(index: Path) -> list[str]:
    with closing(Database(index)) as database:
        return [row.path.decode() for row in database.rows().values()]


def _update(index: Path, *inputs: Path, prune: bool = False) -> UpdateReport:
    found = find_photos(inputs, allow_gone=prune)
    return update_gallery(index, found, FakeEncoder(), embed=EmbedConfig(prune=prune))


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A gallery of the folders `a` (3 photos) and `b` (2)."""
    for i in range(3):
        draw_photo(tmp_path / "a" / f"{i}.jpg", seed=i)
    for i in range(2):
        draw_photo(tmp_path / "b" / f"{i}.jpg", seed=10 + i)
    _update(tmp_path / "idx.faiss", tmp_path / "a", tmp_path / "b")
    return tmp_path / "idx.faiss"


def test_the_photos_of_a_removed_folder_leave(index: Path) -> None:
    home = index.parent
    shutil.rmtree(home / "a")
    done = _update(index, home / "a", prune=True)
    assert (done.removed, done.embedded, done.manifest.photos) == (3, 0, 2)
    assert _paths(index) == ["b/0.jpg", "b/1.jpg"]


def test_a_renamed_folder_is_moved_by_naming_both(index: Path) -> None:
    home = index.parent
    (home / "a").rename(home / "c")
    done = _update(index, home / "a", home / "c", prune=True)
    assert (done.removed, done.embedded, done.manifest.photos) == (3, 3, 5)
    assert _paths(index) == ["b/0.jpg", "b/1.jpg", "c/0.jpg", "c/1.jpg", "c/2.jpg"]


def test_the_only_folder_may_be_renamed(tmp_path: Path) -> None:
    """Then the root of the gallery itself is gone."""
    draw_photo(tmp_path / "home" / "old" / "a.jpg")
    index = tmp_path / "i" / "idx.faiss"
    _update(index, tmp_path / "home" / "old")
    (tmp_path / "home" / "old").rename(tmp_path / "home" / "new")
    with pytest.raises(UsageError, match="none of the gallery's photos"):
        _update(index, tmp_path / "home" / "new")
    done = _update(index, tmp_path / "home" / "old", tmp_path / "home" / "new", prune=True)
    assert (done.removed, done.manifest.photos) == (1, 1)
    assert _paths(index) == ["new/a.jpg"]


def test_a_single_file_that_is_gone_leaves(index: Path) -> None:
    (index.parent / "a" / "1.jpg").unlink()
    done = _update(index, index.parent / "a" / "1.jpg", prune=True)
    assert done.removed == 1 and "a/1.jpg" not in _paths(index) and len(_paths(index)) == 4


def test_a_gallery_is_never_emptied(index: Path) -> None:
    home, before = index.parent, index.read_bytes()
    for name in ("a", "b"):
        shutil.rmtree(home / name)
    with pytest.raises(SbirError, match="no photo would be left; name photos that are there"):
        _update(index, home / "a", home / "b", prune=True)
    assert index.read_bytes() == before and len(_paths(index)) == 5


def test_a_missing_drive_takes_nothing_with_it(index: Path) -> None:
    home = index.parent
    (home / "drive").mkdir()
    draw_photo(home / "drive" / "photos" / "d.jpg", seed=20)
    _update(index, home / "drive" / "photos")
    (home / "drive").rename(home / "unplugged")
    with pytest.raises(SbirError, match="its drive may not be mounted"):
        _update(index, home / "drive" / "photos", prune=True)
    assert "drive/photos/d.jpg" in _paths(index)


def test_without_prune_a_missing_folder_is_an_error(index: Path) -> None:
    shutil.rmtree(index.parent / "a")
    with pytest.raises(SbirError, match="no such file or directory; check the name"):
        _update(index, index.parent / "a")
    assert len(_paths(index)) == 5


def test_many_inputs_prune_only_below_themselves(index: Path) -> None:
    home = index.parent
    for name in ("a/0.jpg", "b/0.jpg"):
        (home / name).unlink()
    (home / "ab").mkdir()
    done = _update(index, home / "a", home / "b" / "1.jpg", prune=True)
    assert done.removed == 1 and "b/0.jpg" in _paths(index)
