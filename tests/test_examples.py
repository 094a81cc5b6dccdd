"""The short examples that a user copies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
KINDS = ("guitar", "teapot")
pytestmark = pytest.mark.slow


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A folder like examples/ with two kinds of things."""
    for side in ("photos", "sketches"):
        for kind in KINDS:
            shutil.copytree(EXAMPLES / side / kind, tmp_path / side / kind)
    return tmp_path


def test_the_pipeline_copies_the_best_photos_of_each_drawing(few: Path) -> None:
    drawings = few / "my drawings"
    drawings.mkdir()
    for kind in KINDS:
        shutil.copy(few / "sketches" / kind / f"{kind}_1.svg", drawings / f"a {kind}.svg")
    (few / "photos" / "broken.jpg").write_text("no photo")
    (few / "bin").mkdir()
    (few / "bin" / "sbir").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sbir_cli "$@"\n')
    (few / "bin" / "sbir").chmod(0o755)
    subprocess.run(
        ["sh", str(EXAMPLES / "find_photos.sh"), "photos", "my drawings", "found"],
        cwd=few,
        env={
            **os.environ,
            "PATH": f"{few / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(EXAMPLES.parent),
        },
        check=True,
    )
    for kind in KINDS:
        copied = [path.name for path in (few / "found" / f"a {kind}").iterdir()]
        assert len(copied) == 5 and sum(name.startswith(kind) for name in copied) >= 4


def test_the_notebook_runs(
    few: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = json.loads((EXAMPLES / "find_photos.ipynb").read_text("utf-8"))
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert all(not c.get("outputs") for c in notebook["cells"])
    monkeypatch.chdir(few)
    names: dict[str, object] = {}
    exec(cells[0], names)
    assert "data:image/jpeg" in eval(cells[1], names)._repr_html_()
    exec(cells[2], names)
    assert capsys.readouterr().out == "6 of 6 drawings\n"
