"""Unfinished drawings: the first strokes of a vector drawing, by their length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sbir_cli.errors import ImageError
from sbir_cli.evaluation.embedded import ReadSketch
from sbir_cli.imaging.drawing_files import drawing_bytes
from sbir_cli.imaging.preprocess import Pixels, Preprocess
from sbir_cli.imaging.sketches import draw, read_sketch
from sbir_cli.imaging.vector import Stroke, read_strokes


def read_share(share: float) -> ReadSketch:
    """A reader of the first `share` (0 to 1) of a vector drawing's length, in drawing order.

    What is drawn so far is fitted to the canvas, its strokes without their colours and fills; all
    of it is the drawing as `sbir query` sees it.
    """

    def read(path: Path, preprocess: Preprocess) -> Pixels:
        strokes = read_strokes(drawing_bytes(path))
        if strokes is None:
            raise ImageError("not a vector drawing", where=path)
        if share >= 1:  # painted, as a query sees it
            return preprocess(read_sketch(path).image)
        return preprocess(draw(first_strokes(strokes, share)))

    return read


def first_strokes(strokes: Sequence[Stroke], share: float) -> list[Stroke]:
    """The strokes that make up the first `share` (0 to 1) of the whole length; the last is cut.

    Dots have no length: they come with the stroke they follow, and a drawing of nothing but dots
    is shared out by their number.
    """
    lengths = [float(np.linalg.norm(np.diff(s, axis=0), axis=1).sum()) for s in strokes]
    left = share * sum(lengths)
    if share >= 1:
        return list(strokes)
    if not sum(lengths):
        return list(strokes[: max(round(share * len(strokes)), 1)])
    kept = []
    for stroke, length in zip(strokes, lengths, strict=True):
        if length > left:
            kept.append(_cut(stroke, left))
            break
        kept.append(stroke)
        left -= length
    return kept


def _cut(stroke: Stroke, length: float) -> Stroke:
    """The first `length` of a stroke that is longer."""
    ends = np.cumsum(np.linalg.norm(np.diff(stroke, axis=0), axis=1))
    last = int(np.searchsorted(ends, length))  # the piece that is cut
    before = float(ends[last - 1]) if last else 0.0
    start, stop = stroke[last], stroke[last + 1]
    point = start + (stop - start) * ((length - before) / (ends[last] - before))
    return np.concatenate([stroke[: last + 1], point[None]])
