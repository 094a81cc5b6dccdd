"""The course of a run: a CSV with a row for each epoch, and its curves as a PNG."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from sbir_cli import plotting
from sbir_cli.training.state import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def columns(history: Sequence[Row]) -> list[str]:
    """The columns in order: epoch, losses, validations, seconds."""
    names = dict.fromkeys(name for row in history for name in row)
    last = ("elsewhere", "validation", "seconds")
    losses = [name for name in names if name != "epoch" and name not in last]
    return ["epoch", *losses, *(name for name in last if name in names)]


def history_csv(history: Sequence[Row]) -> bytes:
    """The rows as CSV; a cell is empty where a row has no such value."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(history), lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: round(v, 6) for k, v in row.items()} for row in history)
    return text.getvalue().encode()


def history_png(history: Sequence[Row], measure: str) -> bytes:
    """Every loss and the validation over the epochs, each scaled from its least to its greatest
    value, which the legend names.

    Args:
        history: the rows, epoch 0 first.
        measure: the validation's name.

    Raises:
        SbirError: matplotlib is missing.
    """
    return plotting.png(partial(_draw, history, measure), 9.0, 4.2)


def _draw(history: Sequence[Row], measure: str, axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    names = [name for name in columns(history) if name not in ("epoch", "seconds")]
    colours = iter(plotting.SERIES * len(names))
    for name in names:
        epochs, values = zip(*((r["epoch"], r[name]) for r in history if name in r), strict=True)
        low, high = min(values), max(values)
        scaled = [(value - low) / (high - low or 1.0) for value in values]
        chosen = name == "validation"
        axes.plot(
            epochs,
            scaled,
            color=plotting.INK if chosen else next(colours),
            linewidth=2.2 if chosen else 1.3,
            marker=".",
            label=f"{measure if chosen else name} {low:.3f} to {high:.3f}",
        )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_yticks([])
    axes.set_ylabel("least to greatest value")
    if names:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, fontsize=8)
