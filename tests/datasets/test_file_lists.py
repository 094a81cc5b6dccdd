"""Published file lists: exactly their files, whichever way the data set was unpacked."""

from __future__ import annotations

from pathlib import Path

import pytest

from sbir_cli.datasets import DataSet, check, read_dataset, resolve_split
from sbir_cli.errors import SbirError, UsageError
from tests.datasets.layouts import LAYOUTS, make_layout, touch

SKETCHY = {
    "cname_cid.txt": "hot-air_balloon 0\n",
    "cname_cid_zero.txt": "bat 0\n",
    "sketch_tx_000000000000_ready_filelist_train.txt": "256x256/sketch/tx_000000000000_ready/"
    "hot-air_balloon/n0_1-1.png 0\n",
    "sketch_tx_000000000000_ready_filelist_test.txt": "256x256/sketch/tx_000000000000_ready/"
    "hot-air_balloon/n0_2-1.png 0\n",
    "sketch_tx_000000000000_ready_filelist_zero.txt": "256x256/sketch/tx_000000000000_ready/"
    "bat/n0_1-1.png 0\n256x256/sketch/tx_000000000000_ready/bat/n0_2-1.png 0\n",
    "all_photo_filelist_train.txt": "256x256/photo/tx_000000000000_ready/"
    "hot-air_balloon/n0_1.jpg 0\n"
    "EXTEND_image_sketchy_ready/hot-air_balloon/ext_1.jpg 0\n",
    "all_photo_filelist_zero.txt": "256x256/photo/tx_000000000000_ready/bat/n0_1.jpg 0\n"
    "EXTEND_image_sketchy_ready/bat/n0_1.jpg 0\nEXTEND_image_sketchy_ready/bat/ext_1.jpg 0\n",
}
TUBERLIN = {
    "cname_cid.txt": "car (sedan) 0\n",
    "cname_cid_zero.txt": "t-shirt 0\n",
    "png_ready_filelist_train.txt": "png_ready/car (sedan)/1.png 0\n",
    "png_ready_filelist_zero.txt": "png_ready/t-shirt/2.png 0\n",
    "ImageResized_ready_filelist_train.txt": "ImageResized_ready/car (sedan)/n0_1.JPEG 0\n",
    "ImageResized_ready_filelist_zero.txt": "ImageResized_ready/t-shirt/n0_2.JPEG 0\n",
}
QUICKDRAW = {
    "cname_cid_zero.txt": "palm tree 0\nfire_hydrant 1\n",
    "sketch_zero.txt": "sketches/palm tree/1.png 0\nsketches/fire_hydrant/2.png 1\n",
    "all_photo_zero.txt": "images/palm tree/image_1.jpg 0\nimages/fire_hydrant/image_2.jpg 1\n",
}


