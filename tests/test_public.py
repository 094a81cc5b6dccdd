"""What a program imports, and the example that README shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sbir_cli
from tests.fakes import draw_sketch

REPOSITORY = Path(__file__).parents[1]


def test_every_public_name_is_there_and_no_other() -> None:
    for name in sbir_cli.__all__:
        assert getattr(sbir_cli, name) is not None
    assert set(sbir_cli.__all__) <= set(dir(sbir_cli))
    with pytest.raises(AttributeError, match="no attribute 'Seracher'"):
        _ = sbir_cli.Seracher


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, sbir_cli; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "faiss", "numpy", "PIL", "typer"} & set(out.stdout.split())


def _example() -> str:
    (code,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    return str(code)


def test_the_readme_example_is_short() -> None:
    assert len([line for line in _example().splitlines() if line.strip()]) <= 6


@pytest.mark.slow
def test_the_readme_example_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("teapot", "guitar"):
        shutil.copytree(REPOSITORY / "examples" / "photos" / name, tmp_path / "photos" / name)
    shutil.copy(REPOSITORY / "examples/sketches/teapot/teapot_1.png", tmp_path / "sketch.png")
    monkeypatch.chdir(tmp_path)
    exec(compile(_example(), "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [str(rank) for rank in range(1, 11)]
    assert Path(lines[0].split(maxsplit=2)[2]).parent.name == "teapot"


@pytest.mark.slow
def test_a_notebook_cell_that_ends_with_a_search_shows_pictures() -> None:
    with sbir_cli.Searcher.open() as searcher:  # the prebuilt gallery
        shown = searcher.search(draw_sketch(), top=3)._repr_html_()
    assert shown.count("data:image/jpeg;base64,") == 3
