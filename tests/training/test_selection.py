from __future__ import annotations

import json
from pathlib import Path

import pytest

from sbir_cli.config import Task, TrainConfig
from sbir_cli.datasets import DataSet, read_dataset
from sbir_cli.errors import SbirError, UsageError
from sbir_cli.training.selection import select
from tests.datasets.layouts import touch
from tests.training.conftest import draw_classes


def _split(folder: Path, **classes: list[str]) -> Path:
    path = folder / "split.json"
    path.write_text(json.dumps(classes))
    return path


def test_unseen_and_held_out_classes_take_no_part(data: DataSet, tmp_path: Path) -> None:
    path = _split(tmp_path, unseen=["class_1"])
    choice = select(data, path, TrainConfig(held_out=0.4))
    assert choice.validation is not None and len(choice.validation.classes) == 2
    together = {*choice.train.classes, *choice.validation.classes}
    assert len(choice.train.classes) == 3 and together == set(data.classes) - {"class_1"}
    assert not any("class_1" in str(p) for p in choice.train.sketches + choice.train.photos)


def test_the_held_out_classes_do_not_depend_on_how_many_are_trained_on(data: DataSet) -> None:
    whole, few = (select(data, None, TrainConfig(held_out=0.4, seen_classes=n)) for n in (None, 2))
    assert whole.validation is not None and few.validation is not None
    assert whole.validation.classes == few.validation.classes
    assert len(few.train.classes) == 2 and set(few.train.classes) < set(whole.train.classes)


def test_named_classes_are_held_out_whatever_the_seed(data: DataSet, tmp_path: Path) -> None:
    for seed in (0, 1):
        config = TrainConfig(held_out_classes=("class_4", "class_2"), seed=seed)
        choice = select(data, _split(tmp_path, unseen=["class_1"]), config)
        assert choice.validation is not None
        assert choice.validation.classes == ["class_2", "class_4"]
        assert choice.train.classes == ["class_0", "class_3", "class_5"]
    for few in (("class_2",), ("class_0", "class_2", "class_3", "class_4")):
        with pytest.raises(UsageError, match="name at least 2 classes and leave at least 2"):
            select(
                data,
                _split(tmp_path, unseen=["class_1"]),
                TrainConfig(held_out_classes=few),
            )
    for name in ("class_1", "class_9"):  # unseen, and not there
        with pytest.raises(SbirError, match=f"no seen class that can be used: {name}"):
            select(
                data,
                _split(tmp_path, unseen=["class_1"]),
                TrainConfig(held_out_classes=("class_2", name)),
            )


def test_more_seen_classes_than_there_are_is_a_usage_error(data: DataSet) -> None:
    with pytest.raises(UsageError, match="--seen-classes 9 is more than the 4"):
        select(data, None, TrainConfig(held_out=0.4, seen_classes=9))


def test_too_few_classes_to_hold_any_out_is_noted(data: DataSet) -> None:
    choice = select(data, None, TrainConfig())
    assert choice.validation is None and len(choice.train.classes) == 6
    assert "too few to hold some out" in choice.notes[-1]


@pytest.mark.parametrize("task", ["category", "fine-grained"])
def test_a_fraction_is_taken_from_every_class(tmp_path: Path, task: Task) -> None:
    data = read_dataset(draw_classes(tmp_path, classes=3, photos=8, sketches=1))
    part = select(data, None, TrainConfig(task=task, fraction=0.5)).train
    assert len(part.photos) == 12 and len(part.sketches) == 12
    assert part.classes == data.classes
    assert all(own is not None for own in part.own_photo) or task == "category"


def test_a_class_with_one_photo_has_no_fine_grained_negative(tmp_path: Path) -> None:
    root = draw_classes(tmp_path)
    for name in ("p1", "p2"):
        (root / "photo" / "class_3" / f"{name}.jpg").unlink()
    data = read_dataset(root)
    choice = select(data, None, TrainConfig(task="fine-grained"))
    assert "class_3" not in choice.train.classes
    assert any(
        "want of a second photo, the negative: 1 of 6 classes (class_3)" in note
        for note in choice.notes
    )
    assert "class_3" in select(data, None, TrainConfig()).train.classes


def test_sketches_without_their_photo_are_left_out_and_told(data: DataSet) -> None:
    data.photos[0].unlink()
    choice = select(read_dataset(data.root), None, TrainConfig(task="fine-grained"))
    assert len(choice.train.sketches) == 34
    assert any("whose own photo is missing" in note for note in choice.notes)


