"""Answers as a table for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sbir_cli.output.answers import shown_path
from sbir_cli.search import Answer
from sbir_cli.storage.names import printable


def print_table(answers: Iterable[Answer], console: Console) -> None:
    """One table per sketch: rank, score, photo."""
    for answer in answers:
        table = Table(box=SIMPLE_HEAD, title=Text(printable(answer.name)), title_justify="left")
        table.add_column("rank", justify="right", no_wrap=True)
        table.add_column("score", justify="right", no_wrap=True, min_width=5)
        table.add_column("photo", overflow="fold")
        for hit in answer.hits:
            # Text and not str: a name with brackets is no markup
            photo = Text(printable(shown_path(hit.path)))
            table.add_row(str(hit.rank), f"{hit.score:.3f}", photo)
        console.print(table)
        if not answer.hits:
            console.print("no photo scores that high")