def write(folder: Path, lists: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in lists.items():
        (folder / name).write_text(content, "utf-8")
    return folder


def read(tmp_path: Path, layout: str, lists: dict[str, str]) -> DataSet:
    root = make_layout(tmp_path / "data", LAYOUTS[layout])
    folder = write(tmp_path / "zeroshot0", lists)
    return read_dataset(root, LAYOUTS[layout].dataset, lists=folder)


@pytest.mark.parametrize("layout", ["sake, zse-sbir", "sem-pcyc"])
def test_sketchy_by_its_lists(tmp_path: Path, layout: str) -> None:
    data = read(tmp_path, layout, SKETCHY)
    split = resolve_split(data, None)
    assert (split.seen, split.unseen) == (["hot-air_balloon"], ["bat"])
    assert split.name == "lists zeroshot0" and (split.queries, split.gallery_size) == (2, 3)
    assert [p.name for p in data.only(["bat"]).sketches] == ["n0_1-1.png", "n0_2-1.png"]
    # as the published list has it: the original counts twice, and the report says so
    photos = data.only(["bat"]).photos
    assert sorted(p.name for p in photos) == ["ext_1.jpg", "n0_1.jpg", "n0_1.jpg"]
    assert data.notes == (
        f"not used: sketch_tx_000000000000_ready_filelist_test.txt of {tmp_path / 'zeroshot0'}",
        "1 photos are listed in both photo folders and count twice, as in the lists",
    )
    assert not data.missing and [p.name for p in data.only(split.seen).sketches] == ["n0_1-1.png"]
    fine = data.only(["bat"]).for_task("fine-grained")
    assert [p.parent.parent.name[:2] for p in fine.photos] == ["tx"] and fine.own_photo == [0, None]


@pytest.mark.parametrize(
    ("layout", "lists"),
    [
        ("tuberlin, sake", TUBERLIN),
        ("tuberlin, released", TUBERLIN),
        ("tuberlin, photos as released", TUBERLIN),
        ("tuberlin, sem-pcyc", TUBERLIN),
        ("quickdraw", QUICKDRAW),
        ("quickdraw, released", QUICKDRAW),
    ],
)
def test_lists_find_their_files_in_every_layout(
    tmp_path: Path, layout: str, lists: dict[str, str]
) -> None:
    data = read(tmp_path, layout, lists)
    assert len(data.sketches) == 2 == len(data.photos) and not data.missing
    assert data.classes == sorted(LAYOUTS[layout].names)
    assert all(path.is_file() for path in (*data.sketches, *data.photos))


def test_a_byte_order_mark_windows_lines_and_backslashes_cost_nothing(tmp_path: Path) -> None:
    root = make_layout(tmp_path / "data", LAYOUTS["tuberlin, sake"])
    (tmp_path / "lists").mkdir()
    for number, (name, text) in enumerate(TUBERLIN.items()):
        windows = text.replace("/", "\\").replace("\n", "\r\n") + "\r\n"
        encoding = "utf-16" if number % 2 else "utf-8-sig"
        (tmp_path / "lists" / name).write_bytes(windows.encode(encoding))
    data = read_dataset(root, "tuberlin", lists=tmp_path / "lists")
    assert len(data.sketches) == 2 == len(data.photos) and not data.missing


@pytest.mark.parametrize("above", ["./", "/home/somebody/TUBerlin/", "..\\dataset\\"])
def test_paths_may_begin_above_the_data_set(tmp_path: Path, above: str) -> None:
    lists = {
        name: text if name.startswith("cname") else above + text for name, text in TUBERLIN.items()
    }
    data = read(tmp_path, "tuberlin, sem-pcyc", lists)
    assert len(data.sketches) == 2 == len(data.photos) and not data.missing


def test_missing_files_are_counted_and_named(tmp_path: Path) -> None:
    lists = dict(TUBERLIN)
    lists["png_ready_filelist_zero.txt"] += "png_ready/t-shirt/77.png 0\n"
    lists["png_ready_filelist_train.txt"] += "png_ready/car (sedan)/../../x.png 0\n"
    data = read(tmp_path, "tuberlin, sake", lists)
    named = [path.relative_to(data.root).as_posix() for path, _ in data.skipped]
    assert named == ["png_ready/car (sedan)/../../x.png", "png_ready/t-shirt/77.png"]
    assert data.only(["t-shirt"]).warnings[0] == (
        "1 listed files are missing (first: png_ready/t-shirt/77.png)"
    )
    found = check(data, resolve_split(data, None))
    assert not found.as_published
    assert [(c.what, c.found, c.published) for c in found.classes] == [("t-shirt, sketches", 1, 2)]


BROKEN = {
    "none": ({}, r"holds no file lists: found nothing; lists are cname_cid.txt with \*_train.txt"),
    "no names": ({"sketch_zero.txt": "a/b.png 0\n"}, "holds no file lists: found 1 file"),
    "no line": (
        QUICKDRAW | {"sketch_zero.txt": "version https://git-lfs.github.com/spec/v1\n"},
        "sketch_zero.txt: line 1 is not `path class-number`; fetch it again",
    ),
    "empty": (QUICKDRAW | {"sketch_zero.txt": "\n"}, "sketch_zero.txt: is empty"),
    "wrong number": (
        QUICKDRAW | {"sketch_zero.txt": "sketches/a/1.png 9\n"},
        "gives `sketches/a/1.png` the class 9, which the list of class names lacks",
    ),
    "one side": (
        {k: v for k, v in QUICKDRAW.items() if not k.startswith("all")},
        "one of sketches and one of photos each",
    ),
    "two of a kind": (
        QUICKDRAW | {"png_zero.txt": "sketches/palm tree/1.png 0\n"},
        "png_zero.txt and sketch_zero.txt list the same thing; leave one",
    ),
    "seen and unseen": (
        QUICKDRAW | {"cname_cid.txt": "Palm_Tree 4\n"},
        "lists palm tree as seen and as unseen",
    ),
    "other files": (
        QUICKDRAW | {"sketch_zero.txt": "pictures/palm tree/1.png 0\n"},
        r"none of the 1 files that sketch_zero.txt lists is there \(first: pictures/palm tree/1.png"
        r"\): found images/, sketches/; name the folder that the listed paths begin in",
    ),
}


@pytest.mark.parametrize(("lists", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_with_lists_gets_one_sentence(
    tmp_path: Path, lists: dict[str, str], message: str
) -> None:
    with pytest.raises(SbirError, match=message):
        read(tmp_path, "quickdraw", lists)


def test_the_folder_above_the_lists_is_told_from_them(tmp_path: Path) -> None:
    root = make_layout(tmp_path / "data", LAYOUTS["quickdraw"])
    write(tmp_path / "QuickDraw" / "zeroshot", QUICKDRAW)
    with pytest.raises(SbirError, match=r"found zeroshot/; name \S+QuickDraw/zeroshot$"):
        read_dataset(root, "quickdraw", lists=tmp_path / "QuickDraw")
    with pytest.raises(SbirError, match="no such folder"):
        read_dataset(root, "quickdraw", lists=tmp_path / "nowhere")


def test_lists_go_with_no_other_choice_of_files(tmp_path: Path) -> None:
    data = read(tmp_path, "quickdraw", QUICKDRAW)
    with pytest.raises(UsageError, match="--lists say which classes are unseen"):
        resolve_split(data, "dey30")
    with pytest.raises(UsageError, match="leave out --sketches and --photos"):
        read_dataset(data.root, "quickdraw", lists=tmp_path / "zeroshot0", photos=[tmp_path])
    with pytest.raises(UsageError, match="--lists names files below DATA; name DATA"):
        read_dataset(None, "quickdraw", lists=tmp_path / "zeroshot0")
    with pytest.raises(SbirError, match="lists no vector drawing"):
        read_dataset(data.root, "quickdraw", lists=tmp_path / "zeroshot0", vector=True)


def test_a_plain_folder_may_have_lists_too(tmp_path: Path) -> None:
    touch(tmp_path / "data", "drawn/ant/1.png", "taken/ant/1.jpg", "taken/ant/2.jpg")
    lists = {
        "cname_cid_zero.txt": "ant 7\n",
        "sketch_zero.txt": "drawn/ant/1.png 7\n",
        "photo_zero.txt": "./taken/ant/2.jpg 7\n",
    }
    data = read_dataset(tmp_path / "data", lists=write(tmp_path / "lists", lists))
    assert [p.name for p in data.sketches + data.photos] == ["1.png", "2.jpg"]
    assert resolve_split(data, None).unseen == ["ant"]
