"""Questions of more than one drawing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sbir_cli.config import QueryConfig
from sbir_cli.errors import ModelError, UsageError
from sbir_cli.gallery import Gallery, update_gallery
from sbir_cli.gallery.narrowing import folded_into
from sbir_cli.imaging.images import find_photos
from sbir_cli.imaging.sketches import mirrored, sketch_of
from sbir_cli.question import Parts, Question, blend
from sbir_cli.search import Searcher
from tests.fakes import FakeEncoder, draw_photo, draw_sketch
from tests.gallery.queries import embed

Vector = npt.NDArray[np.float32]


def _unit(*values: float) -> Vector:
    vector = np.array(values, dtype=np.float32)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def _spread(**of: float) -> Callable[[Vector], float]:
    return lambda vector: of["x"] if vector[0] > vector[1] else of["y"]


DRAWN, WORD = _unit(1, 0, 0), _unit(0, 1, 0)


def test_one_part_is_itself_whatever_the_weight() -> None:
    for weight in (0.0, 0.5, 1.0):
        assert blend(Parts(sketches=[DRAWN]), weight, _spread(x=1, y=1)) is DRAWN
        assert blend(Parts(words=[WORD]), weight, _spread(x=1, y=1)) is WORD
        assert blend(Parts(like=[WORD]), weight, _spread(x=1, y=1)) is WORD


def test_a_weight_of_half_gives_scales_that_differ_the_same_say() -> None:
    """Words' cosines spread a fifth as far, so their vector must count five times as much."""
    both = blend(Parts(sketches=[DRAWN], words=[WORD]), 0.5, _spread(x=0.2, y=0.04))
    assert both == pytest.approx(_unit(1, 5, 0), abs=1e-6)


def test_weights_at_their_ends_leave_one_part() -> None:
    parts = Parts(sketches=[DRAWN], words=[WORD])
    assert blend(parts, 0.0, _spread(x=0.2, y=0.04)) == pytest.approx(DRAWN)
    assert blend(parts, 1.0, _spread(x=0.2, y=0.04)) == pytest.approx(WORD)


def test_what_it_is_not_is_taken_away_as_a_mean() -> None:
    once = blend(Parts(sketches=[DRAWN], unlike=[WORD]), 0.5, _spread(x=1, y=1))
    assert once == pytest.approx(_unit(1, -0.4, 0), abs=1e-6)
    twice = blend(Parts(sketches=[DRAWN], unlike=[WORD, WORD]), 0.5, _spread(x=1, y=1))
    assert twice == pytest.approx(once, abs=1e-6)


def test_several_drawings_are_their_mean() -> None:
    both = blend(Parts(sketches=[DRAWN, WORD]), 0.5, _spread(x=1, y=1))
    assert both == pytest.approx(_unit(1, 1, 0), abs=1e-6)


@pytest.mark.parametrize(
    "make", [Question, lambda: Question(words="  "), lambda: Question(words="x", weight=1.5)]
)
def test_a_question_of_nothing_is_refused(make: Callable[[], Question]) -> None:
    with pytest.raises(UsageError):
        make()


@pytest.fixture
def searcher(photos: Path, tmp_path: Path) -> Searcher:
    update_gallery(tmp_path / "idx.faiss", find_photos([photos]), FakeEncoder())
    return Searcher(Gallery.open(tmp_path / "idx.faiss"), FakeEncoder())


def test_a_photo_of_the_gallery_is_known_by_id_and_by_file(
    searcher: Searcher, photos: Path
) -> None:
    number = searcher.gallery.id_of(photos / "p3.jpg")
    assert number is not None
    for name in (number, photos / "p3.jpg", str(photos / "deep" / ".." / "p3.jpg")):
        vector = searcher.photo(name)
        assert vector == pytest.approx(embed(photos / "p3.jpg")[0], abs=1e-6)
        (answer,) = searcher.answers([Question(like=(vector,))])
        assert answer.hits[0].path == photos / "p3.jpg" and answer.sketch is None
    with pytest.raises(UsageError, match="no photo 10"):
        searcher.photo(10)


def test_mirror_and_together(searcher: Searcher) -> None:
    image = draw_sketch()
    image.paste(0, (4, 4, 20, 12))
    sketch, other = sketch_of(image, "a"), sketch_of(draw_sketch(side=80), "b")

    def first(**question: object) -> list[float]:
        (answer,) = searcher.answers([Question(sketch, **question)])  # type: ignore[arg-type]
        return [hit.score for hit in sorted(answer.hits, key=lambda hit: hit.id)]

    assert first(mirror=True) == pytest.approx(first(also=(mirrored(sketch),)), abs=1e-5)
    assert first(mirror=True) != pytest.approx(first(), abs=1e-3)
    assert first(also=(other,)) != pytest.approx(first(), abs=1e-3)


def test_words_need_a_model_that_knows_them(searcher: Searcher) -> None:
    with pytest.raises(ModelError):
        list(searcher.answers([Question(words="red")]))


@pytest.mark.parametrize("kind", ["flat", "hnsw", "ivf", "ivf-rabitq"])
def test_below_a_folder_the_best_of_it_are_found(kind: str, tmp_path: Path) -> None:
    from sbir_cli.config import IndexConfig

    for i in range(60):
        draw_photo(tmp_path / "p" / ("a" if i % 3 else "b c") / f"{i}.png", i, (16, 16))
    config = IndexConfig(type=kind)  # type: ignore[arg-type]
    index, encoder = tmp_path / "i.faiss", FakeEncoder()
    update_gallery(index, find_photos([tmp_path / "p"]), encoder, storage=config)
    gallery = Gallery.open(index)
    query = embed(tmp_path / "p" / "a" / "1.png")
    whole = gallery.nearest(query, encoder, QueryConfig(top=60))[0]
    for pattern, folder in (("b c", "b c"), ("b c/*", "b c"), ("./a/", "a"), ("*/1*", "a")):
        found = gallery.nearest(query, encoder, QueryConfig(top=5, where=pattern))[0]
        wanted = [hit for hit in whole if hit.path.parent.name == folder]
        if pattern == "*/1*":
            wanted = [hit for hit in whole if hit.path.name.startswith("1")]
        assert [hit.path for hit in found] == [hit.path for hit in wanted[:5]], pattern
    assert gallery.nearest(query, encoder, QueryConfig(where="nowhere"))[0] == []


def test_near_duplicates_are_folded_into_the_best_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    for i in range(12):
        draw_photo(folder / f"{i}.png", i, (64, 64))
    with Image.open(folder / "3.png") as one:
        one.save(folder / "3 again.jpg", quality=80)
        one.resize((48, 48)).save(folder / "3 small.png")
    update_gallery(tmp_path / "i.faiss", find_photos([folder]), FakeEncoder())
    gallery = Gallery.open(tmp_path / "i.faiss")
    query = embed(folder / "3.png")
    hits = gallery.nearest(query, FakeEncoder(), QueryConfig(top=20, dedupe=True))[0]
    assert len(hits) == 12 and hits[0].folded == 2 and hits[0].path.name == "3.png"
    assert [hit.rank for hit in hits] == list(range(1, 13))
    assert sum(hit.folded for hit in hits) == 2
    few = gallery.nearest(query, FakeEncoder(), QueryConfig(top=3, dedupe=True))[0]
    assert [hit.path for hit in few] == [hit.path for hit in hits[:3]]


def test_folding_is_by_the_best_and_never_by_a_chain() -> None:
    angles = np.deg2rad([0, 4, 8, 40])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    near = 1 - float(np.cos(np.deg2rad(5)))
    assert folded_into(vectors, near) == [0, 0, 2, 3]
