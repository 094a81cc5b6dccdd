"""The process itself: its width, its interruption, and a memory limit that kills it.

Standard library only, so that all of it holds before anything large is imported.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import Any

INTERRUPTED = 130
_GRACE = 1.0  # seconds in which a key that is held or hit again is still the first interruption
_NARROWEST = 20  # columns; below, tables and help are a letter a line
_WIDEST = 1000
_SHOW_CURSOR = b"\x1b[?25h"
_DEATHS = {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGTRAP"}  # of libraries without memory


def mend_width() -> None:
    """Forget a COLUMNS or TERMINAL_WIDTH in which nothing can be shown, such as 0."""
    for name in ("COLUMNS", "TERMINAL_WIDTH"):
        value = os.environ.get(name, "80")
        if not (value.isdecimal() and _NARROWEST <= int(value[:9]) <= _WIDEST):
            del os.environ[name]


def handle_interrupts() -> None:
    """Let the first Ctrl-C end the command in order, and one that comes later end it at once.

    What is written is whole or not at all, so leaving at once loses nothing that was kept.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # ignored, as under nohup
    first: list[float] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if not first:
            first.append(time.monotonic())
            raise KeyboardInterrupt
        if time.monotonic() - first[0] > _GRACE:
            leave()

    signal.signal(signal.SIGINT, handle)
    told = sys.unraisablehook

    def unraisable(failure: Any) -> None:  # where nothing can be raised, as in a callback from C
        if isinstance(failure.exc_value, KeyboardInterrupt):
            leave()
        told(failure)

    sys.unraisablehook = unraisable


def leave() -> None:
    """End the process at once, as interrupted."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or full
            stream.flush()
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR)  # a progress bar hides it
    os._exit(INTERRUPTED)


def outlive_memory_limit() -> None:
    """Under a limit of the address space (`ulimit -v`) go on in a child, and tell how it ended.

    FAISS and ONNX Runtime crash where an allocation fails, and OpenBLAS ends the process; nothing
    in it could say so.
    """
    limit = memory_limit()
    if limit is None or not hasattr(os, "fork"):
        return
    ended, end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ended)
        atexit.register(_tell, end)  # left out where a library ends the process
        return
    os.close(end)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, _: os.kill(child, n))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    crashed = code < 0 and signal.Signals(-code).name in _DEATHS
    if crashed or (code > 0 and code != INTERRUPTED and not _is_told(ended)):
        os.write(2, f"sbir: a library crashed for want of memory; {raise_limit(limit)}\n".encode())
        code = 1
    elif code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _tell(end: int) -> None:
    with suppress(OSError):
        os.write(end, b".")


def _is_told(ended: int) -> bool:
    os.set_blocking(ended, False)  # a process that the child left behind may hold the other end
    try:
        return bool(os.read(ended, 1))
    except BlockingIOError:
        return False


def memory_limit() -> int | None:
    """Bytes of address space that this process may have; None where there is no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def raise_limit(limit: int) -> str:
    """The remedy for a limit of so many bytes."""
    return (
        f"the limit is {limit // 1_000_000:,} MB of address space: raise it (ulimit -v unlimited)"
    )
