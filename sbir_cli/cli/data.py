"""The data set that a command's options name: read, or checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sbir_cli.cli.exits import SKIPPED
from sbir_cli.cli.report import write_report
from sbir_cli.cli.streams import say, say_skipped
from sbir_cli.config import DatasetName, ReportFormat

if TYPE_CHECKING:
    from sbir_cli.datasets import DataSet


@dataclass(frozen=True)
class Data:
    """What DATA and the options beside it name."""

    folder: Path | None
    dataset: DatasetName
    split: str | None
    lists: Path | None
    sketches: Sequence[Path]
    photos: Sequence[Path]

    @property
    def named(self) -> bool:
        """Whether there is anything to read."""
        return self.folder is not None or bool(self.sketches or self.photos)

    def read(self, *, vector: bool = False) -> DataSet:
        """The data set; see `read_dataset`."""
        from sbir_cli.datasets import read_dataset

        return read_dataset(
            self.folder,
            self.dataset,
            vector=vector,
            lists=self.lists,
            sketches=self.sketches,
            photos=self.photos,
        )

    def check(
        self,
        form: ReportFormat | None = None,
        output: Path | None = None,
        more: Callable[[DataSet], Sequence[str]] = lambda dataset: (),
    ) -> None:
        """What the data set is, beside the published one, to stdout.

        Args:
            more: notes that the command adds.

        Raises:
            SbirError: it cannot be read as a data set.
            typer.Exit: code 3, it differs from the published one.
        """
        from sbir_cli.datasets import check, resolve_split
        from sbir_cli.output.dataset_check import check_json, print_check

        dataset = self.read()
        found = check(dataset, resolve_split(dataset, self.split))
        notes = dict.fromkeys((*found.notes, *more(dataset)))
        write_report(check_json(found), lambda console: print_check(found, console), form, output)
        for note in notes:
            say(f"note: {note}")
        say_skipped(dataset.skipped)
        if not found.as_published:
            raise typer.Exit(SKIPPED)
