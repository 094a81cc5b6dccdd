"""The wheel alone, installed elsewhere, answers a query: no network, no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sbir_cli.storage import resources

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[1]
NO_NETWORK = """
import socket
def refuse(*args): raise OSError("this test has no network")
socket.socket.connect = socket.getaddrinfo = refuse
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = ["wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(REPOSITORY)]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True)
    return next(folder.glob("sbir-*.whl"))


def test_it_holds_the_model_the_prebuilt_index_its_photos_and_the_splits(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    model, bundled = "sbir_cli/models/sbir-mini", "sbir_cli/bundled"
    for name in (
        *(f"{model}/{n}" for n in ("open_clip_config.json", "open_clip_model.safetensors")),
        *(f"{model}/{n}" for n in ("sketch.onnx", "README.md")),
        *(f"{model}/sketch/{name}" for name in ("branches.safetensors", "sketch.onnx")),
        *(f"{bundled}/indexes/examples{end}" for end in (".faiss", ".faiss.db")),
        *(f"sbir_cli/datasets/splits/{n}.json" for n in ("sketchy", "tuberlin", "quickdraw")),
        "sbir_cli/py.typed",
    ):
        assert name in names
    assert sum(name.startswith(f"{bundled}/examples/photos/") for name in names) >= 72
    assert wheel.stat().st_size < 28e6


def test_installed_elsewhere_it_answers_without_a_network(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    (site / "sitecustomize.py").write_text(NO_NETWORK)
    sketch = REPOSITORY / "examples" / "sketches" / "teapot" / "teapot_1.svg"
    (tmp_path / "teapot.svg").write_bytes(sketch.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "sbir_cli", "query", "teapot.svg", "--top", "5"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    paths = [tmp_path / line for line in done.stdout.splitlines()]
    assert len(paths) == 5 and all(path.is_file() for path in paths)
    assert str(paths[0].relative_to(tmp_path)).startswith("site/sbir_cli/bundled/examples/photos")


def test_the_bundle_is_small_and_holds_no_third_partys_files() -> None:
    files = resources.bundled_model().rglob("*.safetensors")
    weights = sum(file.stat().st_size for file in files)
    assert weights <= 25e6
