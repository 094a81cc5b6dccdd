"""A gallery that may be updated while the page searches it."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from sbir_cli.errors import GalleryError
from sbir_cli.gallery import Gallery
from sbir_cli.gallery.manifest import database_path
from sbir_cli.search import Searcher
from sbir_cli.storage import resources

_KEPT = 3  # versions: photos of an older one may still be on a screen
_NAME_DIGITS = 16


@dataclass(frozen=True)
class Version:
    """One version of a gallery: what an answer is made of from beginning to end."""

    name: str
    """Differs whenever what the gallery holds does."""
    searcher: Searcher

    def path(self, photo: int) -> Path:
        """Where a photo is.

        Raises:
            UsageError: the gallery has no such photo.
        """
        return self.searcher.gallery.path_of(photo)


class WatchedGallery:
    """The newest version of a gallery, and the few before it.

    Args:
        key: what the page calls it.
        searcher: the gallery as it is now; its encoder is kept over updates.

    An update renames new files into place, so a look at the database file tells of it. A new
    version that cannot be opened yet, or that another model embedded, leaves the old one in use.
    """

    def __init__(self, key: str, searcher: Searcher, root: Path | None = None) -> None:
        self.key, self.path, self._root = key, searcher.gallery.path, root
        self.name = "example photos" if resources.is_bundled(self.path) else self.path.stem
        self._lock = threading.Lock()
        self._seen = self._stamp()
        first = _version(searcher)
        self._versions: OrderedDict[str, Version] = OrderedDict({first.name: first})
        self.trouble: str | None = None
        """Why the gallery's newest version is not in use."""

    def newest(self) -> Version:
        """The newest version that can be searched."""
        with self._lock:
            stamp = self._stamp()
            if stamp is not None and stamp != self._seen:
                self._take_up(stamp)
            return next(reversed(self._versions.values()))

    def version(self, name: str) -> Version | None:
        """The version of that name, if it is still open."""
        with self._lock:
            return self._versions.get(name)

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = os.stat(database_path(self.path))
        except OSError:  # between two renames, or deleted: what is open goes on
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _take_up(self, stamp: tuple[int, int, int]) -> None:
        encoder = next(reversed(self._versions.values())).searcher.encoder
        try:
            gallery = Gallery.open(self.path, self._root)
        except GalleryError as error:
            self.trouble = str(error)
            return  # perhaps half of an update: looked at again with the next question
        self._seen = stamp
        try:
            version = _version(Searcher(gallery, encoder))
        except Exception as error:
            gallery.close()
            self.trouble = f"{error}; start `sbir draw` again after that"
            return
        self.trouble = None
        if version.name in self._versions:  # rewritten to the same content
            gallery.close()
            return
        self._versions[version.name] = version
        if len(self._versions) > _KEPT:
            self._versions.popitem(last=False)[1].searcher.close()


def _version(searcher: Searcher) -> Version:
    return Version(searcher.gallery.manifest.index_digest[:_NAME_DIGITS], searcher)
