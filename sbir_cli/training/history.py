"""The course of a run: a CSV with a row for each epoch, and its curves as a PNG."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from sbir_cli.training.state import Row

_SIZE = (900, 420)
_BOX = (60, 40, 880, 360)  # left, top, right, bottom of the plot
_COLOURS = ("#4063d8", "#d95319", "#389826", "#9558b2", "#997a00", "#777777", "#00929c")
_VALIDATION = "#111111"


def columns(history: Sequence[Row]) -> list[str]:
    """The columns in order: epoch, losses, validation, seconds."""
    names = dict.fromkeys(name for row in history for name in row)
    losses = [name for name in names if name not in ("epoch", "validation", "seconds")]
    return ["epoch", *losses, *(n for n in ("validation", "seconds") if n in names)]


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
    """
    image = Image.new("RGB", _SIZE, "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle(_BOX, outline="#bbbbbb")
    last = max((row["epoch"] for row in history), default=0)
    for epoch in {0, round(last / 2), round(last)}:
        pen.text((_x(epoch, last) - 4, _BOX[3] + 6), str(epoch), fill="black")
    pen.text((_BOX[2] - 35, _BOX[3] + 20), "epoch", fill="black")
    names = [name for name in columns(history) if name not in ("epoch", "seconds")]
    losses = iter(_COLOURS * len(names))
    for i, name in enumerate(names):
        points = [(row["epoch"], row[name]) for row in history if name in row]
        colour = _VALIDATION if name == "validation" else next(losses)
        low, high = min(v for _, v in points), max(v for _, v in points)
        _draw(pen, points, low, high, last, colour)
        label = measure if name == "validation" else name
        at = (_BOX[0] + 205 * (i % 4), 6 + 15 * (i // 4))
        pen.text(at, f"{label} {low:.3f} to {high:.3f}", fill=colour)
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def _x(epoch: float, last: float) -> float:
    return _BOX[0] + (_BOX[2] - _BOX[0]) * epoch / max(last, 1)


def _draw(
    pen: ImageDraw.ImageDraw,
    points: list[tuple[float, float]],
    low: float,
    high: float,
    last: float,
    colour: str,
) -> None:
    top, bottom = _BOX[1] + 10, _BOX[3] - 10
    span = high - low or 1.0
    line = [(_x(epoch, last), bottom - (bottom - top) * (v - low) / span) for epoch, v in points]
    pen.line(line, fill=colour, width=3 if colour == _VALIDATION else 2)
    for x, y in line:
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
