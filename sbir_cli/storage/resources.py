"""What ships with sbir, found in an installed wheel and in a checkout alike."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

BUNDLED_MODEL = "sbir-mini"
"""The base model, without prompts."""
DEFAULT_MODEL = f"{BUNDLED_MODEL}/sketch"
"""The base model with its sketch branch, which serves both tasks; photos go through the base."""


def bundled_model(name: str = BUNDLED_MODEL) -> Path:
    """Folder of the bundled model, in open_clip's `local-dir:` layout, or of a checkpoint of it."""
    return Path(str(files("sbir_cli"))) / "models" / name


def bundled_index() -> Path:
    """The prebuilt index of the example photos.

    The wheel carries `indexes/` and `examples/` inside the package; a checkout has them beside it.
    """
    package = Path(str(files("sbir_cli")))
    inside = package / "bundled" / "indexes" / "examples.faiss"
    return inside if inside.exists() else package.parent / "indexes" / "examples.faiss"


def example_sketch(name: str) -> Path:
    """The first drawing of an example class, as SVG; lies as `bundled_index` does."""
    package = Path(str(files("sbir_cli")))
    inside = package / "bundled" / "examples" / "sketches"
    folder = inside if inside.exists() else package.parent / "examples" / "sketches"
    return folder / name / f"{name}_1.svg"


def example_photos() -> Path:
    """The folder of the example photos, a folder for each class; lies as `bundled_index` does."""
    package = Path(str(files("sbir_cli")))
    inside = package / "bundled" / "examples" / "photos"
    return inside if inside.exists() else package.parent / "examples" / "photos"


def is_bundled(index: Path) -> bool:
    """Whether a path names the prebuilt index."""
    return index.resolve() == bundled_index().resolve()
