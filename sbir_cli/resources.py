"""What ships with sbir, found in an installed wheel and in a checkout alike."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

BUNDLED_MODEL = "sbir-mini"


def bundled_model() -> Path:
    """Folder of the bundled model, in open_clip's `local-dir:` layout."""
    return Path(str(files("sbir_cli"))) / "models" / BUNDLED_MODEL


def bundled_index() -> Path:
    """The prebuilt index of the example photos.

    The wheel carries `indexes/` and `examples/` inside the package; a checkout has them beside it.
    """
    package = Path(str(files("sbir_cli")))
    inside = package / "bundled" / "indexes" / "examples.faiss"
    return inside if inside.exists() else package.parent / "indexes" / "examples.faiss"
