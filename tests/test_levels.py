"""The house: a level imports only from levels below it, and siblings do not know each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import sbir_cli

PACKAGE = Path(sbir_cli.__file__).parent
LEVELS = {
    "errors": -1,  # for all, the other modules of the lowest level included
    "config": 0,
    "storage": 0,
    "imaging": 1,
    "datasets": 2,
    "encoder": 2,
    "embedding": 3,
    "gallery": 4,
    "search": 5,
    "evaluation": 6,
    "output": 7,
    "training": 7,
    "cli": 8,
}


def _imports(file: Path) -> set[str]:
    """Top-level parts of sbir_cli that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sbir_cli"):
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {parts[1] for parts in names if parts[0] == "sbir_cli" and len(parts) > 1}
    return found - {"__version__"}


def test_every_part_imports_only_from_levels_below() -> None:
    seen = set()
    for file in sorted(PACKAGE.rglob("*.py")):
        part = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if part.startswith("__"):
            continue
        seen.add(part)
        for other in _imports(file) - {part}:
            assert LEVELS[other] < LEVELS[part], f"{file} imports {other}"
    assert seen == LEVELS.keys()


def test_only_the_encoder_imports_open_clip() -> None:
    for file in PACKAGE.rglob("*.py"):
        if "encoder" not in file.parts:
            assert "import open_clip" not in file.read_text("utf-8"), file


def test_starting_the_command_line_imports_nothing_heavy() -> None:
    code = "import sys, sbir_cli.cli; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "open_clip", "faiss", "numpy", "PIL", "onnxruntime", "sqlite3"}
    assert not heavy & set(out.stdout.split())
