"""The commands that examples/reproduce_paper.py prints, and its small study."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sbir_cli.cli.commands import load_command
from sbir_cli.datasets import load_split
from tests.trees import make_tree

SCRIPT = Path(__file__).parents[1] / "examples" / "reproduce_paper.py"


def _run(*arguments: str | Path) -> str:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_every_command_it_prints_is_understood() -> None:
    printed = [line for line in _run("commands").splitlines() if line.startswith("sbir ")]
    assert len(printed) > 80
    seen = set()
    for line in printed:
        _, name, *arguments = shlex.split(line)
        command = load_command(name)
        with command.make_context(name, arguments) as context:
            seen.add((name, context.params["dataset"], context.params["task"]))
    assert len(seen) == 8  # train and evaluate: three data sets at category level, one fine-grained


@pytest.mark.slow
def test_the_small_study_fills_its_tables(tmp_path: Path) -> None:
    unseen = load_split("sketchy").unseen
    held_out = (
        "axe castle horse motorcycle owl piano pineapple rabbit rifle sailboat shark squirrel"
    )
    classes = dict.fromkeys((*unseen, *held_out.split(), "cat", "cup", "apple"), (1, 2))
    data, out = make_tree(tmp_path / "data", classes), tmp_path / "out"
    study = ("run", data, "-o", out, "--seeds", "1", "--epochs", "1")
    told = _run(*study, "--study", "fraction", "--row", "50 %", "--row", "100 %")
    assert told.count("sbir train") == told.count("sbir evaluate") == 2
    again = _run(*study, "--study", "fraction", "--row", "50 %", "--row", "100 %")
    assert "sbir" not in again
    lines = _run("report", out).splitlines()
    rows = [line for line in lines if line.startswith(("| 50 %", "| 100 %"))]
    assert len(rows) == 2 and all(0 < float(row.split("|")[2]) < 1 for row in rows)
    assert (out / "fraction.png").stat().st_size > 1000
