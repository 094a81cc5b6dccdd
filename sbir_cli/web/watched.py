"""A gallery that may be updated while the page searches it."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sbir_cli.errors import GalleryError
from sbir_cli.gallery import Gallery
from sbir_cli.gallery.manifest import database_path
from sbir_cli.gallery.milvus.address import MilvusAddress
from sbir_cli.gallery.places import Place
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
        self.is_bundled = isinstance(self.path, Path) and resources.is_bundled(self.path)
        """Whether it is the prebuilt gallery of the example photos."""
        self.name = "example photos" if self.is_bundled else _short(self.path)
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

    @property
    def named(self) -> str:
        """What `-i` takes for it."""
        return str(self.path.absolute() if isinstance(self.path, Path) else self.path)

    def _stamp(self) -> object:
        if isinstance(self.path, MilvusAddress):
            from sbir_cli.gallery.milvus.contents import newest_version

            with suppress(GalleryError):  # the server is away: what is open is asked, and tells so
                return newest_version(self.path)
            return None
        try:
            status = os.stat(database_path(self.path))
        except OSError:  # between two renames, or deleted: what is open goes on
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _take_up(self, stamp: object) -> None:
        last = next(reversed(self._versions.values())).searcher
        try:
            gallery = Gallery.open(self.path, self._root)
        except GalleryError as error:
            self.trouble = str(error)
            return  # perhaps half of an update: looked at again with the next question
        self._seen = stamp
        try:
            version = _version(last.on(gallery))
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


def _short(path: Place) -> str:
    return path.stem if isinstance(path, Path) else path.collection


def _version(searcher: Searcher) -> Version:
    return Version(searcher.gallery.manifest.index_digest[:_NAME_DIGITS], searcher)
