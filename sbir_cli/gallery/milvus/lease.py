"""Who writes a gallery now: a note on its collection, since a server has no lock files.

It is renewed as photos come. A run that was killed leaves it behind: on the same machine that is
seen at once, from another one after a while.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sbir_cli.errors import GalleryError
from sbir_cli.gallery.milvus.collection import Collection

_LASTS = 600.0  # seconds: longer than a batch or a pause of the network
_RENEWED = 60.0


class Lease:
    """This process's right to write into a collection."""

    def __init__(self, collection: Collection) -> None:
        self._collection, self._since = collection, 0.0

    def renew(self) -> None:
        """Tell that the run goes on; called as often as one likes."""
        if time.monotonic() - self._since > _RENEWED or not self._since:
            own = {"host": platform.node(), "process": os.getpid(), "time": time.time()}
            self._collection.note({"writer": own})
            self._since = time.monotonic()

    def end(self) -> None:
        """Let others write; a server that is gone has no need of it."""
        with suppress(GalleryError):
            self._collection.note({"writer": None})


@contextmanager
def leased(collection: Collection) -> Iterator[Lease]:
    """The lease of a collection for as long as the context is open.

    Raises:
        GalleryError: another run has it.
    """
    _refuse_second(collection)
    lease = Lease(collection)
    lease.renew()
    try:
        yield lease
    finally:
        lease.end()


def _refuse_second(collection: Collection) -> None:
    writer = collection.notes().get("writer")
    if not isinstance(writer, dict):
        return
    host, process, seen = writer.get("host"), writer.get("process"), writer.get("time")
    left = float(seen or 0) + _LASTS - time.time()
    if left <= 0 or (host == platform.node() and not _runs(int(process or 0))):
        return
    raise GalleryError(
        f"another run is at work on this gallery (on {host}, process {process})",
        where=collection.address,
        remedy=f"wait for it to end; if it was killed, run this again in {left / 60:.0f} minutes",
    )


def _runs(process: int) -> bool:
    if process == os.getpid():  # left behind by this process, which writes one gallery at a time
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
