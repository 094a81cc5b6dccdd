from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sbir_cli.embedding import sketch_pixels
from sbir_cli.errors import ImageError
from sbir_cli.evaluation.partial import first_strokes, read_share
from sbir_cli.imaging.preprocess import Preprocess
from tests.fakes import draw_sketch
from tests.trees import SVG

STROKES = [np.array(s, dtype=float) for s in ([[0, 0], [6, 0]], [[0, 0], [0, 2], [2, 2]])]
PREPROCESS = Preprocess((32, 32), (0.5,) * 3, (0.5,) * 3)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.3, [[[0, 0], [3, 0]]]),
        (0.6, [[[0, 0], [6, 0]], [[0, 0], [0, 0]]]),
        (0.7, [[[0, 0], [6, 0]], [[0, 0], [0, 1]]]),
        (0.9, [[[0, 0], [6, 0]], [[0, 0], [0, 2], [1, 2]]]),
        (1.0, [[[0, 0], [6, 0]], [[0, 0], [0, 2], [2, 2]]]),
    ],
)
def test_the_last_stroke_is_cut(share: float, expected: list[list[list[float]]]) -> None:
    found = first_strokes(STROKES, share)
    assert len(found) == len(expected)
    for stroke, points in zip(found, expected, strict=True):
        assert np.allclose(stroke, points)


def test_the_drawn_length_is_the_share_of_the_whole() -> None:
    random = np.random.default_rng(0)
    strokes = [random.normal(size=(n, 2)).cumsum(axis=0) for n in (5, 1, 9, 2)]

    def length(parts: list[np.ndarray]) -> float:
        return float(sum(np.linalg.norm(np.diff(s, axis=0), axis=1).sum() for s in parts))

    for share in (0.01, 0.33, 0.5, 0.99):
        assert length(first_strokes(strokes, share)) == pytest.approx(share * length(strokes))


def test_dots_are_shared_out_by_number() -> None:
    dots = [np.array([[i, i]], dtype=float) for i in range(4)]
    assert len(first_strokes(dots, 0.5)) == 2 and len(first_strokes(dots, 0.01)) == 1


def test_the_whole_drawing_is_what_a_query_sees(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    path.write_text(SVG.format(y=8))
    whole = sketch_pixels(path, PREPROCESS)
    assert np.array_equal(read_share(1)(path, PREPROCESS), whole)
    assert not np.array_equal(read_share(0.4)(path, PREPROCESS), whole)
    (tmp_path / "b.ndjson").write_text('{"drawing": [[[0, 9], [0, 5]]]}\n')
    assert read_share(0.5)(tmp_path / "b.ndjson", PREPROCESS).shape == (3, 32, 32)
    draw_sketch(tmp_path / "c.png")
    with pytest.raises(ImageError, match="not a vector drawing"):
        read_share(0.5)(tmp_path / "c.png", PREPROCESS)
