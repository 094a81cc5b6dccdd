"""A tree beside its publication."""

from __future__ import annotations

import json
from pathlib import Path

from sbir_cli.datasets import check, load_split, read_dataset, resolve_split
from sbir_cli.datasets.check import Count
from sbir_cli.datasets.published import published_totals
from tests.datasets.layouts import LAYOUTS, make_layout, touch


def test_published_totals() -> None:
    sketchy = published_totals("sketchy")
    assert (sketchy.classes, sketchy.sketches, sketchy.photos) == (125, 75_471, 73_002)
    assert sketchy.paired_photos == 12_500 and not sketchy.rounded
    assert published_totals("tuberlin").photos == 204_489
    assert published_totals("quickdraw").rounded


def test_round_numbers_are_met_nearly() -> None:
    assert Count("x", 332_371, 330_000, rounded=True).as_published
    assert not Count("x", 92_291, 330_000, rounded=True).as_published
    assert not Count("x", 73_003, 73_002).as_published
    assert Count("x", 5).as_published


def test_a_small_tree_is_told_from_the_published_one(tmp_path: Path) -> None:
    data = read_dataset(make_layout(tmp_path, LAYOUTS["sketchy, extended"]), "sketchy")
    touch(tmp_path, "256x256/sketch/tx_000000000000/dragon/n0_1-1.png")
    data = read_dataset(tmp_path, "sketchy")
    found = check(data, resolve_split(data, None))
    counts = {count.what: (count.found, count.published) for count in found.counts}
    assert counts == {
        "classes": (2, 125),
        "sketches": (5, 75_471),
        "photos": (8, 73_002),
        "photos, original": (4, 12_500),
        "photos that sketches were drawn from": (4, 12_500),
        "sketches whose own photo is there": (4, 75_471),
        "seen classes": (0, None),
        "unseen classes": (2, 21),
        "unseen sketches, the queries": (4, 12_694),
        "unseen photos, the gallery": (8, 10_453),
    }
    assert found.folders["photo"] == ["256x256/photo/tx_000000000000", "EXTEND_image_sketchy"]
    assert not found.as_published and len(found.classes) == 2 * 21
    assert found.notes[0] == "4 photos are in both photo folders and are counted once".replace(
        "4", "2"
    )
    assert "1 class (dragon) not among the published ones" in found.notes
    assert any(note.startswith("123 classes") for note in found.notes)
    assert json.loads(json.dumps(found.as_dict()))["schema"] == 1


def test_a_whole_split_is_as_published(tmp_path: Path) -> None:
    split = load_split("sketchy")
    for name, sketches in split.sketches_per_class.items():
        touch(tmp_path, *(f"sketch/{name}/n0_{i}-1.png" for i in range(sketches)))
        photos = split.different_photos_per_class[name]
        touch(tmp_path, *(f"photo/{name}/n0_{i}.jpg" for i in range(100)))
        touch(tmp_path, *(f"extended_photo/{name}/n0_{i}.jpg" for i in range(100)))
        touch(tmp_path, *(f"extended_photo/{name}/ext_{i}.jpg" for i in range(photos - 100)))
    data = read_dataset(tmp_path, "sketchy")
    found = check(data, resolve_split(data, None))
    assert not found.classes
    counts = {count.what: count for count in found.counts}
    assert counts["unseen photos, the gallery"].found == 10_453
    assert all(counts[what].as_published for what in counts if what.startswith("unseen"))


def test_a_plain_folder_has_nothing_to_differ_from(tmp_path: Path) -> None:
    data = read_dataset(touch(tmp_path, "sketch/ant/a-1.png", "photo/ant/a.jpg"))
    found = check(data, resolve_split(data, None))
    assert found.as_published and {c.published for c in found.counts} == {None}
