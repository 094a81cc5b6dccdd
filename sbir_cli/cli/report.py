"""What `sbir evaluate` shows: notes on stderr, the report on stdout and in a file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sbir_cli.cli.streams import console, say, say_skipped, write_results
from sbir_cli.config import ReportFormat
from sbir_cli.storage.files import write_file

if TYPE_CHECKING:
    from rich.console import Console

    from sbir_cli.evaluation.protocols import Evaluation
    from sbir_cli.evaluation.report import Report
    from sbir_cli.evaluation.settings import EvaluationConfig


def publish(
    report: Report, form: ReportFormat | None, output: Path | None, per_class: bool, quiet: bool
) -> None:
    """The report to stdout and to a file, notes to stderr."""
    from sbir_cli.output.evaluation import print_report, report_json

    write_report(
        report_json(report),
        lambda console: print_report(report, console, per_class),
        form,
        output,
    )
    if not quiet:
        _say_notes(report)


def write_report(
    text: str,
    draw: Callable[[Console], None],
    form: ReportFormat | None = None,
    output: Path | None = None,
) -> None:
    """A report to stdout, as JSON or drawn as a table, and its JSON to a file.

    Raises:
        SbirError: one of them cannot be written.
    """
    if output is not None:
        write_file(output, text.encode(), "choose another --output")
    if form is None:
        terminal = sys.stdout is not None and sys.stdout.isatty()
        form = "table" if terminal else "json"
    if form == "json":
        write_results(text.encode())
        return
    screen = console()
    with screen.capture() as table:
        draw(screen)
    write_results(table.get().encode("utf-8", "backslashreplace"))


def _say_notes(report: Report) -> None:
    for note in report.notes:
        say(f"note: {note}")
    if report.left_out:
        say(f"note: {report.left_out:,} queries without a relevant photo are left out")
    skipped = [(Path(entry["path"]), entry["reason"]) for entry in report.unreadable]
    say_skipped(skipped, "; the JSON report lists them")


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
