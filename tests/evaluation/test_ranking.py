from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sbir_cli.config import Task
from sbir_cli.datasets import DataSet
from sbir_cli.evaluation import ranking
from sbir_cli.evaluation.embedded import Embedded
from sbir_cli.evaluation.ranking import best_first, rank, relevant_ranks, score_rankings
from sbir_cli.evaluation.settings import EvaluationConfig


def embedded(sketches: int = 40, photos: int = 30, classes: int = 4, seed: int = 0) -> Embedded:
    """Random embeddings; the last class has no photo, and every sketch has a photo of its own."""
    random = np.random.default_rng(seed)
    vectors = [random.normal(size=(n, 6)).astype(np.float32) for n in (sketches, photos)]
    of_sketch = [f"c{i % classes}" for i in range(sketches)]
    of_photo = [f"c{i % (classes - 1)}" for i in range(photos)]
    own = [None if c == f"c{classes - 1}" else of_photo.index(c) for c in of_sketch]
    data = DataSet(
        "folder",
        Path("data"),
        [Path(f"data/sketch/{i:03}.png") for i in range(sketches)],
        of_sketch,
        [Path(f"data/photo/{i:03}.jpg") for i in range(photos)],
        of_photo,
        own,
    )
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in vectors]
    return Embedded(data, unit[0], unit[1], [])


def test_the_order_is_a_stable_sort_by_falling_score() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(size=(60, 300)).astype(np.float32).round(1)  # many are equal
    scores[:, ::7] *= np.float32(-0.0)  # 0.0 and -0.0 are equal too
    expected = np.argsort(-scores, axis=1, kind="stable")
    assert np.array_equal(best_first(scores), expected)


def test_ranks_of_relevant_photos() -> None:
    relevant = np.array([[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]], dtype=bool)
    assert [row.tolist() for row in relevant_ranks(relevant)] == [[2, 4], [], [1]]


@pytest.mark.parametrize("task", ["category", "fine-grained"])
def test_a_query_without_a_relevant_photo_is_left_out(task: Task) -> None:
    whole = embedded()
    metrics = EvaluationConfig(task=task).metrics
    found = [score_rankings(part, metrics) for part in rank(whole, task)]
    scored = sorted(int(i) for indices, _ in found for i in indices)
    assert scored == [i for i, name in enumerate(whole.dataset.sketch_classes) if name != "c3"]


def test_fine_grained_ranks_only_the_photos_of_the_class() -> None:
    whole = embedded()
    for part in rank(whole, "fine-grained"):
        names = {whole.dataset.photo_classes[i] for i in part.gallery}
        assert names <= {whole.dataset.sketch_classes[i] for i in part.sketches}
        assert part.relevant.sum() == (len(part.sketches) if len(part.gallery) else 0)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, metrics = embedded(), EvaluationConfig().metrics
    at_once = [score_rankings(part, metrics)[1] for part in rank(whole, "category")]
    monkeypatch.setattr(ranking, "_CELLS", 70)
    in_parts = [score_rankings(part, metrics)[1] for part in rank(whole, "category")]
    assert len(in_parts) == 20 and len(at_once) == 1
    assert np.allclose(np.concatenate(in_parts), at_once[0])


def test_the_first_photos_come_with_their_scores() -> None:
    whole = embedded()
    (part,) = rank(whole, "category")
    photos, scores = part.first(3)
    assert photos.shape == scores.shape == (40, 3)
    best = whole.sketches[5] @ whole.photos[photos[5, 0]]
    assert scores[5, 0] == pytest.approx(best) and (np.diff(scores, axis=1) <= 0).all()
