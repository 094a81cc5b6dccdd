"""The trees that researchers have on their disks, and what is said about others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sbir_cli.datasets import check, read_dataset, resolve_split
from sbir_cli.errors import SbirError, UsageError
from tests.datasets.layouts import LAYOUTS, Layout, make_layout, touch


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_is_read(tmp_path: Path, layout: Layout) -> None:
    data = read_dataset(make_layout(tmp_path, layout), layout.dataset)
    assert data.classes == sorted(layout.names)
    assert len(data.sketches) == 4 and len(data.photos) == (8 if layout.extended else 4)
    stems = {(label, p.stem) for p, label in zip(data.photos, data.photo_classes, strict=True)}
    assert len(stems) == len(data.photos)  # an original is not counted twice
    assert all(path.is_file() for path in (*data.sketches, *data.photos))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_fine_grained_takes_the_paired_photos_alone(tmp_path: Path, layout: Layout) -> None:
    data = read_dataset(make_layout(tmp_path, layout), layout.dataset).for_task("fine-grained")
    assert len(data.photos) == 4 and not any(p.stem.startswith("ext_") for p in data.photos)
    if layout.dataset == "sketchy":
        assert [data.photos[own or 0].stem for own in data.own_photo] == ["n0_1", "n0_2"] * 2
        assert not any("xtend" in str(data.photos[own or 0]) for own in data.own_photo)


def test_an_original_that_was_renamed_is_a_copy_too(tmp_path: Path) -> None:
    """As `camel/c.jpg` of the extended release: 73,002 photos and not 73,003."""
    layout = LAYOUTS["sketchy, extended"]
    make_layout(tmp_path, layout)
    touch(tmp_path, "EXTEND_image_sketchy/bat/c.jpg")
    data = read_dataset(tmp_path, "sketchy")
    assert len(data.photos) == 8 and "c.jpg" not in {p.name for p in data.photos}
    touch(tmp_path, "EXTEND_image_sketchy/bat/d.jpg")  # more than the originals lack: new ones
    assert len(read_dataset(tmp_path, "sketchy").photos) == 10


def test_the_extended_folder_alone_is_the_gallery_and_has_the_originals(tmp_path: Path) -> None:
    touch(tmp_path, "sketch/bat/n0_1-1.png", "sketch/bat/n0_1-2.png")
    touch(tmp_path, *(f"extended_photo/bat/{n}.jpg" for n in ("n0_1", "n0_2", "ext_1")))
    data = read_dataset(tmp_path, "sketchy")
    assert len(data.photos) == 3
    assert [p.stem for p in data.for_task("fine-grained").photos] == ["n0_1", "n0_2"]


def test_photos_that_were_merged_and_are_there_again_count_once(tmp_path: Path) -> None:
    make_layout(tmp_path, LAYOUTS["sketch_lvm, merged"])
    touch(tmp_path, *(f"ext/bat/{n}.jpg" for n in ("n0_1", "n0_2", "ext_1", "ext_3")))
    data = read_dataset(tmp_path, "sketchy", photos=[tmp_path / "photo", tmp_path / "ext"])
    assert len(data.photos) == 9 and data.notes[0].startswith("3 photos are in both")


def test_a_plain_folder_passes_extended_photos_over_and_says_so(tmp_path: Path) -> None:
    data = read_dataset(make_layout(tmp_path, LAYOUTS["sem-pcyc"]))
    assert len(data.photos) == 4
    assert data.notes == ("extended_photo/ is passed over (--dataset sketchy reads it)",)


def test_files_that_are_no_images_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "png/ant/1.png", "images/ant/n1.JPEG", "images/ant/n2.JpG")
    for side in ("png", "images"):
        touch(tmp_path, f"{side}/filelist.txt", f"{side}/.DS_Store", f"{side}/__MACOSX/ant/1.png")
        for name in ("Thumbs.db", ".hidden.png", "._1.png", "invalid.txt", "checked.txt"):
            touch(tmp_path, f"{side}/ant/{name}")
        touch(tmp_path, f"{side}/.ipynb_checkpoints/1.png", f"{side}/empty/readme.txt")
    (tmp_path / "png" / "ant" / "folder.png").mkdir()
    data = read_dataset(tmp_path, "tuberlin")
    assert [p.name for p in data.sketches] == ["1.png"]
    assert [p.name for p in data.photos] == ["n1.JPEG", "n2.JpG"]
    assert data.classes == ["ant"] and data.warnings == []


def test_photo_folders_of_tuberlin_as_they_were_first_released(tmp_path: Path) -> None:
    """Without spaces and brackets, some with slips of the pen."""
    pairs = {
        "griaffe": "giraffe",
        "spidar": "spider",
        "mouse": "mouse (animal)",
        "computermouse": "computer-mouse",
        "wristwatching": "wrist-watch",
        "bearanimal": "bear (animal)",
    }
    for folder, name in pairs.items():
        touch(tmp_path, f"png/{name}/1.png", f"ImageResized/{folder}/1.JPEG")
    data = read_dataset(tmp_path, "tuberlin")
    assert data.classes == sorted(pairs.values())
    assert "the folder `griaffe` is taken for the class `giraffe`" in data.notes
    assert len(data.notes) == 4  # letters alone are no guess


def test_a_name_that_is_only_alike_does_not_take_a_class_that_is_there(tmp_path: Path) -> None:
    touch(tmp_path, "sketch/spider/1.png", "photo/spider/1.jpg", "photo/spidar/1.jpg")
    data = read_dataset(tmp_path, "tuberlin")
    assert data.photo_classes == ["spidar", "spider"] and not data.notes


def test_two_folders_of_one_side(tmp_path: Path) -> None:
    touch(tmp_path, "png/ant/1.png", "png_ready/ant/1.png", "svg/ant/1.svg", "images/ant/1.jpg")
    data = read_dataset(tmp_path, "tuberlin")
    assert [p.relative_to(tmp_path).as_posix() for p in data.sketches] == ["png/ant/1.png"]
    assert data.notes == (
        "png_ready/ is passed over beside png/ (--sketches reads it)",
        "svg/ is passed over beside png/ (--sketches reads it)",
    )
    assert [p.name for p in read_dataset(tmp_path, "tuberlin", vector=True).sketches] == ["1.svg"]


def test_folders_named_by_the_user(tmp_path: Path) -> None:
    touch(
        tmp_path, "a/doodles/bat/1.png", "b/more/BAT/2.png", "c/pictures/bat/1.jpg", "d/bat/2.jpg"
    )
    one = read_dataset(
        None,
        sketches=[tmp_path / "a/doodles", tmp_path / "b/more"],
        photos=[tmp_path / "c/pictures", tmp_path / "d"],
    )
    assert (one.root, len(one.sketches), len(one.photos)) == (tmp_path, 2, 2)
    assert set(one.sketch_classes) == {"bat"} == set(one.photo_classes)
    again = [tmp_path / "d", tmp_path / "c/../d"]  # the same folder counts once
    assert len(read_dataset(None, sketches=[tmp_path / "b/more"], photos=again).photos) == 1
    touch(tmp_path, "data/sketch/bat/3.png")
    other = read_dataset(tmp_path / "data", photos=[tmp_path / "d"])
    assert [p.name for p in other.sketches + other.photos] == ["3.png", "2.jpg"]
    with pytest.raises(UsageError, match="name DATA, or both --sketches and --photos"):
        read_dataset(None, sketches=[tmp_path / "d"])
    with pytest.raises(SbirError, match=r"nowhere: no such file or directory; check the name"):
        read_dataset(tmp_path / "data", photos=[tmp_path / "nowhere"])


def test_folders_named_by_the_user_may_be_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "d/sketch/bat/1.png", "d/photo/bat/1.jpg", "e/bat/2.jpg")
    monkeypatch.chdir(tmp_path)
    alone = read_dataset(None, sketches=[Path("d/sketch")], photos=[Path("d/photo")])
    assert alone.root == tmp_path / "d" and alone.manifest()["photos"] == 1
    beside = read_dataset(Path("d"), photos=[Path("e")])
    assert beside.root == tmp_path and beside.manifest()["sketches"] == 1
    check(beside, resolve_split(beside, None))


REFUSED = {
    "nothing": ([], "tuberlin", r"found nothing; --dataset tuberlin reads png/<class>/ or"),
    "a folder above": (
        ["Sketchy/photo/bat/1.jpg", "Sketchy/sketch/bat/1.png", "notes.txt"],
        "sketchy",
        r"found Sketchy/ and 1 file \(notes.txt\); name \S+/Sketchy$",
    ),
    "archives": (["Sketchy.7z", "a.txt"], "sketchy", r"\(Sketchy.7z, a.txt\); unpack Sketchy.7z"),
    "one side": (
        ["png/bat/1.png", "x/1.jpg"],
        "tuberlin",
        "no folder of photos in it: found png/, x/; .* any other folder with --photos",
    ),
    "scaled copies": (
        ["photo/bat/1.jpg", "sketch/tx_000100000000/bat/1.png"],
        "sketchy",
        "sketch: holds tx_000100000000 and not tx_000000000000",
    ),
    "no class folders": (
        ["sketch/bat/1.png", "photo/1.jpg", "photo/2.jpg"],
        "folder",
        r"photo: there is no class folder with a photo in it: found 2 files \(1.jpg, 2.jpg\)",
    ),
    "classes named otherwise": (
        ["sketch/bat/1.png", "photo/n0123/1.jpg"],
        "sketchy",
        "no class has both sketches and photos: there are sketches of bat and photos of n0123; n",
    ),
    "a class twice": (
        ["sketch/bat/1.png", "sketch/Bat/2.png", "photo/bat/1.jpg"],
        "sketchy",
        "`Bat` and `bat` are spellings of one class",
    ),
}


@pytest.mark.parametrize(("files", "dataset", "message"), REFUSED.values(), ids=REFUSED)
def test_a_refused_tree_says_what_was_found_and_what_is_understood(
    tmp_path: Path, files: list[str], dataset: str, message: str
) -> None:
    with pytest.raises(SbirError, match=message) as refused:
        read_dataset(touch(tmp_path, *files), dataset)
    assert "\n" not in str(refused.value)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    touch(tmp_path, "Sketchy.zip", "a.png")
    with pytest.raises(SbirError, match="is a file and not a folder; unpack it and name"):
        read_dataset(tmp_path / "Sketchy.zip")
    with pytest.raises(SbirError, match="not a folder; name the folder it lies in"):
        read_dataset(tmp_path / "a.png")


def test_readme_names_every_folder_of_every_layout() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    table = text[text.index("| `--dataset`") :].split("\n\n")[0]
    for layout in LAYOUTS.values():
        for pattern in filter(None, (layout.sketch, layout.photo, layout.extended)):
            for part in Path(pattern.split("{c}")[0]).parts:
                plain = re.sub("_ready$", "", part)
                assert plain.lower() in table.lower(), part
