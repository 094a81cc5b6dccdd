"""A progress bar on stderr, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Show(Protocol):
    """Tells the bar how far the work is."""

    def __call__(
        self, done: int, total: int, phase: str = "embedding", note: str | None = None
    ) -> None:
        """`done` of `total` in a phase; without a note the rate is shown."""


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Show]:
    """A bar with a note or the rate, and the time left; nothing where nobody looks."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, total, phase="", note=None: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, note="")

        def show(done: int, total: int, phase: str = "embedding", note: str | None = None) -> None:
            if bar.tasks[0].description != phase:
                bar.reset(task, description=phase)
            speed = bar.tasks[0].speed
            rate = f"{speed:.0f} a second" if speed else ""
            bar.update(task, completed=done, total=total, note=rate if note is None else note)

        yield show
