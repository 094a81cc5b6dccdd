from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest
from filelock import FileLock

from sbir_cli.config import EmbedConfig, IndexConfig, QueryConfig
from sbir_cli.errors import GalleryError, MismatchError, SbirError, UsageError
from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.gallery.manifest import Database
from sbir_cli.imaging.images import find_photos, read_photo
from tests.fakes import FakeEncoder, draw_photo


def _embed(encoder: FakeEncoder, photo: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return encoder.encode_photos(encoder.preprocess(read_photo(photo))[None])


def _paths(index: Path) -> list[str]:
    with closing(Database(index)) as database:
        return [row.path.decode() for row in database.rows().values()]


def test_a_photo_finds_itself_and_the_index_is_plain_faiss(photos: Path, tmp_path: Path) -> None:
    encoder, index = FakeEncoder(), tmp_path / "idx.faiss"
    report = update_gallery(index, find_photos([photos]), encoder)

    assert (report.manifest.photos, report.embedded, report.skipped) == (10, 10, [])
    assert faiss.read_index(str(index)).ntotal == 10
    gallery = Gallery.open(index)
    for photo in (photos / "p3.jpg", photos / "deep" / "er" / "p8.png"):
        best, second = gallery.search(_embed(encoder, photo), QueryConfig(top=2))[0]
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
    assert _paths(index) == _paths(fresh) == sorted(_paths(fresh))
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
    assert pruned.removed == 1 and "photos/p1.jpg" not in _paths(index)
    assert "other/o.jpg" in _paths(index)  # prune looks only below the folders it is given


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
        hits = gallery.search(_embed(encoder, photos / name), QueryConfig(top=1))
        assert hits[0][0].path == photos / name

    (photos / "p0.jpg").write_bytes(whole)  # mended
    assert update_gallery(index, find_photos([photos]), encoder).embedded == 1


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
        assert gallery.search(_embed(encoder, photo), QueryConfig(top=1))[0][0].path == photo


def test_a_gallery_moves_with_its_photos_or_without_them(photos: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    photos = photos.rename(home / "photos")
    update_gallery(home / "idx.faiss", find_photos([photos]), FakeEncoder())
    query = _embed(FakeEncoder(), photos / "p3.jpg")

    def found(index: Path, root: Path | None = None) -> Path:
        return Gallery.open(index, root).search(query, QueryConfig(top=1))[0][0].path

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


@pytest.mark.parametrize("name", ["a b.jpg", "line\nbreak.jpg", "[red]x[/red].jpg", "%41 ?#&.jpg"])
def test_any_file_name_is_found_again(photos: Path, tmp_path: Path, name: str) -> None:
    draw_photo(photos / name, seed=90)
    update_gallery(tmp_path / name, find_photos([photos]), FakeEncoder())
    hits = Gallery.open(tmp_path / name).search(
        _embed(FakeEncoder(), photos / name), QueryConfig(top=1)
    )
    assert hits[0][0].path == photos / name


def test_a_name_that_is_not_utf8_is_found_again(photos: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe latin.jpg")
    (photos / "p0.jpg").rename(photos / name)
    update_gallery(tmp_path / "idx.faiss", find_photos([photos]), FakeEncoder())
    hits = Gallery.open(tmp_path / "idx.faiss").search(
        _embed(FakeEncoder(), photos / name), QueryConfig(top=1)
    )
    assert os.fsencode(hits[0][0].path) == os.fsencode(photos / name)


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


def test_a_photo_outside_the_given_root_is_a_usage_error(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not below the root"):
        update_gallery(
            tmp_path / "i.faiss", find_photos([photos]), FakeEncoder(), root=photos / "deep"
        )


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
    (hits,) = gallery.search(_embed(FakeEncoder(), photos / "new.jpg"), QueryConfig(top=1))
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


def test_photos_alike_are_ranked_by_path(photos: Path, tmp_path: Path) -> None:
    data = (photos / "p3.jpg").read_bytes()
    for i in range(60):
        (photos / f"copy{i:02}.jpg").write_bytes(data)
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    query = _embed(FakeEncoder(), photos / "p3.jpg")
    for top in (5, 61):
        hits = Gallery.open(index).search(query, QueryConfig(top=top))[0]
        names = [hit.path.name for hit in hits]
        assert names == [*(f"copy{i:02}.jpg" for i in range(60)), "p3.jpg"][:top]


def test_cuts_by_score_and_by_share_of_the_best(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    gallery, query = Gallery.open(index), _embed(FakeEncoder(), photos / "p3.jpg")
    scores = [h.score for h in gallery.search(query, QueryConfig(top=100))[0]]
    assert len(scores) == 10 and scores == sorted(scores, reverse=True)
    cut = QueryConfig(top=100, min_score=scores[3] - 1e-6)
    assert len(gallery.search(query, cut)[0]) == 4
    share = QueryConfig(top=100, min_share=(scores[2] - 1e-4) / scores[0])
    assert len(gallery.search(query, share)[0]) == 3


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_approximate_indexes_are_measured_and_updated(tmp_path: Path, kind: str) -> None:
    photos = tmp_path / "photos"
    for i in range(300):
        draw_photo(photos / f"{i:03}.png", seed=i, size=(16, 16))
    storage = IndexConfig(type=kind)  # type: ignore[arg-type]
    index = tmp_path / "idx.faiss"
    manifest = update_gallery(index, find_photos([photos]), FakeEncoder(), storage=storage).manifest
    assert manifest.index_type == kind and 0.95 <= manifest.recall_at_10 <= 1
    draw_photo(photos / "new.png", seed=1000, size=(16, 16))
    assert (
        update_gallery(index, find_photos([photos]), FakeEncoder(), storage=storage).embedded == 1
    )
    hits = Gallery.open(index).search(_embed(FakeEncoder(), photos / "new.png"), QueryConfig(top=1))
    assert hits[0][0].path == photos / "new.png"


def test_auto_takes_a_graph_beyond_the_exact_limit(photos: Path, tmp_path: Path) -> None:
    storage = IndexConfig(exact_limit=9)
    report = update_gallery(
        tmp_path / "idx.faiss", find_photos([photos]), FakeEncoder(), storage=storage
    )
    assert report.manifest.index_type == "hnsw" and report.manifest.index_choice == "auto"


def test_damage_is_told_apart(photos: Path, tmp_path: Path) -> None:
    index, database = tmp_path / "idx.faiss", tmp_path / "idx.faiss.db"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    good, good_db = index.read_bytes(), database.read_bytes()

    def refused(reason: str) -> None:
        with pytest.raises(GalleryError, match=reason):
            Gallery.open(index)
        index.write_bytes(good)
        database.write_bytes(good_db)
        Gallery.open(index)

    index.write_bytes(good[:-7])
    refused("damaged")
    index.write_text("not an index")
    refused("damaged")
    index.write_bytes(good[:-4] + b"\0\0\0\0")  # same size
    refused("damaged")
    index.unlink()
    refused("no such index; make it with `sbir embed-gallery")
    database.unlink()
    refused("idx.faiss.db, which belongs to it, is missing")
    database.write_text("text" * 2000)
    refused("not a gallery's database")
    other = tmp_path / "other.faiss"
    draw_photo(tmp_path / "o" / "o.jpg")
    update_gallery(other, find_photos([tmp_path / "o"]), FakeEncoder())
    database.write_bytes((tmp_path / "other.faiss.db").read_bytes())
    refused("belongs to another index")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE manifest SET value = '99' WHERE key = 'format_version'")
    refused("format version 99")


def test_faiss_never_sees_a_file_whose_header_lies(photos: Path, tmp_path: Path) -> None:
    """A stranger's pair of files that agree with each other still has to be a sane index."""
    from sbir_cli.gallery.manifest import file_digest

    index, database = tmp_path / "idx.faiss", tmp_path / "idx.faiss.db"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    lie = bytearray(index.read_bytes())
    lie[8:16] = (2**40).to_bytes(8, "little")  # the count
    index.write_bytes(lie)
    with closing(sqlite3.connect(database)) as connection, connection:
        update = "UPDATE manifest SET value = ? WHERE key = ?"
        connection.execute(update, (f'"{file_digest(index)}"', "index_digest"))
        connection.execute(update, (str(2**40), "photos"))
    with pytest.raises(GalleryError, match=r"not the one its \.db describes"):
        Gallery.open(index)


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
        query = _embed(FakeEncoder(), photos / name)
        assert gallery.search(query, QueryConfig(top=1))[0][0].path == photos / name


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
    assert _paths(index)[0].startswith("photos/")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="none of the gallery's photos is below"):
        update_gallery(index, find_photos([photos]), FakeEncoder(), root=tmp_path / "empty")


@pytest.mark.parametrize("left", ["idx.faiss.new", "idx.faiss.db"])
def test_half_of_a_killed_first_run_is_no_obstacle(photos: Path, tmp_path: Path, left: str) -> None:
    (tmp_path / left).write_bytes(b"half")
    report = update_gallery(tmp_path / "idx.faiss", find_photos([photos]), FakeEncoder())
    assert report.manifest.photos == 10


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


@pytest.mark.parametrize("path", [b"/etc/passwd", b"../secret.jpg", b"a/../../b.jpg"])
def test_a_strangers_rows_cannot_point_out_of_the_root(
    photos: Path, tmp_path: Path, path: bytes
) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    with closing(sqlite3.connect(tmp_path / "idx.faiss.db")) as connection, connection:
        connection.execute("UPDATE photo SET path = ? WHERE id = 0", (path,))
    with pytest.raises(GalleryError, match="leads out of its root"):
        Gallery.open(index)


def test_an_index_name_that_is_not_utf8_works(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / os.fsdecode(b"\xff.faiss")
    update_gallery(index, find_photos([photos]), FakeEncoder())
    assert Gallery.open(index).manifest.photos == 10


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


def test_a_share_of_a_negative_best_score_keeps_the_best(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    copies = [draw_photo(photos / f"like-p3-{i}.jpg", seed=3) for i in range(3)]
    update_gallery(index, find_photos(copies), FakeEncoder())
    query = -_embed(FakeEncoder(), photos / "p3.jpg")
    for share in (0.8, 1.0):
        hits = Gallery.open(index).search(query, QueryConfig(top=1, min_share=share))[0]
        assert len(hits) == 1 and hits[0].score < 0
