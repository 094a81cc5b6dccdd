"""A run that was interrupted, and the one that goes on from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sbir_cli.config import EmbedConfig
from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo
from tests.gallery.queries import embed, nearest


@pytest.mark.parametrize("fail_at", [1, 2])
def test_a_death_between_the_renames_leaves_the_old_gallery_or_the_new(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail_at: int
) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    draw_photo(photos / "new.jpg", seed=77)
    calls = 0
    real = Path.replace

    def dying(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == fail_at:
            raise SystemError("killed")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", dying)
    with pytest.raises(SystemError):
        update_gallery(index, find_photos([photos]), FakeEncoder())
    monkeypatch.undo()

    gallery = Gallery.open(index)
    assert gallery.manifest.photos == (10 if fail_at == 1 else 11)
    hits = nearest(gallery, photos / "new.jpg", top=1)
    assert (hits[0].path == photos / "new.jpg") == (fail_at == 2)
    # the next run tidies up
    assert update_gallery(index, find_photos([photos]), FakeEncoder()).manifest.photos == 11
    assert sorted(p.name for p in tmp_path.iterdir()) == ["idx.faiss", "idx.faiss.db", "photos"]


def test_a_death_before_the_very_first_index_is_in_place_loses_nothing(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "idx.faiss"
    real = Path.replace

    def dying(self: Path, target: Path) -> Path:
        if target == index:
            raise SystemError("killed")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", dying)
    with pytest.raises(SystemError):
        update_gallery(index, find_photos([photos]), FakeEncoder())
    monkeypatch.undo()
    assert Gallery.open(index).manifest.photos == 10


def test_an_interrupted_run_goes_on_from_the_last_batch(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"

    def interrupt(done: int, total: int) -> None:
        if done >= 6:
            raise KeyboardInterrupt

    small = EmbedConfig(batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        update_gallery(index, find_photos([photos]), FakeEncoder(), embed=small, progress=interrupt)
    resumed = FakeEncoder()
    assert update_gallery(index, find_photos([photos]), resumed, embed=small).embedded == 10
    assert resumed.batches == [2, 2]

    whole = tmp_path / "whole.faiss"
    update_gallery(whole, find_photos([photos]), FakeEncoder(), embed=small)
    assert whole.read_bytes() == index.read_bytes()
    assert (tmp_path / "whole.faiss.db").read_bytes() == (tmp_path / "idx.faiss.db").read_bytes()


def test_a_journal_of_another_encoder_or_of_garbage_is_dropped(
    photos: Path, tmp_path: Path
) -> None:
    index = tmp_path / "idx.faiss"
    (tmp_path / "idx.faiss.journal").write_bytes(b"garbage" * 1000)
    assert update_gallery(index, find_photos([photos]), FakeEncoder()).embedded == 10

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    draw_photo(photos / "new.jpg", seed=77)
    with pytest.raises(KeyboardInterrupt):
        update_gallery(index, find_photos([photos]), FakeEncoder(), progress=interrupt)
    other = FakeEncoder(fingerprint="fake-2")
    assert update_gallery(index, find_photos([photos]), other, rebuild=True).embedded == 11
    assert sum(other.batches) == 11


@pytest.mark.parametrize("left", ["idx.faiss.new", "idx.faiss.db"])
def test_half_of_a_killed_first_run_is_no_obstacle(photos: Path, tmp_path: Path, left: str) -> None:
    (tmp_path / left).write_bytes(b"half")
    report = update_gallery(tmp_path / "idx.faiss", find_photos([photos]), FakeEncoder())
    assert report.manifest.photos == 10


def test_a_damaged_journal_is_dropped(photos: Path, tmp_path: Path) -> None:
    index, journal = tmp_path / "idx.faiss", tmp_path / "idx.faiss.journal"

    def interrupt(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update_gallery(index, find_photos([photos]), FakeEncoder(), progress=interrupt)
    data = bytearray(journal.read_bytes())
    data[4096:8192] = b"\xff" * 4096
    journal.write_bytes(data)
    report = update_gallery(index, find_photos([photos]), FakeEncoder())
    assert report.manifest.photos == 10


def test_a_gallery_opened_before_an_update_answers_from_its_version(
    photos: Path, tmp_path: Path
) -> None:
    """Ids shift when photos are added: rows of the new version would name other photos."""
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    gallery = Gallery.open(index)
    draw_photo(photos / "a-first.jpg", seed=70)
    update_gallery(index, find_photos([photos]), FakeEncoder())
    for name in ("p0.jpg", "p7.jpg"):
        query = embed(photos / name)
        assert nearest(gallery, query, top=1)[0].path == photos / name
