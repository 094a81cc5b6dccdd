"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sbir_cli.errors import SbirError

_LINKS = 40  # that a system follows, at most
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")


def write_file(path: Path, data: bytes, remedy: str = "choose another name") -> None:
    """Write a whole file; all else as `whole_file`."""
    with whole_file(path, remedy) as file:
        file.write(data)


@contextmanager
def whole_file(path: Path, remedy: str = "choose another name") -> Iterator[BinaryIO]:
    """A file to write that takes its place when the context ends; a kill or an error leaves what
    was there before.

    The folders it lies in are made. A link stays a link, and what it leads to is written. What
    cannot be replaced is written in place: `/dev/stdout` and other open streams, named pipes,
    devices.

    Raises:
        SbirError: it cannot be written; with this remedy.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = _stream(path)
        if stream is not None:
            with stream as file:
                yield file
            return
        target = Path(os.path.realpath(path))
        if target.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        beside = target.with_name(f"{target.name}.new")
        try:
            with beside.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SbirError(f"cannot be written ({reason})", where=path, remedy=remedy) from error


def _stream(path: Path) -> BinaryIO | None:
    """What a path names if that is no regular file, opened."""
    step = Path(os.path.abspath(path))
    for _ in range(_LINKS):
        descriptor = _DESCRIPTOR.fullmatch(str(step))
        if descriptor:  # opened by its name, a redirected stdout would be written from its start
            return os.fdopen(os.dup(int(descriptor[1])), "wb")
        if not step.is_symlink():
            break
        step = Path(os.path.abspath(step.parent / step.readlink()))
    return path.open("wb") if path.exists() and not path.is_file() else None
