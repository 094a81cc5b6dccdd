from __future__ import annotations

from pathlib import Path

import pytest

from sbir_cli.datasets import load_split, read_dataset, resolve_split
from sbir_cli.errors import ImageError, SbirError, UsageError
from sbir_cli.imaging.drawing_files import drawing_bytes
from tests.fakes import draw_photo, draw_sketch
from tests.trees import SVG, make_tree


@pytest.mark.parametrize(
    ("dataset", "name", "seen", "unseen"),
    [
        ("sketchy", None, 104, 21),
        ("sketchy", "paper21", 104, 21),
        ("sketchy", "zsih25", 100, 25),
        ("sketchy", "sempcyc25", 100, 25),
        ("tuberlin", None, 220, 30),
        ("tuberlin", "sempcyc30", 220, 30),
        ("quickdraw", None, 80, 30),
    ],
)
def test_published_splits(dataset: str, name: str | None, seen: int, unseen: int) -> None:
    split = load_split(dataset, name)
    assert (len(split.seen), len(split.unseen)) == (seen, unseen)
    assert not set(split.seen) & set(split.unseen)
    for counts in (split.photos_per_class, split.sketches_per_class):
        assert not counts or sorted(counts) == split.unseen


def test_published_counts() -> None:
    assert sum(load_split("sketchy").sketches_per_class.values()) == 12_694
    assert sum(load_split("tuberlin").photos_per_class.values()) == 27_989
    assert sum(load_split("tuberlin").sketches_per_class.values()) == 2_400


@pytest.mark.parametrize(("dataset", "name"), [("imagenet", None), ("sketchy", "paper22")])
def test_a_wrong_name_gets_the_right_ones(dataset: str, name: str | None) -> None:
    with pytest.raises(UsageError, match=r"use (sketchy, tuberlin|paper21, zsih25)"):
        load_split(dataset, name)


def test_a_published_list_that_counts_photos_twice_gives_the_real_gallery() -> None:
    split = load_split("sketchy")
    assert (split.queries, split.gallery_size) == (12_694, 10_453)
    assert load_split("tuberlin").gallery_size == 27_989
    assert load_split("sketchy", "zsih25").gallery_size == 0


def test_a_folder_is_read_in_the_byte_order_of_its_paths(tmp_path: Path) -> None:
    data = read_dataset(make_tree(tmp_path, {"dog": (2, 3), "cat": (1, 2)}))
    assert [p.relative_to(tmp_path).as_posix() for p in data.sketches] == [
        "sketch/cat/a-1.png",
        "sketch/dog/a-1.png",
        "sketch/dog/b-1.png",
    ]
    assert data.sketch_classes == ["cat", "dog", "dog"]
    assert data.photo_classes == ["cat"] * 2 + ["dog"] * 3
    assert data.own_photo == [0, 2, 3]
    assert data.classes == ["cat", "dog"] and data.warnings == []


def test_a_part_keeps_each_sketch_with_its_photo(tmp_path: Path) -> None:
    whole = read_dataset(make_tree(tmp_path, {"dog": (2, 3), "cat": (1, 2), "ant": (1, 1)}))
    part = whole.only(["dog"])
    assert part.own_photo == [0, 1] and len(part.photos) == 3
    assert part.keep([1], [0, 2]).own_photo == [None]
    assert part.keep([1], [1, 2]).own_photo == [0]


def test_the_manifest_tells_the_same_files_from_others(tmp_path: Path) -> None:
    one, two = (
        read_dataset(make_tree(tmp_path / n, {"dog": (1, 2)})).manifest() for n in ("1", "2")
    )
    assert one == two and (one["sketches"], one["photos"], one["classes"]) == (1, 2, ["dog"])
    draw_photo(tmp_path / "2" / "photo" / "dog" / "z.jpg")
    assert read_dataset(tmp_path / "2").manifest()["files_sha256"] != one["files_sha256"]


