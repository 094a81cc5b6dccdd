from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sbir_cli.cli import app
from sbir_cli.encoder import load_encoder
from sbir_cli.gallery import update_gallery
from sbir_cli.imaging.images import find_photos
from tests.fakes import draw_photo, draw_sketch

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
NAMES = ["plain.jpg", "a b.jpg", "line\nbreak.jpg", "[bold]x[/bold].png", "-dash.jpg"]


def command(*args: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "sbir_cli", *args]


def environment(**variables: str) -> dict[str, str]:
    """The user's environment without anything that would steer sbir or its look, and no cache."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SBIR_")}
    return {
        **kept,
        "SBIR_CACHE": "none",
        "COLUMNS": "100",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        **variables,
    }


@pytest.fixture(scope="session")
def sbir() -> Run:
    """Run `sbir ARGS` as a process; stdout and stderr as bytes."""

    def run(*args: str | Path, env: dict[str, str] | None = None, **options: Any) -> Any:
        return subprocess.run(
            command(*args),
            capture_output=True,
            env=environment(**(env or {})),
            timeout=120,
            check=False,
            **options,
        )

    return run


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `sbir ARGS` here, without a process; options and result as those of `sbir`."""
    for name in [name for name in os.environ if name.startswith("SBIR_")]:
        monkeypatch.delenv(name)

    def run(*args: str | Path, **options: Any) -> Any:
        if "cwd" in options:
            monkeypatch.chdir(options["cwd"])
        done = CliRunner().invoke(
            app,
            [str(arg) for arg in args],
            input=options.get("input"),
            env={"SBIR_CACHE": "none", "COLUMNS": "100", **options.get("env", {})},
        )
        arguments = [str(arg) for arg in args]
        return subprocess.CompletedProcess(
            arguments, done.exit_code, done.stdout_bytes, done.stderr_bytes
        )

    return run


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `photos/` of awkward names, `idx.faiss` of them and a `sketch.png`."""
    home = tmp_path_factory.mktemp("gallery")
    for seed, name in enumerate([*NAMES, os.fsdecode(b"latin-\xe9.jpg")]):
        draw_photo(home / "photos" / name, seed=seed)
    draw_sketch(home / "sketch.png")
    update_gallery(home / "idx.faiss", find_photos([home / "photos"]), load_encoder(None, "cpu"))
    return home
