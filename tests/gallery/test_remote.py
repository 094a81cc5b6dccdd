"""Photos in remote storage and in tar shards: a gallery as of the same photos in a folder."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from sbir_cli.errors import ImageError, SbirError, UsageError
from sbir_cli.gallery import Gallery, UpdateReport, update_gallery
from sbir_cli.imaging.images import find_photos, read_photo
from sbir_cli.imaging.remote import RemotePath, root_path
from sbir_cli.imaging.remote_listing import find_remote
from sbir_cli.output.answers import shown_path
from tests.fakes import FakeEncoder, draw_photo
from tests.gallery.queries import embed, nearest


@pytest.fixture
def store(photos: Path) -> Iterator[Any]:
    """fsspec's store in memory, which holds the photos."""
    memory = fsspec.filesystem("memory")
    memory.put(str(photos) + "/", "/bucket/photos/", recursive=True)
    yield memory
    memory.rm("/bucket", recursive=True)


def _made(index: Path, *urls: str) -> UpdateReport:
    return update_gallery(index, find_remote(urls), FakeEncoder())


def test_a_remote_gallery_is_that_of_the_same_folder(
    photos: Path, tmp_path: Path, store: Any
) -> None:
    store.pipe("/bucket/photos/bad.jpg", b"no photo")
    store.pipe("/bucket/photos/.hidden.jpg", b"")
    store.pipe("/bucket/photos/notes.txt", b"")
    index = tmp_path / "there.faiss"
    made = _made(index, "memory://bucket/photos")
    update_gallery(tmp_path / "here.faiss", find_photos([photos]), FakeEncoder())

    assert (made.manifest.photos, made.left_out.hidden, made.left_out.others["TXT"]) == (10, 1, 1)
    assert str(made.skipped[0][0]).endswith("bucket/photos/bad.jpg")
    here, there = Gallery.open(tmp_path / "here.faiss"), Gallery.open(index)
    assert np.allclose(here.embeddings(), there.embeddings(), atol=1e-6)
    paths = [[r.path for r in g.rows().values() if not r.reason] for g in (here, there)]
    assert paths[0] == paths[1]
    best = nearest(there, photos / "p3.jpg", top=1)[0].path
    assert str(there.root) == "memory://bucket/photos" and there.photos_found
    assert shown_path(best) == best.as_uri() == "memory://bucket/photos/p3.jpg"
    assert read_photo(best).size == read_photo(photos / "p3.jpg").size

    draw_photo(photos / "p2.jpg", seed=90, size=(60, 60))
    store.put(str(photos / "p2.jpg"), "/bucket/photos/p2.jpg")
    again = FakeEncoder()
    done = update_gallery(index, find_remote(["memory://bucket/photos"]), again)
    assert done.embedded == 1 and sum(again.batches) == 1


def test_tar_shards_are_folders_of_their_members(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    for number in range(2):
        with tarfile.open(folder / f"{number:03}.tar", "w") as tar:
            for photo in sorted(photos.glob("p*.jpg"))[number::2]:
                tar.add(photo, f"./{photo.name}")
            tar.add(__file__, f"{number}.json")
            tar.add(photos / "p0.jpg", "../out.jpg")
    index = tmp_path / "idx.faiss"
    made = _made(index, f"file://{folder}/*.tar")
    assert (made.manifest.photos, made.left_out.others["JSON"]) == (8, 2)
    gallery = Gallery.open(index)
    (hit,) = gallery.nearest(embed(photos / "p3.jpg"), FakeEncoder(), _one())[0]
    assert str(hit.path) == f"file://{folder}/001.tar/p3.jpg" and hit.score > 0.9999
    assert read_photo(hit.path).size == read_photo(photos / "p3.jpg").size
    assert _made(index, f"file://{folder}").embedded == 0


def _one() -> Any:
    from sbir_cli.config import QueryConfig

    return QueryConfig(top=1)


def test_what_cannot_be_read_is_one_sentence(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SbirError, match=r"memory://bucket/nowhere: cannot be listed \(no such"):
        find_remote(["memory://bucket/nowhere"])
    with pytest.raises(SbirError, match="no photo found"):
        store.pipe("/bucket/empty/a.txt", b"x")
        find_remote(["memory://bucket/empty"])
    with pytest.raises(UsageError, match="Protocol not known"):
        find_remote(["teleport://bucket/photos"])
    with pytest.raises(ImageError, match="cannot be fetched"):
        read_photo(root_path("memory://bucket/gone.jpg"))

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("Forbidden")

    monkeypatch.setattr(type(store), "info", refused)
    with pytest.raises(SbirError, match=r"may not be read.*give the rights"):
        find_remote(["memory://bucket/photos"])


def test_a_store_whose_package_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "url_to_fs", missing)
    with pytest.raises(SbirError, match=r"Install s3fs.*pip install 'sbir\[remote\]'"):
        find_remote(["s3://bucket/photos"])


@pytest.mark.parametrize("url", ["s3://bucket/a b/c.jpg", "file:///tmp/x.tar/y.jpg", "hf://d/o/n"])
def test_an_address_stays_one_as_a_path(url: str) -> None:
    path = root_path(url)
    assert str(path) == url == str(root_path(Path(url)))
    assert isinstance(path / "b.jpg", RemotePath) and str(path / "b.jpg") == f"{url}/b.jpg"
