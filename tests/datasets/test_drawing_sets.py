"""Drawings with names and without photos."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sbir_cli.datasets import read_drawings
from sbir_cli.errors import ImageError, SbirError
from sbir_cli.imaging.sketches import read_sketches
from tests.datasets.layouts import touch

LINE = [[[0, 255, 128], [0, 128, 255]], [[10, 200], [250, 5]]]


def ndjson(path: Path, *words: str | None, **more: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"word": word} | more | {"drawing": LINE}) for word in words]
    path.write_text("\n\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.parametrize(
    "folder", ["sketch/", "Sketches/", "png_ready/", "256x256/sketch/tx_000000000000/", ""]
)
def test_class_folders_wherever_sketches_lie(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, f"{folder}cat/1.png", f"{folder}cat/Thumbs.db", f"{folder}hot dog/a.svg")
    touch(tmp_path, f"{folder}filelist.txt", *(["photo/cat/1.jpg"] if folder else []))
    found = read_drawings([tmp_path])
    assert [path.name for path in found.drawings] == ["1.png", "a.svg"]
    assert found.labels == ["cat", "hot dog"] and found.classes == ["cat", "hot dog"]
    assert found.offsets == [None, None] and found.manifest()["drawings"] == 2
    found.require()


def test_quick_draw_files_name_their_drawings(tmp_path: Path) -> None:
    ndjson(tmp_path / "mixed.ndjson", "cat", "The Eiffel Tower", 'a "b"')
    ndjson(tmp_path / "full_simplified_hot%20dog.ndjson", None, None)
    ndjson(tmp_path / "dogs" / "x.ndjson", "cat", "wolf")  # who sorts into folders means it
    found = read_drawings([tmp_path])
    assert found.labels == [*["dogs"] * 2, *["hot dog"] * 2, "cat", "The Eiffel Tower", 'a "b"']
    assert [path.name for path in found.drawings] == [
        *("x.ndjson#1", "x.ndjson#3"),
        *("full_simplified_hot%20dog.ndjson#1", "full_simplified_hot%20dog.ndjson#3"),
        *("mixed.ndjson#1", "mixed.ndjson#3", "mixed.ndjson#5"),
    ]
    for i, path in enumerate(found.drawings):
        assert json.loads(found.read(i))["drawing"] == LINE
        assert read_sketches(str(path), found.read(i))[0].image.size[0] > 0
    assert read_drawings([tmp_path / "mixed.ndjson"]).classes[0] == "The Eiffel Tower"


def test_a_line_is_read_where_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(
        b"\xef\xbb\xbf" + b'{"word": "cat", "n": 1}\r\n\r\n{"word": "\xc3\xa4", "n": 2}'
    )
    found = read_drawings([path])
    assert found.labels == ["cat", "\u00e4"] and found.read(1) == b'{"word": "\xc3\xa4", "n": 2}'
    assert json.loads(found.read(0).decode("utf-8-sig"))["n"] == 1
    path.unlink()
    with pytest.raises(ImageError, match="no such file"):
        found.read(0)


def test_what_was_not_recognised_is_left_out_and_told(tmp_path: Path) -> None:
    path = ndjson(tmp_path / "cat.ndjson", "cat", "cat", recognized=False)
    with path.open("a") as file:
        file.write(json.dumps({"word": "cat", "recognized": True, "drawing": LINE}))
    found = read_drawings([tmp_path])
    assert [p.name for p in found.drawings] == ["cat.ndjson#4"]
    assert found.notes == ("2 drawings that were not recognised are left out",)


def test_spellings_of_a_class_are_one_and_classes_are_left_out_in_any(tmp_path: Path) -> None:
    touch(tmp_path, "a/hot-air_balloon/1.png", "a/cat/1.png", "b/Hot air balloon/2.png")
    found = read_drawings([tmp_path / "a", tmp_path / "b"])
    assert found.labels == ["cat", "hot-air_balloon", "hot-air_balloon"]
    assert found.without(["HOT_AIR_BALLOON"]).labels == ["cat"]
    with pytest.raises(SbirError, match=r"1 drawings of 1 class \(cat\) are too few to learn from"):
        found.without(["hot air balloon"]).require()


def test_a_part_of_large_classes_is_drawn_by_the_seed(tmp_path: Path) -> None:
    ndjson(tmp_path / "cat.ndjson", *["cat"] * 30)
    touch(tmp_path, *(f"dog/{i}.png" for i in range(3)))
    one, same, other = (read_drawings([tmp_path], per_class=5, seed=s) for s in (0, 0, 1))
    assert one.labels == ["cat"] * 5 + ["dog"] * 3 and one.drawings == same.drawings
    assert one.drawings != other.drawings
    assert one.notes == ("5 drawings are taken of each of 1 classes that have more",)
    assert [json.loads(one.read(i))["drawing"] for i in range(5)] == [LINE] * 5


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["1.png", "2.png"], r"found 2 files \(1.png, 2.png\); put each class into a folder"),
        (["cat/notes.txt"], "no drawing with a name in it: found cat/; put each class"),
        ([], "found nothing; put each class into a folder"),
    ],
)
def test_drawings_without_names_are_refused(tmp_path: Path, files: list[str], message: str) -> None:
    with pytest.raises(SbirError, match=message):
        read_drawings([touch(tmp_path, *files)])


def test_places_that_are_no_folders(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    with pytest.raises(SbirError, match="is one drawing without a name; name a folder of <class>/"):
        read_drawings([tmp_path / "a.png"])
    with pytest.raises(SbirError, match="no such folder; check the name"):
        read_drawings([tmp_path / "nowhere"])
