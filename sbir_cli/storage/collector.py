"""Python's garbage collector, kept from what it cannot help with."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """While rows are made by the hundred thousand, none of which is part of a cycle: the collector
    would walk through them again and again. Around a block, or as a function's decorator."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
