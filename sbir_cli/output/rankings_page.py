"""An evaluation to look at: some sketches, each with its first photos, the right ones framed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sbir_cli.config import Task
from sbir_cli.evaluation.embedded import Embedded
from sbir_cli.evaluation.ranking import rank
from sbir_cli.gallery import Hit
from sbir_cli.imaging.sketches import Sketch, read_sketch
from sbir_cli.output.contact_sheet import contact_sheet
from sbir_cli.search import Answer

ROWS = 60
"""Sketches on a page: less than 10 MB of pictures."""
_PHOTOS = 10


def rankings_page(embedded: Embedded, task: Task, rows: int = ROWS) -> str:
    """A self-contained HTML page of at most `rows` sketches, evenly spaced through the data set."""
    count = len(embedded.dataset.sketches)
    chosen = np.unique(np.linspace(0, count - 1, min(rows, count)).round().astype(int)).tolist()
    answers, is_right = first_photos(embedded, task, chosen)
    title = f"{len(answers):,} of {count:,} sketches and their first photos, right ones framed"
    return contact_sheet(answers, title, is_right)


def first_photos(
    embedded: Embedded, task: Task, sketches: Sequence[int], photos: int = _PHOTOS
) -> tuple[list[Answer], Callable[[Answer, Hit], bool]]:
    """An answer for each of these sketches (indices in the data set, in any order), and what tells
    whether a photo is right."""
    part = embedded.with_sketches(sorted(sketches))
    dataset = part.dataset
    answers: dict[int, Answer] = {}
    right: set[tuple[str, int]] = set()
    for rankings in rank(part, task):
        found, scores = rankings.first(photos)
        for row, index in enumerate(rankings.sketches):
            path = dataset.sketches[index]
            sketch = Sketch(str(path.relative_to(dataset.root)), read_sketch(path).image)
            hits = [
                Hit(place, float(score), int(photo), dataset.photos[photo].absolute())
                for place, (photo, score) in enumerate(zip(found[row], scores[row], strict=True), 1)
            ]
            answers[sorted(sketches)[index]] = Answer(sketch, hits)
            right |= {
                (sketch.name, hit.id)
                for hit, relevant in zip(hits, rankings.relevant[row], strict=False)
                if relevant
            }
    in_order = [answers[index] for index in sketches]
    return in_order, lambda answer, hit: (answer.name, hit.id) in right
