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


IMPORT = "from sbir_cli.encoder.torchvision_ops import import_open_clip as i; print(i().__name__)\n"
COMPILER = "import sys; print(any(m.startswith(('torch._dynamo', 'sympy')) for m in sys.modules))\n"


def test_open_clip_comes_without_the_compiler_which_works_when_it_is_wanted() -> None:
    wanted = "import torch; f = torch.compile(lambda x: x + 1, backend='eager')\n"
    wanted += "print(f(torch.ones(1)).item(), torch._dynamo.disable.__module__)\n"
    wanted += "from torchvision.ops import roi_align as r; print(r.__module__)\n"
    out = _run(IMPORT + COMPILER + wanted).split()
    assert out == [
        "open_clip",
        "False",
        "2.0",
        "torch._dynamo.decorators",
        "torchvision.ops.roi_align",
    ]


def test_whoever_wants_more_of_the_compiler_meanwhile_gets_it(tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text("")
    (tmp_path / "open_clip.py").write_text(
        "import torch\nfrom torch._dynamo import disable\n"
        "limit = torch._dynamo.config.cache_size_limit\n"
        "from torch._dynamo.utils import counters, is_compile_supported\n"
    )
    wanted = "import open_clip; print(open_clip.limit > 0, open_clip.counters is not None)\n"
    assert _run(IMPORT + wanted, tmp_path).split() == ["open_clip", "True", "True"]


def test_a_compiler_that_is_there_already_is_left_alone() -> None:
    before = "import torch._dynamo as d\n"
    after = "import sys; print(sys.modules['torch._dynamo'] is d)"
    assert _run(before + IMPORT + after).split() == ["open_clip", "True"]
