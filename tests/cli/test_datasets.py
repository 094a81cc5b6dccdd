"""`sbir evaluate` and `sbir train` on data sets as they are handed around."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sbir_cli.cli import app
from tests.datasets.layouts import LAYOUTS, Layout, make_layout, touch
from tests.fakes import FakeEncoder, draw_photo, draw_sketch

Command = Callable[..., Result]


@pytest.fixture
def sbir(monkeypatch: pytest.MonkeyPatch) -> Command:
    """`sbir ARGS` with a stand-in for the model."""
    monkeypatch.setattr("sbir_cli.encoder.load_encoder", lambda name, device: FakeEncoder())

    def run(*args: str | Path) -> Result:
        return CliRunner().invoke(app, [*map(str, args)])

    return run


def drawn(root: Path, layout: Layout) -> Path:
    """A layout of real images."""
    for number, name in enumerate(layout.files()):
        path = root / name
        if path.suffix.lower() == ".png":
            path.parent.mkdir(parents=True, exist_ok=True)
            draw_sketch(path, side=48 + number)
        else:
            draw_photo(path, seed=number)
    return root


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_is_evaluated(sbir: Command, tmp_path: Path, layout: Layout) -> None:
    root = drawn(tmp_path, layout)
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"unseen": layout.names}))
    done = sbir("evaluate", root, "--dataset", layout.dataset, "--split", split)
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["queries"], report["gallery"]) == (4, 8 if layout.extended else 4)
    if layout.dataset == "sketchy":
        fine = ("--split", split, "--task", "fine-grained")
        report = json.loads(sbir("evaluate", root, "--dataset", "sketchy", *fine).stdout)
        assert (report["queries"], report["gallery"]) == (4, 4)


def test_check_says_what_a_tree_is_and_stops(sbir: Command, tmp_path: Path) -> None:
    root = make_layout(tmp_path, LAYOUTS["sketchy, extended"])  # empty files: none is opened
    done = sbir("evaluate", root, "--dataset", "sketchy", "--check")
    assert done.exit_code == 3
    found = json.loads(done.stdout)
    assert (found["schema"], found["as_published"], found["split"]) == (1, False, "paper21")
    assert {c["what"]: c["found"] for c in found["counts"]}["photos"] == 8
    assert "note: 2 photos are in both photo folders and are counted once" in done.stderr
    out = tmp_path / "check.json"
    table = sbir(
        "evaluate", root, "--dataset", "sketchy", "--check", "--format", "table", "-o", out
    )
    assert "photo folders: 256x256/photo/tx_000000000000/, EXTEND_image_sketchy/" in table.stdout
    assert "73,002   differs" in table.stdout and json.loads(out.read_text()) == found


def test_check_before_training(sbir: Command, tmp_path: Path) -> None:
    names = ("ant", "bee", "cat", "dog", "emu", "fox")
    for name in names:
        touch(tmp_path, f"sketch/{name}/a-1.png", f"photo/{name}/a.jpg", f"photo/{name}/b.jpg")
    done = sbir("train", tmp_path, "--check", "--held-out-classes", "ant,bee")
    assert done.exit_code == 0 and json.loads(done.stdout)["as_published"]
    assert "it would train on 4 sketches and 8 photos of 4 classes" in done.stderr
    assert "it would validate on 2 sketches and 4 photos of 2 classes" in done.stderr
    assert not list(tmp_path.glob("*.json"))
    done = sbir("train", tmp_path)
    assert done.exit_code == 2 and "name the checkpoint folder (--output)" in done.stderr


def test_folders_named_one_by_one(sbir: Command, tmp_path: Path) -> None:
    root = drawn(tmp_path, LAYOUTS["sem-pcyc"])
    photos = ("--photos", root / "photo", "--photos", root / "extended_photo")
    done = sbir("evaluate", "--sketches", root / "sketch", *photos)
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)  # no data set is named: every photo counts
    assert (report["queries"], report["gallery"]) == (4, 10)
    done = sbir("evaluate", "--sketches", root / "sketch")
    assert done.exit_code == 2 and "name DATA, or both --sketches and --photos" in done.stderr


def test_a_listed_file_that_is_missing_is_skipped_by_name(sbir: Command, tmp_path: Path) -> None:
    root = drawn(tmp_path / "data", LAYOUTS["quickdraw"])
    lists = tmp_path / "zeroshot"
    lists.mkdir()
    (lists / "cname_cid_zero.txt").write_text("palm tree 0\nfire_hydrant 1\n")
    (lists / "sketch_zero.txt").write_text(
        "sketches/palm tree/1.png 0\nsketches/palm tree/9.png 0\nsketches/fire_hydrant/1.png 1\n"
    )
    (lists / "all_photo_zero.txt").write_text(
        "images/palm tree/image_1.jpg 0\nimages/fire_hydrant/image_1.jpg 1\n"
    )
    done = sbir("evaluate", root, "--dataset", "quickdraw", "--lists", lists)
    assert done.exit_code == 3
    assert "palm tree/9.png: listed, but not there" in done.stderr
    assert "3 queries expected for quickdraw lists zeroshot, found 2" in done.stderr
    report = json.loads(done.stdout)
    assert (report["queries"], report["gallery"], len(report["unreadable"])) == (2, 2, 1)
    done = sbir("train", root, "--dataset", "quickdraw", "--lists", lists, "--check")
    assert done.exit_code == 1 and done.stdout == ""
    assert "lists of both sides that end in _train.txt" in done.stderr
