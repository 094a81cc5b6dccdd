"""`sbir evaluate`: in process over a stand-in encoder, and as processes over the bundled model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sbir_cli.cli import app
from tests.cli.conftest import Run
from tests.fakes import FakeEncoder
from tests.trees import make_tree

Evaluate = Callable[..., Result]
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "data", {"ant": (3, 4), "bat": (2, 3)})


@pytest.fixture
def evaluate(monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """`sbir evaluate ARGS` with a stand-in for the model."""
    monkeypatch.setattr("sbir_cli.encoder.load_encoder", lambda name, device: FakeEncoder())

    def run(*args: str | Path, env: dict[str, str] | None = None) -> Result:
        return CliRunner().invoke(app, ["evaluate", *map(str, args)], env=env)

    return run


def test_into_a_pipe_comes_json_and_notes_go_to_stderr(evaluate: Evaluate, data: Path) -> None:
    done = evaluate(data)
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert (report["schema"], report["queries"], report["gallery"]) == (1, 5, 7)
    assert done.stderr.startswith("model fake on nowhere\nnote: P@100, P@200 by k cannot")
    assert evaluate(data, "--quiet").stderr == ""


def test_the_table_and_the_report_file(evaluate: Evaluate, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    done = evaluate(data, "--format", "table", "--per-class", "-o", out, "--k", "2,3")
    assert "mAP@2 " in done.stdout and "P@3 " in done.stdout and "bat" in done.stdout
    assert json.loads(out.read_text())["headline"]["name"] == "mAP@2"
    assert "bat" not in evaluate(data, "--format", "table").stdout
    inside = tmp_path / "new" / "r.json"
    assert evaluate(data, "-o", inside, "--trec-run", inside.parent / "run").exit_code == 0
    assert json.loads(inside.read_text()) and (inside.parent / "run").stat().st_size


def test_every_option_is_a_variable_too(evaluate: Evaluate, data: Path) -> None:
    variables = {"SBIR_TASK": "fine-grained", "SBIR_K": "1,2", "SBIR_BOOTSTRAP_SEED": "7"}
    report = json.loads(evaluate(data, env=variables).stdout)
    assert [v["name"] for v in report["values"]] == ["Acc@1", "Acc@2"] and report["seed"] == 7


def test_our_own_run_file_scores_the_same(evaluate: Evaluate, data: Path, tmp_path: Path) -> None:
    run, qrels = tmp_path / "ours.run", tmp_path / "ours.qrels"
    first = json.loads(evaluate(data, "--trec-run", run, "--trec-qrels", qrels).stdout)
    second = json.loads(evaluate("--run", run, "--qrels", qrels).stdout)
    assert [v["value"] for v in first["values"]] == pytest.approx(
        [v["value"] for v in second["values"]]
    )
    done = evaluate(data, "--trec-run", run, "--trec-depth", "3")
    assert "holds the first 3 of 7 photos a sketch" in done.stderr
    assert len(run.read_text().splitlines()) == 15


def test_unreadable_images_are_named_and_exit_with_3(evaluate: Evaluate, data: Path) -> None:
    (data / "photo" / "ant" / "b.jpg").write_bytes(b"")
    done = evaluate(data)
    assert done.exit_code == 3 and "skipped photo/ant/b.jpg: empty file" in done.stderr
    assert json.loads(done.stdout)["gallery"] == 6


def test_partial_and_grid(evaluate: Evaluate, tmp_path: Path) -> None:
    root = make_tree(tmp_path / "data", {"ant": (2, 2)}, vector=True)
    page = tmp_path / "grid.html"
    done = evaluate(root, "--partial", "10,100", "--grid", page)
    assert [part["share"] for part in json.loads(done.stdout)["partial"]] == [0.1, 1.0]
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ([], 2, "name DATA, or --run with --qrels"),
        (["--run", "x"], 2, "name DATA, or --run with --qrels"),
        (["DATA", "--run", "x", "--qrels", "y"], 2, "name DATA, or --run"),
        (["--run", "x", "--qrels", "y", "--partial", "10"], 2, "--run is scored as it is"),
        (["--run", "x", "--qrels", "y"], 1, "cannot be read"),
        (["nowhere"], 1, "nowhere: no such folder; check the name"),
        (["DATA", "--k", "ten"], 2, "--k takes numbers like 10,25,100, not `ten`"),
        (["DATA", "--partial", "0,50"], 2, "--partial takes percentages above 0"),
        (["DATA", "--partial", "50"], 1, "no vector drawing"),
        (["DATA", "--split", "paper21"], 2, "a plain folder has no published split"),
        (["DATA", "--dataset", "sketchy", "--split", "x"], 2, "sketchy has no split `x`; use"),
        (["DATA", "--generalized"], 2, "needs a split with seen classes"),
        (["DATA", "--trec-depth", "0"], 2, "--trec-depth must be at least 1"),
        (["DATA", "--trec-run", "README.md/run"], 1, "README.md/run: cannot be written"),
        (["DATA", "--grid", "README.md/page"], 1, "cannot be written"),
        (["DATA", "--task", "all"], 2, "Invalid value"),
    ],
)
def test_what_is_wrong_gets_one_sentence_and_no_output(
    evaluate: Evaluate, data: Path, args: list[str], code: int, message: str
) -> None:
    done = evaluate(*(data if arg == "DATA" else arg for arg in args))
    assert done.exit_code == code and done.stdout == ""
    assert message in " ".join(done.stderr.split()) and "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_bundled_model_beats_chance_on_the_examples(sbir: Run, tmp_path: Path) -> None:
    args = ("evaluate", EXAMPLES, "--k", "6", "--partial", "20,100", "-o", tmp_path / "r.json")
    done = sbir(*args, "--format", "table")
    assert done.returncode == 0 and b"mAP@6" in done.stdout and b"\x1b" not in done.stdout
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["queries"], report["gallery"], report["classes"]) == (102, 272, 34)
    found = {v["name"]: v["value"] for v in report["values"] if v["protocol"] in ("voc", "k")}
    assert found["P@6"] > 3 / 34  # chance is 1 of 34 classes
    assert report["partial"][0]["values"][0]["value"] < report["headline"]["value"]
    assert report["model"] == "sbir-mini/sketch"


@pytest.mark.slow
def test_sketchy_runs_as_it_is(call: Run, sketchy25: Path) -> None:
    done = call("evaluate", sketchy25, "--dataset", "sketchy")
    report = json.loads(done.stdout)
    assert (report["queries"], report["gallery"], report["classes"]) == (525, 525, 21)
    assert b"12,694 queries expected for sketchy paper21, found 525" in done.stderr
    assert report["headline"]["value"] > 2 / 21
