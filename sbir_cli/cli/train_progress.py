"""What `sbir train` shows: a bar with the losses, and what the run came to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sbir_cli.cli.exits import say

if TYPE_CHECKING:
    from sbir_cli.training.loop import Watcher
    from sbir_cli.training.run import Report

_SHOWN = 5  # unreadable files named on stderr


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Watcher]:
    """A bar with the losses and the time left in the epoch, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield lambda phase, done, total, losses: None
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
        TextColumn("{task.fields[losses]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, losses="")

        def show(phase: str, done: int, total: int, losses: dict[str, float]) -> None:
            text = " ".join(f"{name} {value:.3f}" for name, value in losses.items())
            if bar.tasks[0].description != phase:
                bar.reset(task, description=phase)
            bar.update(task, completed=done, total=total, losses=text)

        yield show


def summarise(report: Report, output: Path, seconds: float) -> None:
    """Unreadable files, and one line on stderr about data, validation and time."""
    from sbir_cli.output.text import printable

    for path, reason in report.unreadable[:_SHOWN]:
        say(f"skipped {printable(str(path))}: {reason}")
    if len(report.unreadable) > _SHOWN:
        say(f"... and {len(report.unreadable) - _SHOWN:,} more")
    state, trained = report.state, report.trained
    found = "nothing held out to validate on"
    if state.best_value is not None:
        before = state.history[0]["validation"]
        found = f"{report.measure} of held-out seen classes {before:.4f} to {state.best_value:.4f}"
    say(
        f"{output}: {len(trained.sketches):,} sketches and {len(trained.photos):,} photos of "
        f"{len(trained.classes)} classes; {found}; epoch {state.best_epoch} of {state.epoch} kept; "
        f"{len(report.unreadable):,} skipped; {seconds:.0f} s"
    )
