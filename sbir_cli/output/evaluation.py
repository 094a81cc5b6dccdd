"""An evaluation's report as JSON, and as tables for a person at a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sbir_cli.evaluation.report import Report
from sbir_cli.evaluation.summary import Value
from sbir_cli.storage.names import printable

TASKS = {
    "category": "category level, zero-shot",
    "generalized": "category level, generalised zero-shot",
    "fine-grained": "fine-grained, zero-shot",
    "run": "a TREC run",
}
_DIVISORS = {"k": "by k", "min": "by min(k, R)"}


def report_json(report: Report) -> str:
    """The whole report; a name that is not UTF-8 keeps its bytes as `\\udcXX` escapes."""
    return json.dumps(report.as_dict(), indent=2) + "\n"


def print_report(report: Report, console: Console, per_class: bool = False) -> None:
    """What was measured on what, then a table for every kind of metric."""
    classes = f", {report.classes} unseen classes" if report.classes else ""
    console.print(
        Text(
            f"{printable(report.data)}, {TASKS[report.task]}: {report.queries:,} sketches, "
            f"{report.gallery:,} photos{classes}; means over {report.average}"
        )
    )
    if report.model:
        console.print(Text(f"model {printable(report.model)}, seed {report.seed}"))
    for group in groups(report.values):
        console.print(_metric_table(group))
    if report.partial:
        console.print(_partial_table(report))
    if per_class and report.per_class:
        console.print(_class_table(report))


def groups(values: Sequence[Value]) -> list[list[list[Value]]]:
    """Metrics with the same protocols together: each a list of one metric's values."""
    metrics: dict[str, list[Value]] = {}
    for value in values:
        metrics.setdefault(value.name, []).append(value)
    groups: dict[tuple[str, ...], list[list[Value]]] = {}
    for found in metrics.values():
        kind = found[0].name.split("@")[0]
        groups.setdefault((kind, *(v.protocol for v in found)), []).append(found)
    return list(groups.values())


def _metric_table(group: list[list[Value]]) -> Table:
    """Rows of one metric each: the headline protocol with its interval, then the others."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("metric")
    first, *others = [protocol_label(value) for value in group[0]]
    table.add_column(first, justify="right", style="bold")
    table.add_column("95 % interval", justify="right")
    for name in others:
        table.add_column(name, justify="right")
    for values in group:
        head = values[0]
        interval = f"{head.low:.4f} to {head.high:.4f}"
        rest = (f"{value.value:.4f}" for value in values[1:])
        table.add_row(head.name, f"{head.value:.4f}", interval, *rest)
    return table


def protocol_label(value: Value) -> str:
    """A metric's protocol in a table's head."""
    return _DIVISORS[value.protocol] if value.name.startswith("P@") else value.protocol


def _first_protocols(values: Sequence[Value]) -> list[Value]:
    """The headline protocol of every metric."""
    return [found[0] for group in groups(values) for found in group]


def _partial_table(report: Report) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("drawn", justify="right")
    for value in _first_protocols(report.values):
        table.add_column(f"{value.name}\n{protocol_label(value)}", justify="right", no_wrap=True)
    for partial in report.partial:
        cells = (f"{value.value:.4f}" for value in _first_protocols(partial.values))
        table.add_row(f"{partial.share:.0%}", *cells)
    return table


def _class_table(report: Report) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("class", overflow="fold")
    table.add_column("n", justify="right", no_wrap=True)
    shown = _first_protocols(report.values)
    for value in shown:
        heading = (
            value.name if report.average == "classes" else f"{value.name}\n{protocol_label(value)}"
        )
        table.add_column(heading, justify="right", no_wrap=True, min_width=6)
    for row in report.per_class:
        cells = (f"{row.values[f'{value.name} {value.protocol}']:.4f}" for value in shown)
        table.add_row(Text(printable(row.name)), f"{row.sketches:,}", *cells)
    return table
