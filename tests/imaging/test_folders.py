"""Folders as people have them: what is taken, what is left out, and that all of it is counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from sbir_cli.errors import SbirError, UsageError
from sbir_cli.imaging import drives
from sbir_cli.imaging.folders import FoundPhotos, find_photos
from sbir_cli.imaging.software_folders import is_software_folder
from tests.fakes import draw_photo


def _names(found: FoundPhotos, top: Path) -> list[str]:
    return [path.relative_to(top).as_posix() for path in found.paths]


@pytest.mark.parametrize(
    "name",
    [
        *("#recycle", "@Recycle", "#snapshot", ".thumbnails", "Lightroom previews", "@eaDir"),
        *("Lightroom Catalog Previews.lrdata", "Trip Smart Previews.lrdata", "@Recently-Snapshot"),
        *(".@__thumb", "@__thumb", "~snapshot", ".Trash-1000", "lost+found", "$RECYCLE.BIN"),
        *("@EADIR", "#Recycle", "CaptureOne", "appdata_oc1abc", "Catalog.cocatalogdb", "@tmp"),
        *("Capture One.cocatalog", "found.000", "thumbnails"),
    ],
)
def test_folders_of_servers_and_software_are_left_out_and_counted(
    tmp_path: Path, name: str
) -> None:
    draw_photo(tmp_path / "a.jpg")
    draw_photo(tmp_path / "trip" / name / "b.jpg")
    found = find_photos([tmp_path])
    assert _names(found, tmp_path) == ["a.jpg"]
    sentence = found.left_out.sentence()
    assert sentence in (
        f"1 folder of bins, snapshots and previews ({name})",
        "1 hidden file or folder",
    )
    assert len(find_photos([tmp_path / "trip" / name]).paths) == 1  # unless it is named


@pytest.mark.parametrize("name", ["recycle", "snapshot", "2019 previews", "thumbs", "tmp", "trash"])
def test_folders_of_people_are_not(name: str) -> None:
    assert not is_software_folder(name)


def test_of_an_apple_library_the_originals_count(tmp_path: Path) -> None:
    library = tmp_path / "Photos Library.photoslibrary"
    for part in ("originals/0/a.jpg", "resources/derivatives/a.jpg", "Thumbnails/t.jpg"):
        draw_photo(library / part)
    assert _names(find_photos([tmp_path]), library) == ["originals/0/a.jpg"]
    assert _names(find_photos([library]), library) == ["originals/0/a.jpg"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("**/X/**", ["a.jpg", "y/b.jpg"]),
        ("X", ["a.jpg", "y/b.jpg"]),
        ("X/", ["a.jpg", "y/b.jpg"]),
        ("/X", ["a.jpg", "y/X/d.jpg", "y/b.jpg"]),
        ("y/X", ["X/c.jpg", "a.jpg", "y/b.jpg"]),
        ("./y/X/", ["X/c.jpg", "a.jpg", "y/b.jpg"]),
        ("*/d.*", ["X/c.jpg", "a.jpg", "y/X/d.jpg", "y/b.jpg"]),
        ("**/d.*", ["X/c.jpg", "a.jpg", "y/b.jpg"]),
        ("photos/y", ["X/c.jpg", "a.jpg"]),
        ("{top}/y", ["X/c.jpg", "a.jpg"]),
        ("{top}/y/**", ["X/c.jpg", "a.jpg"]),
        ("{top}/**/[bd].jpg", ["X/c.jpg", "a.jpg"]),
        ("/**/X/d.jpg", ["X/c.jpg", "a.jpg", "y/b.jpg"]),
    ],
)
def test_patterns_are_those_of_gitignore_or_absolute(
    tmp_path: Path, pattern: str, left: list[str]
) -> None:
    top = tmp_path / "photos"
    for name in ("a.jpg", "y/b.jpg", "X/c.jpg", "y/X/d.jpg"):
        draw_photo(top / name)
    draw_photo(tmp_path / "other" / "o.jpg")
    found = find_photos([top, tmp_path / "other" / "o.jpg"], [pattern.format(top=top)])
    assert {os.path.relpath(path, top) for path in found.paths} == {*left, "../other/o.jpg"}
    matched = len(left) < 4
    assert found.left_out.unmatched == ([] if matched else [pattern])
    assert ("by --exclude" in found.left_out.sentence()) == matched


def test_patterns_below_home_and_exceptions_and_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("a.jpg", "b.jpg", "#c/d.jpg", "deep/e.jpg"):
        draw_photo(tmp_path / "photos" / name)
    top = tmp_path / "photos"
    assert _names(find_photos([top], ["~/photos/deep", "#c"]), top) == ["a.jpg", "b.jpg"]
    assert _names(find_photos([top], ["*.jpg", "!e.jpg"]), top) == ["deep/e.jpg"]
    assert _names(find_photos([top], ["deep/", "!a.png"]), top) == ["#c/d.jpg", "a.jpg", "b.jpg"]
    for pattern in ("", "/", " "):
        with pytest.raises(UsageError, match="--exclude takes a pattern"):
            find_photos([top], [pattern])


def test_a_shells_own_list_is_excluded_from_too(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.png", "raw/c.jpg"):
        draw_photo(tmp_path / name)
    given = sorted(tmp_path.iterdir())  # as `photos/*` unfolds
    assert _names(find_photos(given, ["raw", "*.png"]), tmp_path) == ["a.jpg"]
    assert _names(find_photos(given, ["**/raw/**"]), tmp_path) == ["a.jpg", "b.png"]


def test_patterns_that_match_nothing_are_told(tmp_path: Path) -> None:
    draw_photo(tmp_path / "a.jpg")
    draw_photo(tmp_path / "b.png")
    found = find_photos([tmp_path], ["*.JPG", "a.*", "2019/**", "*.jpg"])
    assert found.left_out.unmatched == ["*.JPG", "2019/**"]


def test_linked_folders_are_counted_or_followed_once(tmp_path: Path) -> None:
    top, outside = tmp_path / "photos", tmp_path / "outside"
    draw_photo(top / "deep" / "a.jpg")
    draw_photo(outside / "b.jpg", seed=1)
    (top / "deep" / "loop").symlink_to(top)
    (top / "again").symlink_to(top / "deep")
    (top / "link").symlink_to(outside)
    (top / "twin").symlink_to(outside)
    (outside / "back").symlink_to(top)
    (outside / "up").symlink_to(tmp_path)

    found = find_photos([top])
    assert _names(found, top) == ["deep/a.jpg"]
    assert found.left_out.sentence() == "4 linked folders (--follow-links reads them)"
    followed = find_photos([top], follow_links=True)
    assert _names(followed, top) == ["deep/a.jpg", "link/b.jpg"]
    assert followed.left_out.loops == 5 and followed.left_out.links == 0
    assert _names(find_photos([top / "link"]), top) == ["link/b.jpg"]  # named, it is read


def test_a_link_to_a_photo_that_is_there_counts_once(tmp_path: Path) -> None:
    draw_photo(tmp_path / "photos" / "a.jpg")
    draw_photo(tmp_path / "b.jpg", seed=1)
    top = tmp_path / "photos"
    (top / "favourite.jpg").symlink_to("a.jpg")
    (top / "outside.jpg").symlink_to(tmp_path / "b.jpg")
    (top / "round.jpg").symlink_to("round.jpg")
    found = find_photos([top])
    assert _names(found, top) == ["a.jpg", "outside.jpg", "round.jpg"]
    assert found.left_out.sentence() == "1 link to photos that are there themselves"


def test_a_raw_file_beside_its_photo_is_one_photo(tmp_path: Path) -> None:
    for name in ("a.CR2", "a.jpg", "b.NEF", "b.JPG", "c.dng", "d.arw", "d.dng", "e.CR2.jpg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "e.CR2").write_bytes(b"x")
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "c.jpg").write_bytes(b"x")
    found = find_photos([tmp_path])
    assert _names(found, tmp_path) == [
        *("a.jpg", "b.JPG", "c.dng", "d.arw", "e.CR2.jpg", "f/c.jpg"),
    ]
    assert found.left_out.sentence() == "4 RAW files beside a photo of the same name"
    alone = find_photos([tmp_path], ["*.jpg"])
    assert "a.CR2" in _names(alone, tmp_path)
    assert len(find_photos([tmp_path / "a.CR2"]).paths) == 1
    assert len(find_photos([tmp_path / "a.CR2", tmp_path / "a.jpg"]).paths) == 1


def test_photos_without_a_photos_name_are_found_by_their_bytes(tmp_path: Path) -> None:
    photo = draw_photo(tmp_path / "a.jpg").read_bytes()
    for name in ("IMG_0001", "photo.jpg_large", "b.jpg?width=9", "c.jpg.1"):
        (tmp_path / name).write_bytes(photo)
    for name in ("notes", "x.bin", "empty"):
        (tmp_path / name).write_bytes(b"text" if name != "empty" else b"")
    os.mkfifo(tmp_path / "pipe")
    found = find_photos([tmp_path])
    assert len(found.paths) == 5
    assert found.left_out.sentence() == "4 other files (no suffix, BIN)"


def test_all_that_is_left_out_is_told_in_one_line(tmp_path: Path) -> None:
    draw_photo(tmp_path / "a.jpg")
    for name in ("b.psd", "c.svg", "d.svg", "e.mp4", "f.json", ".g.jpg", "h.txt"):
        (tmp_path / name).write_bytes(b"x")
    draw_photo(tmp_path / "@eaDir" / "i.jpg")
    draw_photo(tmp_path / "no" / "j.jpg")
    (tmp_path / "k").symlink_to(tmp_path / "no")
    assert find_photos([tmp_path], ["no"]).left_out.sentence() == (
        "3 files of formats that are not read (SVG, PSD), 3 other files (JSON, MP4, TXT), "
        "1 hidden file or folder, 1 folder of bins, snapshots and previews (@eaDir), "
        "1 linked folder (--follow-links reads them), 1 file or folder by --exclude"
    )
    with pytest.raises(SbirError, match=r"no photo found \(left out: .*1 linked folder"):
        find_photos([tmp_path], ["no", "a.jpg"])


def test_a_folder_that_is_gone_is_accepted_only_where_its_parent_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_photo(tmp_path / "here" / "a.jpg")
    missing, drive = tmp_path / "missing", tmp_path / "drive" / "photos"
    found = find_photos([tmp_path / "here", missing], allow_gone=True)
    assert found.gone == [missing] and len(found.paths) == 1
    with pytest.raises(SbirError, match="its drive may not be mounted; mount it"):
        find_photos([tmp_path / "here", drive], allow_gone=True)
    with pytest.raises(SbirError, match="no such file or directory; check the name"):
        find_photos([tmp_path / "here", missing])

    # a mount point stays when its drive goes, here as /etc/fstab and as /media would have it
    drive.parent.mkdir()
    table = tmp_path / "fstab"
    table.write_text(f"# a comment\nUUID=1 {tmp_path}/drive ext4 defaults 0 2\n")
    monkeypatch.setattr(drives, "_TABLE", table)
    with pytest.raises(SbirError, match="its drive may not be mounted"):
        find_photos([tmp_path / "here", drive], allow_gone=True)
    monkeypatch.setattr(drives, "_TABLE", tmp_path / "none")
    find_photos([tmp_path / "here", drive], allow_gone=True)
    monkeypatch.setattr(drives, "_PLACES", (str(tmp_path),))
    with pytest.raises(SbirError, match="its drive may not be mounted"):
        find_photos([tmp_path / "here", drive], allow_gone=True)
    found = find_photos([tmp_path / "here", drive.parent])
    assert found.unreadable == [(drive.parent, "is empty, and its drive may not be mounted")]


def test_many_files_that_overlap_give_each_once(tmp_path: Path) -> None:
    for i in range(3):
        Image.new("L", (2, 2)).save(tmp_path / f"{i}.png")
    (tmp_path / "link").symlink_to(tmp_path)
    given = [tmp_path, tmp_path / "0.png", tmp_path / "." / "1.png"]
    assert len(find_photos(given, follow_links=True).paths) == 3
