"""What a data set is, beside the published one, as JSON and as a table."""

from __future__ import annotations

import json

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sbir_cli.datasets import Check
from sbir_cli.storage.names import printable

_CLASSES_SHOWN = 20


def check_json(check: Check) -> str:
    """The whole check; a name that is not UTF-8 keeps its bytes as `\\udcXX` escapes."""
    return json.dumps(check.as_dict(), indent=2) + "\n"


def print_check(check: Check, console: Console) -> None:
    """Where the data set lies, then a row for every count."""
    console.print(Text(printable(f"{check.dataset} in {check.root}")))
    for side, folders in check.folders.items():
        places = ", ".join("./" if folder == "." else f"{folder}/" for folder in folders)
        console.print(Text(printable(f"{side} folders: {places}")))
    console.print(Text(printable(f"split {check.split} ({check.split_source})")))
    table = Table(box=SIMPLE_HEAD)
    table.add_column("")
    table.add_column("found", justify="right", no_wrap=True)
    table.add_column("published", justify="right", no_wrap=True)
    table.add_column("")
    for count in [*check.counts, *check.classes[:_CLASSES_SHOWN]]:
        about = "about " if count.rounded else ""
        table.add_row(
            Text(printable(count.what)),
            f"{count.found:,}",
            "" if count.published is None else f"{about}{count.published:,}",
            "" if count.as_published else "differs",
        )
    console.print(table)
    more = len(check.classes) - _CLASSES_SHOWN
    if more > 0:
        console.print(f"... and {more:,} more rows of classes; the JSON has them all")
