"""`sbir train`: from a folder of sketches and photos to an answered query."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sbir_cli.cli import app
from tests.cli.conftest import Run, command, environment
from tests.encoder.conftest import MakeModel, make_model
from tests.training.conftest import draw_classes

__all__ = ["make_model"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tiny(make_model: MakeModel) -> str:
    return f"local-dir:{make_model()}"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return draw_classes(tmp_path / "data")


def test_train_embed_query_with_every_kind_of_checkpoint(
    sbir: Run, data: Path, tmp_path: Path, tiny: str
) -> None:
    (data / "photo" / "class_1" / "p1.jpg").write_text("no photo")
    out, index = tmp_path / "checkpoint", tmp_path / "idx.faiss"
    options = ("--model", tiny, "--epochs", "2", "--batch-size", "8", "--held-out", "0.34")

    done = sbir("train", data, "-o", out, *options)

    text = done.stderr.decode()
    assert done.returncode == 3 and done.stdout == b"", text  # a photo was skipped
    assert "p1.jpg: not an image" in text and "\r" not in text and "Warning" not in text
    assert "mAP@all of held-out seen classes" in text and "of 2 kept; 1 skipped" in text
    names = {path.name for path in out.iterdir()} - {".lock"}
    assert names == {
        *("branches.safetensors", "config.json", "sketch.onnx"),
        *("history.csv", "history.png", "resume.safetensors"),
    }
    config = json.loads((out / "config.json").read_text())
    assert config["training"]["unreadable"] == 1 and config["training"]["method"] == "prompt"
    assert sbir("embed-gallery", data / "photo", "-o", index, "-m", out, "-q").returncode == 3
    sketch = data / "sketch" / "class_0" / "p0-0.png"
    answer = sbir("query", sketch, "-i", index, "--top", "3")
    assert answer.returncode == 0 and answer.stdout.count(b"\n") == 3
    assert b"on cpu (exported graph)" in answer.stderr
    again = sbir("train", data, "-o", out, *options)
    assert again.returncode == 1 and b"go on with it (--resume)" in again.stderr


def test_prompts_of_the_sketch_branch_alone_search_the_gallery_of_the_plain_model(
    data: Path, tmp_path: Path, tiny: str
) -> None:
    def sbir(*args: str | Path) -> Result:
        return CliRunner().invoke(app, [*map(str, args)])

    index, sketch = tmp_path / "idx.faiss", data / "sketch" / "class_0" / "p0-0.png"
    assert sbir("embed-gallery", data / "photo", "-o", index, "-m", tiny, "-q").exit_code == 0
    before = index.read_bytes()
    options = ("-m", tiny, "--epochs", "1", "--batch-size", "8", "--prompt-lr", "0.1", "-q")
    for branch in ("sketch", "both"):
        done = sbir("train", data, "-o", tmp_path / branch, "--branch", branch, *options)
        assert done.exit_code == 0, done.output
    plain, found = (
        sbir("query", sketch, "-i", index, "-f", "csv", "-q", "-m", model)
        for model in (tiny, tmp_path / "sketch")
    )
    assert plain.exit_code == found.exit_code == 0, found.output
    assert plain.stdout != found.stdout
    refused = sbir("query", sketch, "-i", index, "-m", tmp_path / "both")
    assert refused.exit_code == 4 and "--rebuild` mends it" in refused.stderr
    update = sbir("embed-gallery", data / "photo", "-o", index, "-m", tmp_path / "sketch")
    assert update.exit_code == 0 and "0 embedded" in update.stderr, update.output
    assert index.read_bytes() == before
    # it stays the plain model's, which is what a query without --model takes
    assert sbir("query", sketch, "-i", index, "-f", "csv", "-q").stdout == plain.stdout


def test_interrupted_it_exits_with_130_and_resumes(
    sbir: Run, data: Path, tmp_path: Path, tiny: str
) -> None:
    out = tmp_path / "c"
    options = ("--model", tiny, "--batch-size", "4", "--seed", "3", "--task", "fine-grained")
    more = ("--instances", "2", "--method", "cond", "--held-out", "0")
    args = command("train", data, "-o", out, *options, *more, "--epochs", "4000")
    run = subprocess.Popen(args, env=environment(), stderr=subprocess.PIPE)
    while not (out / "resume.safetensors").exists():
        assert run.poll() is None
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=120)
    assert run.returncode == 130 and b"Traceback" not in stderr
    assert b"the same command with --resume goes on where it stopped" in stderr
    rows = (out / "history.csv").read_text().count("\n") if (out / "history.csv").exists() else 2
    done = sbir("train", data, "-o", out, *options, *more, "--epochs", str(rows + 1), "--resume")
    assert done.returncode == 0, done.stderr
    assert (out / "history.csv").read_text().count("\n") >= rows + 2


@pytest.mark.parametrize(
    ("remove", "message"),
    [
        ("sketch", b"there is no folder of sketches in it"),
        ("photo", b"there is no folder of photos in it"),
    ],
)
def test_a_missing_side_is_one_sentence(
    call: Run, data: Path, tmp_path: Path, remove: str, message: bytes
) -> None:
    (data / remove).rename(data / "elsewhere")
    done = call("train", data, "-o", tmp_path / "c")
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1 and message in done.stderr
    assert not (tmp_path / "c").exists()


def test_usage_errors_exit_with_2(call: Run, data: Path, tmp_path: Path) -> None:
    for args in (
        ("--epochs", "0"),
        ("--method", "magic"),
        ("--task", "fine-grained", "--batch-size", "10"),
        ("--margin", "3"),
        ("--split", "paper21"),
    ):
        done = call("train", data, "-o", tmp_path / "c", *args)
        assert done.returncode == 2 and done.stdout == b"", (args, done.stderr)
        assert b"Traceback" not in done.stderr