def test_class_names_are_matched_as_they_are_spelled(tmp_path: Path) -> None:
    make_tree(tmp_path, {"Hot-air balloon": (1, 0), "hot_air_balloon": (0, 1), "BAT": (1, 1)})
    data = read_dataset(tmp_path, "sketchy")
    assert data.classes == ["bat", "hot-air_balloon"]
    assert resolve_split(data, None).unseen == ["bat"]
    assert resolve_split(data, None).seen == ["hot-air_balloon"]


def test_two_spellings_on_one_side_are_refused(tmp_path: Path) -> None:
    make_tree(tmp_path, {"hot dog": (1, 1), "hot-dog": (1, 1)})
    with pytest.raises(SbirError, match="`hot dog` and `hot-dog` are spellings of one class"):
        read_dataset(tmp_path)


def test_sketchy_s_release_with_its_folders_of_scaled_copies(tmp_path: Path) -> None:
    for side, suffix in (("sketch", "png"), ("photo", "jpg")):
        for copy in ("tx_000000000000", "tx_000100000000"):
            draw_photo(tmp_path / side / copy / "bat" / f"n1_2{'-3' * (side == 'sketch')}.{suffix}")
    data = read_dataset(tmp_path, "sketchy")
    assert (len(data.sketches), len(data.photos), data.own_photo) == (1, 1, [0])


def test_pairs_by_name(tmp_path: Path) -> None:
    for name in ("n1_2.jpg", "n1_3.jpg", "x_1.jpg"):
        draw_photo(tmp_path / "photo" / "bat" / name)
    folder = tmp_path / "sketch" / "bat"
    folder.mkdir(parents=True)
    for name in ("n1_2-1.png", "n1_3.png", "n1_9-1.png", "x_1.png"):
        draw_sketch(folder / name)
    assert read_dataset(tmp_path).own_photo == [0, 1, None, 2]
    assert read_dataset(tmp_path, "sketchy").own_photo == [0, 1, None, 2]
    assert read_dataset(tmp_path).warnings == [
        "1 sketches whose own photo is missing (first: sketch/bat/n1_9-1.png)"
    ]


def test_pairs_by_a_list(tmp_path: Path) -> None:
    make_tree(tmp_path, {"bat": (2, 2)})
    pairs = "sketch,photo\nsketch/bat/a-1.svg,photo/bat/b.jpg\nsketch/bat/b-1.png,photo/bat/x.jpg\n"
    (tmp_path / "pairs.csv").write_text(pairs)
    assert read_dataset(tmp_path).own_photo == [1, None]
    (tmp_path / "pairs.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SbirError, match="begin it with `sketch,photo`"):
        read_dataset(tmp_path)


def test_a_drawing_that_is_there_twice_is_taken_once(tmp_path: Path) -> None:
    make_tree(tmp_path, {"bat": (2, 2)})
    (tmp_path / "sketch" / "bat" / "a-1.svg").write_text(SVG.format(y=3))
    assert [p.name for p in read_dataset(tmp_path).sketches] == ["a-1.png", "b-1.png"]
    assert [p.name for p in read_dataset(tmp_path, vector=True).sketches] == ["a-1.svg"]
    with pytest.raises(SbirError, match="no vector drawing"):
        read_dataset(make_tree(tmp_path / "x", {"bat": (1, 1)}), vector=True)


def test_every_line_of_an_ndjson_file_is_a_sketch(tmp_path: Path) -> None:
    make_tree(tmp_path, {"bat": (0, 1), "cow": (0, 1)})
    (tmp_path / "sketch" / "bat").mkdir(parents=True)
    (tmp_path / "sketch" / "bat" / "all.ndjson").write_text('{"a": 1}\n\n{"a": 3}\n')
    (tmp_path / "sketch" / "cow.ndjson").write_text('{"b": 1}\n')
    data = read_dataset(tmp_path)
    assert [p.name for p in data.sketches] == ["all.ndjson#1", "all.ndjson#3", "cow.ndjson"]
    assert data.sketch_classes == ["bat", "bat", "cow"]
    lines = [drawing_bytes(path) for path in data.sketches]
    assert lines == [b'{"a": 1}\n', b'{"a": 3}\n', b'{"b": 1}\n']
    with pytest.raises(ImageError, match="no such line"):
        drawing_bytes(tmp_path / "sketch" / "bat" / "all.ndjson#9")


def test_classes_without_a_partner_are_told(tmp_path: Path) -> None:
    data = read_dataset(make_tree(tmp_path, {"bat": (1, 1), "cow": (0, 1), "ant": (1, 0)}))
    assert data.classes == ["bat"]
    assert data.warnings[:2] == ["1 class (ant) without photos", "1 class (cow) without sketches"]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({}, "no such folder"),
        ({"bat": (1, 0)}, "there is no folder of photos in it: found sketch/; --dataset folder"),
        ({"bat": (0, 1)}, "there is no folder of sketches in it: found photo/; --dataset"),
        ({"bat": (0, 1), "cow": (1, 0)}, "no class has both"),
    ],
)
def test_a_wrong_tree_gets_one_sentence(
    tmp_path: Path, classes: dict[str, tuple[int, int]], message: str
) -> None:
    with pytest.raises(SbirError, match=message):
        read_dataset(make_tree(tmp_path / "data", classes))


