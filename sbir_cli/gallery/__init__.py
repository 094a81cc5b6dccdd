"""The gallery: a plain FAISS index, and beside it a SQLite file with manifest and photo table."""

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
