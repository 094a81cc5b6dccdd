"""What is found, in which order, and what is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo
from tests.gallery.queries import embed, nearest


def test_photos_alike_are_ranked_by_path(photos: Path, tmp_path: Path) -> None:
    data = (photos / "p3.jpg").read_bytes()
    for i in range(60):
        (photos / f"copy{i:02}.jpg").write_bytes(data)
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    query = embed(photos / "p3.jpg")
    for top in (5, 61):
        hits = nearest(index, query, top=top)
        names = [hit.path.name for hit in hits]
        assert names == [*(f"copy{i:02}.jpg" for i in range(60)), "p3.jpg"][:top]


def test_cuts_by_score_and_by_share_of_the_best(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    gallery, query = Gallery.open(index), embed(photos / "p3.jpg")
    scores = [h.score for h in nearest(gallery, query, top=100)]
    assert len(scores) == 10 and scores == sorted(scores, reverse=True)
    assert len(nearest(gallery, query, top=100, min_score=scores[3] - 1e-6)) == 4
    share = (scores[2] - 1e-4) / scores[0]
    assert len(nearest(gallery, query, top=100, min_share=share)) == 3


def test_a_share_of_a_negative_best_score_keeps_the_best(photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    copies = [draw_photo(photos / f"like-p3-{i}.jpg", seed=3) for i in range(3)]
    update_gallery(index, find_photos(copies), FakeEncoder())
    query = -embed(photos / "p3.jpg")
    for share in (0.8, 1.0):
        hits = nearest(index, query, top=1, min_share=share)
        assert len(hits) == 1 and hits[0].score < 0


def test_a_small_gallery_answers_without_faiss_as_with_it(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "idx.faiss"
    update_gallery(index, find_photos([photos]), FakeEncoder())
    asked = [embed(path) for path in sorted(photos.glob("*.jpg"))]
    answers = []
    for small in (10**9, 0):
        monkeypatch.setattr("sbir_cli.gallery.index._SMALL", small)
        gallery = Gallery.open(index)
        for among in ({}, {"where": "deep/*"}, {"where": "*.jpg", "dedupe": True}, {"top": 3}):
            hits = [nearest(gallery, each, **among) for each in asked]
            answers.append([[(h.id, round(h.score, 5)) for h in each] for each in hits])
    assert answers[:4] == answers[4:] and len(answers[0][0]) == 10
