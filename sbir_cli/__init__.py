"""Find photos by drawing: prompted CLIP for zero-shot sketch-based image retrieval.

What a program needs most stands here and is loaded when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sbir_cli.encoder import load_encoder
    from sbir_cli.errors import SbirError
    from sbir_cli.gallery import Hit, embed_gallery
    from sbir_cli.search import Answer, Question, Searcher

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "Hit",
    "Question",
    "SbirError",
    "Searcher",
    "__version__",
    "embed_gallery",
    "load_encoder",
]

_HOMES = {
    "Answer": "search",
    "Hit": "gallery",
    "Question": "search",
    "SbirError": "errors",
    "Searcher": "search",
    "embed_gallery": "gallery",
    "load_encoder": "encoder",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
