"""A question put to a gallery, whoever asks it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sbir_cli.config import QueryConfig
from sbir_cli.embedding import Embeddings
from sbir_cli.errors import ImageError, MismatchError, ModelError, UsageError
from sbir_cli.gallery import Gallery, embed_gallery, update_gallery
from sbir_cli.imaging.background import drawings_of_nothing
from sbir_cli.imaging.images import find_photos
from sbir_cli.imaging.preprocess import Pixels
from sbir_cli.imaging.sketches import read_sketch, sketch_of
from sbir_cli.search import Answer, Question, Searcher
from tests.fakes import FakeEncoder, draw_photo, draw_sketch


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> Path:
    update_gallery(tmp_path / "idx.faiss", find_photos([photos]), FakeEncoder())
    return tmp_path / "idx.faiss"


def _searcher(index: Path) -> Searcher:
    return Searcher(Gallery.open(index), FakeEncoder())


def test_one_sketch_one_answer(index: Path, tmp_path: Path) -> None:
    draw_sketch(tmp_path / "s.png")
    with _searcher(index) as searcher:
        answer = searcher.search(tmp_path / "s.png", top=3)
        assert answer.name == str(tmp_path / "s.png")
        assert [hit.rank for hit in answer] == [1, 2, 3] == list(range(1, len(answer) + 1))
        scores = [hit.score for hit in answer]
        assert scores == sorted(scores, reverse=True) and all(hit.path.is_file() for hit in answer)
        for same in (str(tmp_path / "s.png"), draw_sketch(), read_sketch(tmp_path / "s.png")):
            assert searcher.search(same, top=3, fit=not isinstance(same, str)).hits


@pytest.mark.slow
def test_galleries_of_one_model_share_it(tmp_path: Path) -> None:
    teapots = Path(__file__).parents[1] / "examples" / "photos" / "teapot"
    first, other = Searcher.open(), tmp_path / "i.faiss"
    assert Searcher.open(beside=[first]).encoder is first.encoder
    embed_gallery(teapots, other, model="sbir-mini")
    assert Searcher.open(other, beside=[first]).encoder is not first.encoder


def test_many_questions_each_with_its_own_cut(index: Path) -> None:
    sketches = [sketch_of(draw_sketch(side=side)) for side in range(40, 110)]  # more than a batch
    cuts = [QueryConfig(top=1 + i % 2) for i in range(70)]
    searcher = _searcher(index)
    answers = list(searcher.answers(map(Question, sketches, cuts)))
    assert [len(answer) for answer in answers] == [cut.top for cut in cuts]
    for answer, sketch in zip(answers, sketches, strict=True):
        alone = searcher.search(sketch, top=1).hits[0]
        assert answer.sketch is sketch and answer.hits[0].path == alone.path
        assert answer.hits[0].score == pytest.approx(alone.score, abs=2e-6)


@pytest.mark.parametrize(("side", "most"), [(40, 16), (2000, 2)])
def test_few_large_drawings_are_held_at_a_time(index: Path, side: int, most: int) -> None:
    sketch, taken = sketch_of(draw_sketch(side=40)), 0
    sketch = replace(sketch, image=sketch.image.resize((side, side)))

    def questions() -> Iterator[Question]:
        nonlocal taken
        for _ in range(40):
            taken += 1
            yield Question(sketch)

    next(_searcher(index).answers(questions()))
    assert taken == most


def test_another_encoder_is_refused_whoever_asks(index: Path, photos: Path) -> None:
    other = FakeEncoder(fingerprint="fake-2", name="other")
    mend = rf"not embedded by other as it is now; `sbir embed-gallery {photos} -o {index} --model o"
    with pytest.raises(MismatchError, match=mend):
        Searcher(Gallery.open(index), other)
    vectors = np.eye(1, 24, dtype=np.float32)
    with pytest.raises(MismatchError, match=mend):
        Gallery.open(index).nearest(vectors, other, QueryConfig())


def test_the_model_of_another_gallery_is_refused_before_a_sketch_is_read(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FakeEncoder(fingerprint="fake-2")
    monkeypatch.setattr("sbir_cli.search.load_sketch_encoder", lambda *args, **options: other)
    with pytest.raises(MismatchError):
        Searcher.open(index)


def test_only_a_model_that_the_caller_names_may_be_downloaded(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    def load(name: str, device: str, download: bool, cache: object) -> FakeEncoder:
        asked.append((name, download))
        return FakeEncoder()

    monkeypatch.setattr("sbir_cli.search.load_sketch_encoder", load)
    Searcher.open(index).close()
    Searcher.open(str(index), model="mine").close()
    assert asked == [("fake", False), ("mine", True)]


def test_a_small_drawing_is_cut_out_unless_asked_otherwise(index: Path) -> None:
    canvas = Image.new("L", (400, 300), 255)
    canvas.paste(draw_sketch(), (300, 10))
    searcher = _searcher(index)
    answers = (searcher.search(canvas, fit=fit) for fit in (True, False))
    fitted, whole = (answer.sketch.image for answer in answers if answer.sketch)
    assert fitted.width < 100 and whole.size == (400, 400)


def test_a_file_of_many_drawings_is_asked_by_its_lines(index: Path, tmp_path: Path) -> None:
    file = tmp_path / "two.ndjson"
    file.write_text('{"drawing": [[[0, 9], [0, 9]]]}\n{"drawing": [[[0, 9], [9, 0]]]}\n')
    searcher = _searcher(index)
    with pytest.raises(UsageError, match=r"holds 2 drawings; name one, such as .*two\.ndjson#1"):
        searcher.search(file)
    assert searcher.search(f"{file}#2").name == f"{file}#2"
    with pytest.raises(ImageError, match="no such line"):
        searcher.search(f"{file}#3")
    with pytest.raises(ImageError, match="no such file"):
        searcher.search(tmp_path / "none.png")
    with pytest.raises(ImageError, match="blank"):
        searcher.search(Image.new("RGB", (30, 30), "white"))
    with pytest.raises(UsageError, match="--top"):
        searcher.search(draw_sketch(), top=0)


def test_a_model_that_gives_no_numbers_is_told(index: Path) -> None:
    class Broken(FakeEncoder):
        def encode_sketches(self, pixels: Pixels) -> Embeddings:
            return np.full((len(pixels), self.dimension), np.nan, np.float32)

    with pytest.raises(ModelError, match="not finite"):
        Searcher(Gallery.open(index), Broken()).search(draw_sketch())


def test_threads_may_ask_at_once(index: Path) -> None:
    """A prompted tower is changed while it computes: one question at a time goes through it."""

    @dataclass
    class Guarded(FakeEncoder):
        inside: int = 0
        most: int = 0

        def encode_sketches(self, pixels: Pixels) -> Embeddings:
            self.inside += 1
            self.most = max(self.most, self.inside)
            vectors = self.encode_photos(pixels)
            self.inside -= 1
            return vectors

    encoder = Guarded(seconds_per_batch=0.01)
    searcher = Searcher(Gallery.open(index), encoder)
    start = threading.Barrier(4)

    def ask(_: int) -> Answer:
        start.wait()
        return searcher.search(draw_sketch())

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    assert encoder.most == 1 and all(a.hits == answers[0].hits for a in answers)


def test_a_notebook_shows_a_table_with_pictures(index: Path, photos: Path) -> None:
    draw_photo(photos / "<b>.jpg", seed=90)
    update_gallery(index, find_photos([photos]), FakeEncoder())
    searcher = _searcher(index)
    (photos / "p1.jpg").unlink()
    shown = searcher.search(draw_sketch(), top=11)._repr_html_()
    assert shown.count("<tr>") == 11 and shown.count("data:image/jpeg;base64,") == 10
    assert shown.count("data:image/png;base64,") == 1 and "&lt;b&gt;.jpg" in shown
    assert "no such file" in shown and "<b>" not in shown
    nothing = searcher.search(draw_sketch(), min_score=1)._repr_html_()
    assert "no photo scores that high" in nothing


def test_a_percentile_is_of_what_drawings_of_nothing_reach_in_this_gallery(index: Path) -> None:
    with _searcher(index) as searcher:
        drawn = drawings_of_nothing()
        best = [searcher.search(sketch, top=1).hits[0].score for sketch in drawn]
        sketch = drawn[int(np.argsort(best)[70])]
        for percentile, found in ((60, True), (80, False)):
            hits = searcher.search(sketch, min_percentile=percentile).hits
            assert bool(hits) is found
            assert all(hit.score >= np.percentile(best, percentile) for hit in hits)
        with pytest.raises(UsageError, match="one drawing alone"):
            Question(sketch, QueryConfig(min_percentile=95), words="red")