def test_no_pair_at_all_is_one_sentence(data: DataSet) -> None:
    for i, photo in enumerate(data.photos):
        photo.rename(photo.with_name(f"other{i}.jpg"))
    with pytest.raises(SbirError, match="no sketch has its own photo there; name sketches after"):
        select(read_dataset(data.root), None, TrainConfig(task="fine-grained"))


def test_a_class_without_a_partner_is_noted(data: DataSet) -> None:
    for path in (data.root / "photo" / "class_0").iterdir():
        path.unlink()
    choice = select(read_dataset(data.root), None, TrainConfig())
    assert any("1 class (class_0) without photos" in note for note in choice.notes)


def test_a_split_that_leaves_one_class_is_refused(data: DataSet, tmp_path: Path) -> None:
    path = _split(tmp_path, unseen=[f"class_{i}" for i in range(5)])
    with pytest.raises(SbirError, match="1 class is left to train on"):
        select(data, path, TrainConfig())


def test_a_split_that_names_classes_that_are_not_there_is_refused(
    data: DataSet, tmp_path: Path
) -> None:
    with pytest.raises(SbirError, match="class_99"):
        select(data, _split(tmp_path, unseen=["class_99"]), TrainConfig())


def test_lists_say_what_is_trained_on(tmp_path: Path) -> None:
    """Exactly the files of the `_train` lists, whatever else lies beside them."""
    names = {"train": ("ant", "bee"), "zero": ("cow",)}
    for name in ("ant", "bee", "cow"):
        touch(tmp_path, *(f"sketches/{name}/{i}.png" for i in range(3)))
        touch(tmp_path, *(f"images/{name}/{i}.jpg" for i in range(3)))
    lists = tmp_path / "lists"
    for part, classes in names.items():
        cname = "cname_cid.txt" if part == "train" else "cname_cid_zero.txt"
        touch(tmp_path, f"lists/{cname}")
        (lists / cname).write_text("".join(f"{n} {i}\n" for i, n in enumerate(classes)))
        for side, folder, suffix in (("sketch", "sketches", "png"), ("photo", "images", "jpg")):
            lines = [
                f"{folder}/{n}/{k}.{suffix} {i}" for i, n in enumerate(classes) for k in (0, 1)
            ]
            (lists / f"{side}_{part}.txt").write_text("\n".join(lines))
    dataset = read_dataset(tmp_path, lists=lists)
    choice = select(dataset, None, TrainConfig(held_out=0))
    assert choice.train.classes == ["ant", "bee"] and choice.split == "lists lists"
    assert [path.name for path in choice.train.photos] == ["0.jpg", "1.jpg"] * 2
    (lists / "photo_train.txt").unlink()
    with pytest.raises(SbirError, match=r"lists of both sides that end in _train\.txt"):
        select(read_dataset(tmp_path, lists=lists), None, TrainConfig(held_out=0))


def test_fine_grained_trains_on_sketchy_s_originals(tmp_path: Path) -> None:
    for name in ("ant", "bee"):
        touch(tmp_path, *(f"sketch/{name}/n0_{i}-1.png" for i in range(2)))
        touch(tmp_path, *(f"photo/{name}/n0_{i}.jpg" for i in range(3)))
        touch(tmp_path, *(f"extended_photo/{name}/{n}.jpg" for n in ("n0_0", "ext_1", "ext_2")))
    dataset = read_dataset(tmp_path, "sketchy")
    split = tmp_path / "split.json"
    split.write_text('{"unseen": ["ant"], "seen": ["bee"]}')
    fine = TrainConfig(task="fine-grained", held_out=0)
    with pytest.raises(SbirError, match="1 class is left"):
        select(dataset, split, fine)
    touch(tmp_path, "sketch/cow/n0_0-1.png", *(f"photo/cow/n0_{i}.jpg" for i in range(2)))
    split.write_text('{"unseen": ["ant"]}')
    choice = select(read_dataset(tmp_path, "sketchy"), split, fine)
    assert (len(choice.train.sketches), len(choice.train.photos)) == (3, 5)
    category = select(read_dataset(tmp_path, "sketchy"), split, TrainConfig(held_out=0))
    assert len(category.train.photos) == 7
