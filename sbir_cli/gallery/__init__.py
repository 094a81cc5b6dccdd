"""The gallery: a plain FAISS index, and beside it a SQLite file with manifest and photo table.

What is named here is loaded when it is first named: a query needs nothing of what writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sbir_cli.gallery.gallery import Gallery, Hit
    from sbir_cli.gallery.manifest import Manifest
    from sbir_cli.gallery.run import UpdateReport
    from sbir_cli.gallery.update import embed_gallery, update_gallery

__all__ = [
    "Gallery",
    "Hit",
    "Manifest",
    "UpdateReport",
    "embed_gallery",
    "update_gallery",
]


def __getattr__(name: str) -> Any:
    home: Any
    if name in ("Gallery", "Hit"):
        import sbir_cli.gallery.gallery as home
    elif name == "Manifest":
        import sbir_cli.gallery.manifest as home
    elif name == "UpdateReport":
        import sbir_cli.gallery.run as home
    elif name in __all__:
        import sbir_cli.gallery.update as home
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(home, name)
