"""The house: a level imports only from levels below it, and siblings do not know each other."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sbir_cli

PACKAGE = Path(sbir_cli.__file__).parent
LEVELS = {
    "errors": -1,  # for all, the other modules of the lowest level included
    "config": 0,
    "plotting": 0,
    "storage": 0,
    "imaging": 1,
    "datasets": 2,
    "encoder": 2,
    "embedding": 3,
    "explanation": 4,
    "gallery": 4,
    "question": 4,
    "whole_model": 4,
    "search": 5,
    "evaluation": 6,
    "output": 7,
    "training": 7,
    "web": 7,
    "cli": 8,
}
UNKNOWN = "?"
"""A module whose name is made at run time."""


def _imports(code: str, module: str) -> set[str]:
    """Dotted names of all that a module's code imports anywhere, in whatever form."""
    return {name for node in ast.walk(ast.parse(code)) for name in _names(node, module)}


def _names(node: ast.AST, module: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = module.split(".")[: -node.level] if node.level else []
        source = ".".join([*above, *filter(None, [node.module])])
        yield from (f"{source}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", None))
        if name in ("import_module", "__import__"):
            yield _called(node.args[0] if node.args else None)


def _called(name: ast.expr | None) -> str:
    """The module that a call imports: of one of a package's by a name made at run time, the
    package."""
    inside = r"f'(sbir_cli\.\w+)\.\{.*'"
    if isinstance(name, ast.JoinedStr) and (package := re.fullmatch(inside, ast.unparse(name))):
        return package[1]
    return str(name.value) if isinstance(name, ast.Constant) else UNKNOWN


def _part(name: str) -> str | None:
    """The part of sbir_cli that a dotted name leads to; public names lead to their homes."""
    first, _, rest = name.partition(".")
    part = rest.split(".")[0]
    if first != "sbir_cli" or part.startswith("__"):
        return None
    return sbir_cli._HOMES.get(part, part)


def _modules() -> Iterator[tuple[Path, str, str]]:
    """File, dotted name and code of every module."""
    for file in sorted(PACKAGE.rglob("*.py")):
        inside = file.relative_to(PACKAGE.parent).with_suffix("")
        yield file, ".".join(inside.parts), file.read_text("utf-8")


@pytest.mark.parametrize(
    "code",
    [
        "import sbir_cli.gallery.index",
        "import os, sbir_cli.gallery as g",
        "from sbir_cli import gallery",
        "from sbir_cli import gallery as g, __version__",
        "from sbir_cli.gallery import Gallery as G",
        "from sbir_cli import Hit",
        "def f():\n    from sbir_cli.gallery.index import read_index",
        "if TYPE_CHECKING:\n    from sbir_cli.gallery import Hit",
        "from ..gallery import Hit",
        "from .. import gallery",
        "importlib.import_module('sbir_cli.gallery')",
        "import_module('sbir_cli.gallery')",
        "__import__('sbir_cli.gallery')",
        "import_module(f'sbir_cli.gallery.{name}')",
    ],
)
def test_every_form_of_an_import_is_seen(code: str) -> None:
    names = _imports(code, "sbir_cli.imaging.images")
    assert {part for part in map(_part, names) if part} == {"gallery"}


@pytest.mark.parametrize(
    "code",
    [
        "import_module(name)",
        "import_module('sbir_cli.' + name)",
        "import_module(f'sbir_cli.{name}')",
        "import_module(f'sbir_cli.{name}.index')",
        "__import__(name)",
    ],
)
def test_an_import_that_may_lead_anywhere_is_seen(code: str) -> None:
    assert UNKNOWN in _imports(code, "sbir_cli.imaging.images")


def test_every_part_imports_only_from_levels_below() -> None:
    seen = set()
    for file, module, code in _modules():
        own = _part(module)
        if own is None or module == "sbir_cli":
            continue
        seen.add(own)
        names = _imports(code, module)
        assert UNKNOWN not in names, f"{file} imports a module by a name made at run time"
        for other in {part for part in map(_part, names) if part} - {own}:
            assert LEVELS[other] < LEVELS[own], f"{file} imports {other}"
    assert seen - {""} == LEVELS.keys()


def test_only_the_encoder_imports_open_clip() -> None:
    for code in (
        "import open_clip as o",
        "from open_clip import x",
        "import_module('open_clip.y')",
    ):
        assert any(name.split(".")[0] == "open_clip" for name in _imports(code, "m"))
    for file, module, code in _modules():
        roots = {name.split(".")[0] for name in _imports(code, module)}
        assert _part(module) == "encoder" or "open_clip" not in roots, file


def test_the_environment_is_read_by_the_command_line_alone() -> None:
    """What keeps dependencies from telling or leaving anything has to write it: two exceptions."""
    writers = ("silence.py", "plotting.py")
    for file, module, code in _modules():
        names = {getattr(node, "attr", "") for node in ast.walk(ast.parse(code))}
        names |= {name.split(".")[-1] for name in _imports(code, module)}
        reads = names & {"environ", "environb", "getenv", "getenvb"}
        assert not reads or _part(module) == "cli" or file.name in writers, file


def test_starting_the_command_line_imports_nothing_heavy() -> None:
    code = "import sys, sbir_cli.cli; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "open_clip", "faiss", "numpy", "PIL", "onnxruntime", "sqlite3", "matplotlib"}
    assert not heavy & set(out.stdout.split())
