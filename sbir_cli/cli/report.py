"""What `sbir evaluate` shows: progress and notes on stderr, the report on stdout and in a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from sbir_cli.cli.exits import say

if TYPE_CHECKING:
    from sbir_cli.evaluation.embedding import Progress
    from sbir_cli.evaluation.protocols import Evaluation
    from sbir_cli.evaluation.report import Report
    from sbir_cli.evaluation.settings import EvaluationConfig

_SHOWN = 5  # unreadable files named on stderr


class ReportFormat(str, Enum):
    """How the report is written to stdout."""

    table = "table"
    json = "json"


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """A bar for each side of the data set, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("embedding", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def publish(
    report: Report, form: ReportFormat | None, output: Path | None, per_class: bool, quiet: bool
) -> None:
    """The report to stdout and to a file, notes to stderr."""
    from sbir_cli.output.evaluation import print_report, report_json

    text = report_json(report)
    if output is not None:
        write_text(output, text, "--output")
    if form is None:
        form = ReportFormat.table if sys.stdout.isatty() else ReportFormat.json
    if form is ReportFormat.json:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        from rich.console import Console

        print_report(report, Console(), per_class)
    if not quiet:
        _say_notes(report)


def _say_notes(report: Report) -> None:
    from sbir_cli.output.text import printable

    for note in report.notes:
        say(f"note: {printable(note)}")
    if report.left_out:
        say(f"note: {report.left_out:,} queries without a relevant photo are left out")
    for entry in report.unreadable[:_SHOWN]:
        say(f"skipped {printable(entry['path'])}: {entry['reason']}")
    if len(report.unreadable) > _SHOWN:
        say(f"... and {len(report.unreadable) - _SHOWN:,} more; the JSON report lists them")


def write_text(path: Path, text: str, option: str) -> None:
    """Write a file that `option` named.

    Raises:
        SbirError: it cannot be written.
    """
    from sbir_cli.errors import SbirError

    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise SbirError(
            f"cannot be written ({error.strerror})", where=path, remedy=f"choose another {option}"
        ) from error


def write_trec(
    found: Evaluation,
    config: EvaluationConfig,
    run: Path | None,
    qrels: Path | None,
    depth: int,
    quiet: bool,
) -> None:
    """The rankings and what is relevant, each where its file is named."""
    from sbir_cli.evaluation.trec import write_qrels, write_run

    if run is not None:
        write_run(run, found.embedded, config.task, depth)
        if depth < found.report.gallery and config.task == "category" and not quiet:
            say(
                f"{run} holds the first {depth:,} of {found.report.gallery:,} photos a sketch: "
                "mAP@all needs them all (--trec-depth)"
            )
    if qrels is not None:
        write_qrels(qrels, found.embedded, config.task)
