"""Photos into a gallery: what is embedded, kept, removed and skipped."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest

from sbir_cli.config import EmbedConfig
from sbir_cli.embedding import Progress
from sbir_cli.errors import MismatchError, SbirError
from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo
from tests.gallery.queries import nearest, stored_paths


def test_a_photo_finds_itself_and_the_index_is_plain_faiss(photos: Path, tmp_path: Path) -> None:
    encoder, index = FakeEncoder(), tmp_path / "idx.faiss"
    report = update_gallery(index, find_photos([photos]), encoder)

    assert (report.manifest.photos, report.embedded, report.skipped) == (10, 10, [])
    assert faiss.read_index(str(index)).ntotal == 10
    gallery = Gallery.open(index)
    for photo in (photos / "p3.jpg", photos / "deep" / "er" / "p8.png"):
        best, second = nearest(gallery, photo, top=2)
        assert best.path == photo and best.rank == 1 and best.score == pytest.approx(1, abs=1e-5)
        assert second.rank == 2 and second.score < best.score
    assert sorted(p.name for p in tmp_path.iterdir()) == ["idx.faiss", "idx.faiss.db", "photos"]


def test_only_new_and_changed_photos_are_embedded(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    before = index.stat().st_ino

    again = FakeEncoder()
    assert update_gallery(index, find_photos([photos]), again).embedded == 0
    assert again.batches == [] and index.stat().st_ino == before  # not even rewritten

    draw_photo(photos / "new.jpg", seed=77)
    draw_photo(photos / "p2.jpg", seed=78, size=(50, 50))
    assert update_gallery(index, find_photos([photos]), again).embedded == 2
    fresh = tmp_path / "fresh.faiss"
    update_gallery(fresh, find_photos([photos]), FakeEncoder())
    assert stored_paths(index) == stored_paths(fresh) == sorted(stored_paths(fresh))
    mine, theirs = (faiss.read_index(str(i)).reconstruct_n(0, 11) for i in (index, fresh))
    assert np.allclose(mine, theirs, atol=1e-6)


def test_deleted_photos_leave_with_prune_only(photos: Path, tmp_path: Path) -> None:
    index, other = tmp_path / "idx.faiss", tmp_path / "other"
    draw_photo(other / "o.jpg", seed=50)
    update_gallery(index, find_photos([photos, other]), FakeEncoder())
    (photos / "p1.jpg").unlink()
    (other / "o.jpg").unlink()

    assert update_gallery(index, find_photos([photos]), FakeEncoder()).manifest.photos == 11
    pruned = update_gallery(
        index, find_photos([photos]), FakeEncoder(), embed=EmbedConfig(prune=True)
    )
    assert pruned.removed == 1 and "photos/p1.jpg" not in stored_paths(index)
    assert "other/o.jpg" in stored_paths(index)  # prune looks only below the folders it is given


def test_a_bad_photo_is_a_row_with_its_reason_and_shifts_nothing(
    photos: Path, tmp_path: Path
) -> None:
    (photos / "p0.jpg").write_bytes(b"")
    (photos / "p4.jpg").write_text("I am a text file, whatever my name says")
    whole = (photos / "p5.jpg").read_bytes()
    (photos / "p5.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "gone.jpg").symlink_to(tmp_path / "nowhere")
    encoder, index = FakeEncoder(), tmp_path / "idx.faiss"

    report = update_gallery(index, find_photos([photos]), encoder, embed=EmbedConfig(batch_size=3))

    reasons = {path.name: reason for path, reason in report.skipped}
    assert reasons.keys() == {"p0.jpg", "p4.jpg", "p5.jpg", "gone.jpg"}
    assert reasons["p0.jpg"] == "empty file" and "truncated" in reasons["p5.jpg"]
    assert report.manifest.photos == 7 and report.manifest.skipped == 4
    gallery = Gallery.open(index)
    for name in ("p1.jpg", "p6.jpg", "p7.jpg", "deep/p9.webp"):
        hits = nearest(gallery, photos / name, top=1)
        assert hits[0].path == photos / name

    (photos / "p0.jpg").write_bytes(whole)  # mended
    assert update_gallery(index, find_photos([photos]), encoder).embedded == 1


@pytest.mark.parametrize("make", ["empty", "text", "all bad"])
def test_nothing_to_embed_is_an_error_and_leaves_nothing_behind(tmp_path: Path, make: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    if make == "text":
        (folder / "a.txt").write_text("x")
    if make == "all bad":
        (folder / "a.jpg").write_text("x")
    with pytest.raises(SbirError, match="no photo"):
        update_gallery(tmp_path / "idx.faiss", find_photos([folder]), FakeEncoder())
    assert not list(tmp_path.glob("idx.faiss")) and not list(tmp_path.glob("*.db*"))


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    """Permissions, or an extra that is installed later, change neither size nor time."""
    photo = draw_photo(tmp_path / "in" / "a.jpg")
    good, status = photo.read_bytes(), photo.stat()

    def put(data: bytes) -> None:
        photo.write_bytes(data)
        os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))

    index = tmp_path / "idx.faiss"
    put(b"x" * len(good))
    with pytest.raises(SbirError, match=r"no photo could be read, for example a\.jpg"):
        update_gallery(index, find_photos([tmp_path / "in"]), FakeEncoder())
    put(good)
    assert update_gallery(index, find_photos([tmp_path / "in"]), FakeEncoder()).embedded == 1


def test_prune_keeps_what_an_unreadable_folder_holds(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    found = find_photos([photos], ["deep"])
    hidden = replace(found, unreadable=[(photos / "deep", "Permission denied")])
    prune = EmbedConfig(prune=True)
    report = update_gallery(index, hidden, FakeEncoder(), embed=prune)
    assert report.removed == 0 and report.skipped == hidden.unreadable
    assert update_gallery(index, found, FakeEncoder(), embed=prune).removed == 2


def test_few_photos_are_embedded_by_what_starts_at_once_and_many_by_what_is_faster(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the number there is to do, not by what an interrupted run left of it."""
    monkeypatch.setattr("sbir_cli.gallery.run._FEW", 16)
    index, told = tmp_path / "idx.faiss", []
    at_once, fast = FakeEncoder(name="at once"), FakeEncoder(name="fast")

    def update(fast: FakeEncoder, progress: Progress = lambda done, total: None) -> None:
        update_gallery(
            index,
            find_photos([photos]),
            at_once,
            embed=EmbedConfig(batch_size=8),
            for_many=lambda: fast,
            introduce=lambda encoder: told.append(encoder.name),
            progress=progress,
        )

    def interrupt(done: int, total: int) -> None:
        if done >= 8:
            raise KeyboardInterrupt

    update(fast)
    for i in range(17):
        draw_photo(photos / f"new{i}.png", seed=100 + i)
    with pytest.raises(MismatchError, match="changed meanwhile"):
        update(FakeEncoder(fingerprint="another"))
    with pytest.raises(KeyboardInterrupt):
        update(fast, interrupt)
    update(fast)
    assert at_once.batches == [8, 2] and fast.batches == [8, 8, 1]
    assert told == ["at once", "fast", "fast"]
