from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def _run(code: str, path: Path | None = None) -> str:
    if path is not None:
        code = f"import sys; sys.path.insert(0, {str(path)!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


DECLARE = "from sbir_cli.encoder.torchvision_ops import declare_missing_ops as d; print(d())\n"


def test_open_clip_imports_afterwards_and_twice_is_harmless() -> None:
    _run(f"{DECLARE}{DECLARE}import open_clip, torchvision.transforms")


def test_a_torchvision_whose_extension_cannot_load_gets_its_operators(tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("")
    (tmp_path / "torchvision" / "_C.so").write_bytes(b"not a library")
    out = _run(f"{DECLARE}import torch; print(torch.ops.torchvision.qnms.default)", tmp_path)
    assert out.split() == ["True", "torchvision.qnms.default"]


def test_a_torchvision_whose_extension_loads_is_left_alone(tmp_path: Path) -> None:
    import numpy

    library = next(Path(numpy.__file__).parent.rglob("_multiarray_umath*.so"))  # any that loads
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("")
    (tmp_path / "torchvision" / "_C.so").symlink_to(library)
    code = f"import numpy\n{DECLARE}import torch; print(hasattr(torch.ops.torchvision, 'nms'))"
    assert _run(code, tmp_path).split() == ["False", "False"]


def test_without_torchvision_nothing_happens(tmp_path: Path) -> None:
    hide = "import importlib.util as u; f = u.find_spec\n"
    hide += "u.find_spec = lambda n, *a: None if n == 'torchvision' else f(n, *a)\n"
    assert _run(hide + DECLARE).strip() == "False"
