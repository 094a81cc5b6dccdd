"""Where the time of an update goes: seconds that each stage was busy, added up over its threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal, get_args

Stage = Literal["scan", "load", "decode", "resize", "encode", "write"]

_REMEDY = {
    "scan": "searching folders and reading what the gallery holds",
    "load": "loading the model; more photos in one run make up for it",
    "pixels": "decoding and resizing; more --workers help where cores are idle",
    "encode": "encoding by the model; a GPU or a smaller --model is faster",
    "write": "writing the gallery",
}


class Timings:
    """Filled by an update that is given it, from its making on.

    Args:
        workers: threads that decode and resize.
    """

    def __init__(self, workers: int) -> None:
        self._workers, self._start = workers, time.perf_counter()
        self._lock = threading.Lock()
        self.busy: dict[Stage, float] = dict.fromkeys(get_args(Stage), 0.0)
        """Seconds by stage."""

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Count the time of this block, which may run in any thread."""
        start = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.busy[name] += time.perf_counter() - start

    def facts(self, photos: int) -> dict[str, float]:
        """Wall seconds since the start, seconds by stage, and photos a second over all of it."""
        wall = time.perf_counter() - self._start
        rounded = {str(name): round(seconds, 4) for name, seconds in self.busy.items()}
        return {"wall": round(wall, 3), **rounded, "photos_per_s": round(photos / wall, 1)}

    def sentence(self, facts: dict[str, float]) -> str:
        """What bounded the run of these facts."""
        pixels = (facts["decode"] + facts["resize"]) / self._workers
        share = {"pixels": pixels, **{name: facts[name] for name in _REMEDY if name != "pixels"}}
        worst = max(share, key=share.__getitem__)
        part = min(share[worst] / facts["wall"], 1)
        return f"bottleneck, {part:.0%} of the time: {_REMEDY[worst]}"


def timed(timings: Timings | None, name: Stage) -> AbstractContextManager[None]:
    """Count the time of a block, where anybody wants to know."""
    return nullcontext() if timings is None else timings.stage(name)
