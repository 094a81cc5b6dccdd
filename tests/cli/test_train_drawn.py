"""`sbir train` on plain photos and named drawings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Run
from tests.datasets.test_photo_sets import photo, screenshot

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_photos_alone_teach_prompts_that_the_plain_gallery_serves(
    call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sbir_cli.training.drawn.elsewhere._EACH", 1)
    root, out, index = tmp_path / "photos", tmp_path / "c", tmp_path / "idx.faiss"
    for i, path in enumerate(sorted((EXAMPLES / "photos").rglob("*_1.jpg"))[:24]):
        (root / path.name).parent.mkdir(exist_ok=True)
        (root / f"{i}.jpg").write_bytes(path.read_bytes())
    (root / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    assert call("embed-gallery", root, "-o", index, "-m", "sbir-mini", "-q").returncode == 3
    few = ("--epochs", "1", "--batch-size", "9", "--drawings-per-photo", "2")
    named = ("--drawings", EXAMPLES / "sketches", "--seed", "2")

    done = call("train", root, *named, *few, "-o", out)

    text = done.stderr.decode()
    assert done.returncode == 3 and done.stdout == b"" and "Traceback" not in text, text
    assert "broken.jpg" in text and "held-out photos and drawings of 3 held-out classes" in text
    training = json.loads((out / "config.json").read_text())["training"]
    assert training["config"]["branch"] == "sketch"
    assert training["plain"] is ("keeps the plain branch" in text)
    assert training["plain"] is ("; of example photos: mAP" not in text)
    assert training["elsewhere"]["before_training"] > 0
    sketch = next((EXAMPLES / "sketches").rglob("*.png"))
    answer = call("query", sketch, "-i", index, "-m", out, "--top", "3", "--format", "paths")
    assert answer.returncode == 0 and answer.stdout.count(b"\n") == 3, answer.stderr


def test_the_drawings_are_shown_and_nothing_is_trained(call: Run, tmp_path: Path) -> None:
    for seed in range(22):
        photo(tmp_path / "p" / f"{seed}.png", seed, size=40)
    example = EXAMPLES / "photos" / "cup" / "cup_1.jpg"
    (tmp_path / "p" / "cup.jpg").write_bytes(example.read_bytes())
    first, again = tmp_path / "a" / "sheet.png", tmp_path / "b.png"
    for file in (first, again):
        done = call("train", tmp_path / "p", "--dataset", "photos", "--show-drawings", file)
        assert done.returncode == 0, done.stderr
    assert first.read_bytes() == again.read_bytes()
    with Image.open(first) as sheet:
        assert sheet.width == 5 * 168 + 8


def test_bad_input_is_one_sentence(call: Run, tmp_path: Path) -> None:
    photo(tmp_path / "few" / "a.png", 1)
    for i in range(24):
        screenshot(tmp_path / "screens" / f"{i}.png", i)
        photo(tmp_path / "burst" / f"{i}.png", 1, i % 3)
    (tmp_path / "empty").mkdir()
    (tmp_path / "one" / "cat").mkdir(parents=True)
    Image.new("L", (9, 9)).save(tmp_path / "one" / "cat" / "1.png")

    def refuse(code: int, words: str, *args: str | Path) -> None:
        done = call("train", *args, "-o", tmp_path / "c")
        text = done.stderr.decode()
        assert done.returncode == code and words in " ".join(text.split()), text
        assert "Traceback" not in text and not (tmp_path / "c").exists()

    photos = ("--dataset", "photos")
    refuse(1, "no photo found", tmp_path / "empty", *photos)
    refuse(1, "too few to learn from", tmp_path / "few", *photos)
    refuse(1, "near-duplicates of", tmp_path / "burst", *photos)
    refuse(1, "screenshots or graphics", tmp_path / "screens", *photos)
    refuse(1, "no such file or directory", tmp_path / "nowhere", *photos)
    refuse(1, "at least 2 classes are needed", tmp_path / "one", "--dataset", "drawings")
    refuse(2, "name DATA", *photos)
    refuse(2, "--task fine-grained", tmp_path / "few", *photos, "--task", "fine-grained")
    refuse(
        2,
        "--split, --margin: not with",
        tmp_path / "few",
        *photos,
        "--margin",
        "0.1",
        "--split",
        "x",
    )
    refuse(2, "add --dataset photos", tmp_path / "few", "--show-drawings", tmp_path / "s.png")
    refuse(
        2, "not with --dataset sketchy", tmp_path, "--drawings", tmp_path, "--dataset", "sketchy"
    )
