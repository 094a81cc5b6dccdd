"""The types of the FAISS index."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest

from sbir_cli.config import IndexConfig
from sbir_cli.gallery import update_gallery
from sbir_cli.gallery.flat import held, read_flat, write_flat
from sbir_cli.gallery.index import build_index
from sbir_cli.gallery.tuning import sketch_like
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder, draw_photo
from tests.gallery.queries import nearest


@pytest.mark.parametrize("kind", ["hnsw", "ivf", "ivf-rabitq"])
def test_approximate_indexes_are_measured_and_updated(tmp_path: Path, kind: str) -> None:
    photos = tmp_path / "photos"
    for i in range(300):
        draw_photo(photos / f"{i:03}.png", seed=i, size=(16, 16))
    storage = IndexConfig(type=kind)  # type: ignore[arg-type]
    index = tmp_path / "idx.faiss"
    manifest = update_gallery(index, find_photos([photos]), FakeEncoder(), storage=storage).manifest
    assert manifest.index_type == kind and 0.95 <= (manifest.recall_at_10 or 0) <= 1
    draw_photo(photos / "new.png", seed=1000, size=(16, 16))
    assert (
        update_gallery(index, find_photos([photos]), FakeEncoder(), storage=storage).embedded == 1
    )
    hits = nearest(index, photos / "new.png", top=1)
    assert hits[0].path == photos / "new.png"


def test_auto_is_exact_while_that_is_fast_and_tells_why(photos: Path, tmp_path: Path) -> None:
    found, index = find_photos([photos]), tmp_path / "idx.faiss"
    manifest = update_gallery(index, found, FakeEncoder()).manifest
    assert manifest.index_type == "flat" and "up to 200,000" in (manifest.index_reason or "")
    storage = IndexConfig(exact_limit=9)
    manifest = update_gallery(index, found, FakeEncoder(), storage=storage, rebuild=True).manifest
    assert manifest.index_type == "ivf-rabitq" and manifest.index_choice == "auto"
    assert "10 photos" in (manifest.index_reason or "")


def test_auto_takes_no_index_that_misses_its_recall() -> None:
    photos = np.random.default_rng(0).normal(size=(2000, 16)).astype(np.float32)
    photos /= np.linalg.norm(photos, axis=1, keepdims=True)
    fair = build_index(photos, IndexConfig(exact_limit=9, target_recall=1.0, sample=64))
    assert fair.type == "flat" or fair.recall_at_10 == 1.0
    questions = sketch_like(photos, 64)
    assert np.allclose(np.linalg.norm(questions, axis=1), 1, atol=1e-5)
    assert (questions @ photos.T).max(axis=1).mean() < 0.95  # none is a photo of the gallery


def test_a_flat_index_is_written_as_faiss_writes_it_and_read_in_any_order(tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).normal(size=(2500, 8)).astype(np.float32)
    index = faiss.IndexFlatIP(8)
    index.add(matrix)
    faiss.write_index(index, str(tmp_path / "theirs"))
    write_flat(tmp_path / "ours", held(matrix))
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    for ids in ([], [7], range(2500), [0, 1, 2, 2400, 9, 10, 2499, 2499]):
        wanted = np.array(ids, dtype=np.int64)
        assert np.array_equal(read_flat(tmp_path / "ours", wanted, 8), matrix[wanted])
