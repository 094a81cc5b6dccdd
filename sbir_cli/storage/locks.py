"""One run at a time on a gallery or a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` while open, and remove it afterwards; a kill frees it too.

    Raises:
        filelock.Timeout: another process holds it.
        OSError: it cannot be created.
    """
    from filelock import FileLock  # what only reads does without

    with FileLock(path, timeout=0):
        try:
            yield
        finally:
            with suppress(OSError):  # filelock notices a lock file that was removed under it
                path.unlink()
