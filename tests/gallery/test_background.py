"""What drawings of nothing reach is held by the gallery since it was built."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sbir_cli.config import EmbedConfig, IndexConfig
from sbir_cli.errors import GalleryError
from sbir_cli.gallery import Gallery, background, home, update_gallery
from sbir_cli.gallery.manifest import database_path
from sbir_cli.gallery.upkeep import merge
from sbir_cli.imaging.background import drawings_of_nothing
from sbir_cli.imaging.images import find_photos
from sbir_cli.imaging.sketches import Sketch
from sbir_cli.search import Searcher
from tests.fakes import FakeEncoder, draw_photo, draw_sketch


class OtherBranch(FakeEncoder):
    """Another sketch branch over the same photo side."""

    @property
    def photo_fingerprint(self) -> str:
        return "fake-1"


@pytest.fixture(scope="module")
def drawn() -> list[Sketch]:
    return drawings_of_nothing()[:6]


@pytest.fixture(autouse=True)
def few(drawn: list[Sketch], monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of five photos is worth a background of six drawings."""
    monkeypatch.setattr(background, "drawings_of_nothing", lambda: drawn)
    monkeypatch.setattr(home, "WORTH_IT", 5)


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> Path:
    update_gallery(tmp_path / "idx.faiss", find_photos([photos]), FakeEncoder())
    return tmp_path / "idx.faiss"


def _best(index: Path, drawn: list[Sketch]) -> list[float]:
    with Searcher(Gallery.open(index), FakeEncoder()) as searcher:
        return [searcher.search(sketch, top=1).hits[0].score for sketch in drawn]


def test_a_percentile_embeds_nothing_beside_the_question(index: Path, drawn: list[Sketch]) -> None:
    encoder = FakeEncoder()
    with Searcher(Gallery.open(index), encoder) as searcher:
        searcher.search(draw_sketch(), min_percentile=95)
        assert encoder.batches == [1]
        held = searcher.gallery.background
        assert held is not None and held.best == pytest.approx(_best(index, drawn), abs=2e-6)


def test_an_update_measures_anew_and_embeds_only_what_is_new(
    index: Path, photos: Path, drawn: list[Sketch]
) -> None:
    before = Gallery.open(index).background
    for number in range(3):
        drawn[number].image.save(photos / f"{number}.png")
    encoder = FakeEncoder()
    update_gallery(index, find_photos([photos]), encoder)
    assert encoder.batches == [3]
    held = Gallery.open(index).background
    assert held is not None and held.best == pytest.approx(_best(index, drawn), abs=2e-6)
    assert before is not None and min(held.best[:3]) > 0.999 > max(before.best)
    for number in range(3):
        (photos / f"{number}.png").unlink()
    update_gallery(index, find_photos([photos]), encoder, embed=EmbedConfig(prune=True))
    held = Gallery.open(index).background
    assert held is not None and held.best == pytest.approx(before.best, abs=2e-6)


def test_it_is_the_same_to_the_byte(index: Path, photos: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.faiss"
    update_gallery(again, find_photos([photos]), FakeEncoder())
    assert database_path(again).read_bytes() == database_path(index).read_bytes()


def test_a_small_run_and_another_sketch_branch_leave_it_to_the_question(
    index: Path, photos: Path, tmp_path: Path, drawn: list[Sketch]
) -> None:
    small = tmp_path / "small.faiss"
    update_gallery(small, find_photos([photos / "deep"]), FakeEncoder())
    assert Gallery.open(small).background is None
    encoder = OtherBranch(fingerprint="other")
    with Searcher(Gallery.open(index), encoder) as searcher:
        searcher.search(draw_sketch(), min_percentile=95)
    assert sum(encoder.batches) == 1 + len(drawn)
    draw_photo(photos / "new.jpg", 60)
    update_gallery(index, find_photos([photos]), encoder)  # one photo, and by the other branch
    held = Gallery.open(index).background
    assert held is not None and held.maker.startswith("fake-1")


def test_a_gallery_of_before_answers_alike_and_a_damaged_one_is_told(
    index: Path, drawn: list[Sketch]
) -> None:
    asked = [draw_sketch(), *(sketch.image for sketch in drawn)]

    def found(index: Path) -> list[list[int]]:
        with Searcher(Gallery.open(index), FakeEncoder()) as searcher:
            return [[h.id for h in searcher.search(s, min_percentile=50)] for s in asked]

    whole = found(index)
    with closing(sqlite3.connect(database_path(index))) as connection, connection:
        connection.execute("UPDATE background SET embeddings = x'0011'")
    with pytest.raises(GalleryError, match="background is not whole"):
        found(index)
    with closing(sqlite3.connect(database_path(index))) as connection, connection:
        connection.execute("DROP TABLE background")
    assert found(index) == whole and any(whole)


def test_merged_galleries_keep_it(index: Path, tmp_path: Path, drawn: list[Sketch]) -> None:
    draw_photo(tmp_path / "more" / "m.jpg", 70)
    update_gallery(tmp_path / "m.faiss", find_photos([tmp_path / "more"]), FakeEncoder())
    galleries = [Gallery.open(tmp_path / "m.faiss"), Gallery.open(index)]
    both = tmp_path / "both.faiss"
    merge(galleries, both, IndexConfig())
    held = Gallery.open(both).background
    assert held is not None and held.best == pytest.approx(_best(both, drawn), abs=2e-6)
