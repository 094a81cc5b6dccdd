"""What ships with sbir, found in an installed wheel and in a checkout alike."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

BUNDLED_MODEL = "sbir-mini"
"""The base model, without prompts."""
BUNDLED_CHECKPOINTS = {
    "category": f"{BUNDLED_MODEL}/category",
    "fine-grained": f"{BUNDLED_MODEL}/fine-grained",
}
"""The prompts trained over it, by task."""
DEFAULT_MODEL = BUNDLED_CHECKPOINTS["category"]


def bundled_model(name: str = BUNDLED_MODEL) -> Path:
    """Folder of the bundled model, in open_clip's `local-dir:` layout, or of a checkpoint of it."""
    return Path(str(files("sbir_cli"))) / "models" / name


def bundled_index(model: str | None = None) -> Path:
    """The prebuilt index of the example photos, as a bundled model embedded them.

    The wheel carries `indexes/` and `examples/` inside the package; a checkout has them beside it.
    """
    fine_grained = model == BUNDLED_CHECKPOINTS["fine-grained"]
    name = "examples-fine-grained.faiss" if fine_grained else "examples.faiss"
    package = Path(str(files("sbir_cli")))
    inside = package / "bundled" / "indexes" / name
    return inside if inside.exists() else package.parent / "indexes" / name


def example_sketch(name: str) -> Path:
    """The first drawing of an example class, as SVG; lies as `bundled_index` does."""
    package = Path(str(files("sbir_cli")))
    inside = package / "bundled" / "examples" / "sketches"
    folder = inside if inside.exists() else package.parent / "examples" / "sketches"
    return folder / name / f"{name}_1.svg"


def is_bundled(index: Path) -> bool:
    """Whether a path names one of the prebuilt indexes."""
    shipped = (bundled_index(model) for model in BUNDLED_CHECKPOINTS.values())
    return index.resolve() in [path.resolve() for path in shipped]
