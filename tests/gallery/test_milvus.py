"""A gallery in Milvus, against Milvus Lite: the same answers as from a file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbir_cli.config import EmbedConfig, IndexConfig, QueryConfig
from sbir_cli.errors import GalleryError, MismatchError, SbirError, UsageError
from sbir_cli.gallery import Gallery, Hit, update_gallery
from sbir_cli.gallery.milvus.address import MilvusAddress
from sbir_cli.gallery.milvus.names import to_bytes, to_text
from sbir_cli.imaging.images import find_photos
from sbir_cli.search import Searcher
from sbir_cli.web.watched import WatchedGallery
from tests.fakes import FakeEncoder, draw_photo
from tests.gallery.queries import embed

LATIN = os.fsdecode(b"l\xe9_%.png")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    for module in ("pymilvus", "milvus_lite"):
        pytest.importorskip(module, reason="needs sbir[milvus]")
    from milvus_lite.server_manager import server_manager_instance

    yield f"milvus://{tmp_path}/lite.db/holiday"
    server_manager_instance.release_server(str(tmp_path / "lite.db"))


def _found(gallery: Gallery, photo: Path, **cut: object) -> list[tuple[Path, Any, int]]:
    """Everything of the hits but their ids."""
    hits: list[Hit] = gallery.nearest(embed(photo), FakeEncoder(), QueryConfig(**cut))[0]  # type: ignore[arg-type]
    return [(hit.path, pytest.approx(hit.score, abs=2e-6), hit.folded) for hit in hits]


def test_a_collection_answers_as_a_file_does(photos: Path, tmp_path: Path, address: str) -> None:
    draw_photo(photos / "deep" / LATIN, seed=30)
    draw_photo(photos / "twin.png", seed=3)
    draw_photo(photos / "twin_2.png", seed=3)  # equal scores are ranked by path
    (photos / "bad.jpg").write_bytes(b"")
    found = find_photos([photos])
    made = update_gallery(address, found, FakeEncoder(), embed=EmbedConfig(batch_size=4))
    update_gallery(tmp_path / "idx.faiss", found, FakeEncoder(), embed=EmbedConfig(batch_size=4))
    here, there = Gallery.open(tmp_path / "idx.faiss"), Gallery.open(address)

    assert (made.manifest.photos, made.embedded, len(made.skipped)) == (13, 13, 1)
    assert there.manifest.fingerprint == "fake-1" and there.root == photos
    cuts: list[dict[str, object]] = [
        {"top": 3},
        {"top": 100},
        {"top": 5, "where": "deep"},
        {"where": "p?.jpg", "min_share": 0.5},
        {"dedupe": True},
        {"min_score": 0.4},
        {"where": "*_%*"},
    ]
    for cut in cuts:
        for photo in (photos / "p3.jpg", photos / "deep" / LATIN):
            assert _found(there, photo, **cut) == _found(here, photo, **cut), cut
    assert np.allclose(there.embeddings(), here.embeddings(), atol=1e-6)
    rows = [
        [(r.path, r.size, r.mtime_ns, r.reason) for r in g.rows().values()] for g in (here, there)
    ]
    assert sorted(rows[0]) == sorted(rows[1]) and rows[1][-1][3] == "empty file"
    number = there.id_of(photos / "deep" / LATIN)
    assert number is not None and there.path_of(number) == photos / "deep" / LATIN
    assert there.spread(there.embedding_of(number)) == pytest.approx(
        here.spread(there.embedding_of(number)), abs=1e-5
    )


def test_an_update_is_seen_at_once_and_by_those_who_ask_anew(photos: Path, address: str) -> None:
    update_gallery(address, find_photos([photos]), FakeEncoder())
    before = Gallery.open(address)
    draw_photo(photos / "new.jpg", seed=77)
    draw_photo(photos / "p2.jpg", seed=78, size=(50, 50))
    (photos / "p1.jpg").unlink()
    encoder = FakeEncoder()

    done = update_gallery(address, find_photos([photos]), encoder, embed=EmbedConfig(prune=True))
    assert (done.embedded, done.removed, sum(encoder.batches)) == (2, 1, 2)
    after = Gallery.open(address)
    assert len(after.rows()) == after.manifest.photos == 10
    assert _found(after, photos / "new.jpg", top=1)[0][0] == photos / "new.jpg"
    assert _found(before, photos / "new.jpg", top=1)[0][0] != photos / "new.jpg"
    names = [hit[0].name for hit in _found(after, photos / "p2.jpg", top=100)]
    assert names[0] == "p2.jpg" and len(names) == len(set(names)) == 10 and "p1.jpg" not in names
    assert update_gallery(address, find_photos([photos]), FakeEncoder()).embedded == 0


def test_the_drawing_page_takes_up_a_new_version(photos: Path, address: str) -> None:
    update_gallery(address, find_photos([photos]), FakeEncoder())
    watched = WatchedGallery("0", Searcher(Gallery.open(address), FakeEncoder()))
    first = watched.newest()
    assert (watched.named, watched.name, watched.newest().name) == (address, "holiday", first.name)
    draw_photo(photos / "new.jpg", seed=77)
    update_gallery(address, find_photos([photos]), FakeEncoder())
    second = watched.newest()
    assert second.name != first.name and second.searcher.gallery.manifest.photos == 11
    assert watched.trouble is None and watched.version(first.name) is first


class _ServerGoes(FakeEncoder):
    """Whose third batch finds no server to write to."""

    def encode_photos(self, pixels: np.typing.NDArray[Any]) -> np.typing.NDArray[np.float32]:
        if len(self.batches) == 2:
            raise SbirError("the server went")
        return super().encode_photos(pixels)


def test_what_was_interrupted_is_no_gallery_and_a_rerun_completes_it(
    photos: Path, address: str
) -> None:
    small = EmbedConfig(batch_size=3)
    with pytest.raises(SbirError, match="the server went"):
        update_gallery(address, find_photos([photos]), _ServerGoes(), embed=small)
    with pytest.raises(GalleryError, match=r"not embedded to its end.*run the same"):
        Gallery.open(address)
    rest = FakeEncoder()
    assert update_gallery(address, find_photos([photos]), rest, embed=small).embedded == 10
    assert rest.batches == [3, 1]
    assert len(Gallery.open(address).rows()) == 10

    for i in range(8):  # of an update the old version answers until it is done
        draw_photo(photos / f"p{i}.jpg", seed=50 + i, size=(60, 60))
    with pytest.raises(SbirError, match="the server went"):
        update_gallery(address, find_photos([photos]), _ServerGoes(), embed=small)
    old = Gallery.open(address)
    assert len(old.rows()) == 10 and _found(old, photos / "p0.jpg", top=1)[0][1] != 1
    update_gallery(address, find_photos([photos]), FakeEncoder(), embed=small)
    assert _found(Gallery.open(address), photos / "p0.jpg", top=1)[0][0] == photos / "p0.jpg"


def test_another_encoder_is_refused_until_rebuild(photos: Path, address: str) -> None:
    update_gallery(address, find_photos([photos]), FakeEncoder())
    other = FakeEncoder(name="other", fingerprint="other-1", dimension=12)
    with pytest.raises(MismatchError, match="--rebuild"):
        update_gallery(address, find_photos([photos]), other)
    with pytest.raises(MismatchError, match="--rebuild"):
        Gallery.open(address).require(other)
    done = update_gallery(
        address, find_photos([photos]), other, rebuild=True, storage=IndexConfig("hnsw")
    )
    assert (done.manifest.dimension, done.manifest.index_type) == (12, "hnsw")
    gallery = Gallery.open(address)
    gallery.require(other)
    assert gallery.manifest.recall_at_10 is None and gallery.embeddings().shape == (10, 12)


def test_what_cannot_be_is_one_sentence(photos: Path, tmp_path: Path, address: str) -> None:
    with pytest.raises(GalleryError, match="no such gallery; make it with"):
        Gallery.open(address)
    assert not (tmp_path / "lite.db").exists()  # asking makes nothing
    update_gallery(address, find_photos([photos]), FakeEncoder())
    gallery = Gallery.open(address)
    with pytest.raises(UsageError, match="--top can be at most 16,384"):
        _found(gallery, photos / "p0.jpg", top=20_000)
    with pytest.raises(UsageError, match=r"\* and \? alone"):
        _found(gallery, photos / "p0.jpg", where="p[12].jpg")
    with pytest.raises(UsageError, match="no photo 99"):
        gallery.path_of(99)
    with pytest.raises(GalleryError, match="server runs"):
        Gallery.open("milvus://127.0.0.1:9/holiday")
    (tmp_path / "plain.db").write_text("x")
    with pytest.raises(GalleryError, match="no Milvus Lite file"):
        update_gallery(f"milvus://{tmp_path}/plain.db/a", find_photos([photos]), FakeEncoder())


def test_another_writer_is_waited_for(photos: Path, address: str) -> None:
    from sbir_cli.gallery.milvus.collection import connect
    from sbir_cli.gallery.milvus.versions import committed

    update_gallery(address, find_photos([photos]), FakeEncoder())
    parsed = MilvusAddress.parse(address)
    collection = committed(connect(parsed), parsed)
    assert collection is not None
    collection.note({"writer": {"host": "elsewhere", "process": 7, "time": time.time()}})
    with pytest.raises(GalleryError, match=r"another run is at work .*elsewhere"):
        update_gallery(address, find_photos([photos]), FakeEncoder())
    collection.note({"writer": {"host": "elsewhere", "process": 7, "time": time.time() - 700}})
    assert update_gallery(address, find_photos([photos]), FakeEncoder()).embedded == 0


@pytest.mark.parametrize(
    "text",
    [
        "milvus:a.db/x",
        "milvus://host/a/b",
        "milvus://host/",
        "milvus:///tmp/plain/x",
        "milvus://host:99999999/x",
        "milvus://host/x-y",
        "milvus://user:secret@host/x?y",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        MilvusAddress.parse(text)
    assert "secret" not in str(refused.value)


def test_an_address_hides_its_password() -> None:
    parsed = MilvusAddress.parse("milvus+https://user:se%40cret@host:1234/photos")
    assert (parsed.uri, parsed.token) == ("https://host:1234", "user:se@cret")
    assert str(parsed) == "milvus+https://host:1234/photos" and "cret" not in repr(parsed)


@pytest.mark.parametrize("name", [b"plain", b"\xe9\xff", "é\uf7ef\uf780".encode(), b"\xef\x9e\x80"])
def test_any_file_name_is_sent_and_comes_back(name: bytes) -> None:
    text = to_text(name)
    assert text.encode("utf-8") and to_bytes(text) == name


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(SbirError, match=r"pip install 'sbir\[milvus\]'"):
        Gallery.open("milvus://host/photos")