def test_empty_sides_and_unknown_data_sets(tmp_path: Path) -> None:
    make_tree(tmp_path, {"bat": (0, 1)})
    (tmp_path / "sketch" / "bat").mkdir(parents=True)
    with pytest.raises(SbirError, match=r"no class folder with a sketch in it: found bat/; lay it"):
        read_dataset(tmp_path)
    with pytest.raises(UsageError, match="use folder, sketchy"):
        read_dataset(tmp_path, "imagenet")


def test_split_files(tmp_path: Path) -> None:
    data = read_dataset(make_tree(tmp_path, {"bat": (1, 1), "wine glass": (1, 1), "ant": (1, 1)}))
    assert resolve_split(data, None).unseen == ["ant", "bat", "wine glass"]
    file = tmp_path / "s.json"
    for content, seen, unseen in (
        ('{"unseen": ["Wine_Glass"]}', ["ant", "bat"], ["wine glass"]),
        ('{"unseen": ["bat"], "seen": ["ant"]}', ["ant"], ["bat"]),
    ):
        file.write_text(content)
        split = resolve_split(data, file)
        assert (split.seen, split.unseen, split.name) == (seen, unseen, "s.json")
    file.write_bytes('{"unseen": ["bat"]}'.encode("utf-16"))  # as Windows writes it
    assert resolve_split(data, file).unseen == ["bat"]
    for content, message in (
        ('{"unseen": ["bat", "emu", "yak"]}', r"names 2 classes \(emu, yak\) not in"),
        ('{"unseen": ["bat"], "seen": ["bat"]}', "both seen and unseen"),
        ('{"unseen": []}', "no unseen class"),
        ('{"unseen": [1]}', "not a split"),
        ("[]", "not a split"),
        ("{", "not a split"),
    ):
        file.write_text(content)
        with pytest.raises(SbirError, match=message):
            resolve_split(data, str(file))
    with pytest.raises(SbirError, match="cannot be read"):
        resolve_split(data, tmp_path / "none.json")


def test_published_splits_need_their_data_set(tmp_path: Path) -> None:
    make_tree(tmp_path, {"ant": (1, 1)})
    with pytest.raises(UsageError, match="a plain folder has no published split `paper21`"):
        resolve_split(read_dataset(tmp_path), "paper21")
    with pytest.raises(UsageError, match="use paper21, zsih25"):
        resolve_split(read_dataset(tmp_path, "sketchy"), "paper22")
    with pytest.raises(SbirError, match="none of the 21 unseen classes of sketchy paper21"):
        resolve_split(read_dataset(tmp_path, "sketchy"), None)
