from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbir_cli.datasets import DataSet, Split, read_dataset, resolve_split
from sbir_cli.errors import SbirError, UsageError
from sbir_cli.evaluation.protocols import Evaluation, evaluate
from sbir_cli.evaluation.report import Report
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.imaging.preprocess import Preprocess
from tests.fakes import FakeEncoder, Floats, draw_photo
from tests.trees import make_tree

THREE = {"ant": (3, 4), "bat": (2, 3), "cow": (2, 2)}


def run(data: DataSet, split: Split | None = None, **options: object) -> Evaluation:
    shares = options.pop("shares", ())
    config = EvaluationConfig(resamples=20, batch_size=3, **options)  # type: ignore[arg-type]
    chosen = split or resolve_split(data, None)
    return evaluate(data, chosen, FakeEncoder(), config, shares=shares)  # type: ignore[arg-type]


def value(report: Report, name: str, protocol: str) -> float:
    return next(v.value for v in report.values if (v.name, v.protocol) == (name, protocol))


def test_category_level_on_a_folder(tmp_path: Path) -> None:
    report = run(read_dataset(make_tree(tmp_path, THREE))).report
    assert (report.task, report.average, report.data) == ("category", "queries", "folder all")
    assert (report.queries, report.gallery, report.classes) == (7, 9, 3)
    assert [v.name for v in report.values][::4] == ["mAP@200", "mAP@all", "P@100"]
    assert (report.headline.name, report.headline.protocol) == ("mAP@200", "voc")
    assert value(report, "mAP@200", "trec") == value(report, "mAP@all", "hits")
    assert value(report, "P@100", "min") == 1.0  # the whole gallery
    assert [(row.name, row.sketches) for row in report.per_class] == [
        ("ant", 3),
        ("bat", 2),
        ("cow", 2),
    ]
    weighted = sum(row.sketches * row.values["mAP@all voc"] for row in report.per_class) / 7
    assert value(report, "mAP@all", "voc") == pytest.approx(weighted)
    assert "P@100, P@200 by k cannot reach 1: the largest class has 4 photos" in report.notes


def test_sketches_are_whole_unless_they_are_to_be_fitted(tmp_path: Path) -> None:
    data = read_dataset(make_tree(tmp_path, THREE))
    whole, fitted = run(data), run(data, fit=True)
    assert "raster sketches cropped to their ink (--fit)" in fitted.report.notes
    assert not any("--fit" in note for note in whole.report.notes)
    moved = np.abs(whole.embedded.sketches - fitted.embedded.sketches).max()
    assert moved > 1e-3 and np.array_equal(whole.embedded.photos, fitted.embedded.photos)


def test_the_report_is_json_with_all_that_a_comparison_needs(tmp_path: Path) -> None:
    report = run(read_dataset(make_tree(tmp_path, THREE)), seed=5).report
    found = json.loads(json.dumps(report.as_dict()))
    assert found["schema"] == 1 and found["seed"] == 5 and found["headline"]["protocol"] == "voc"
    assert found["fingerprint"] == "fake-1" and len(found["files_sha256"]) == 64
    assert found["unseen"] == ["ant", "bat", "cow"] and {"sbir", "numpy"} <= set(found["versions"])
    again = run(read_dataset(tmp_path), seed=5).report
    assert again == report


def split_file(folder: Path, unseen: list[str]) -> Path:
    (folder / "split.json").write_text(json.dumps({"unseen": unseen}))
    return folder / "split.json"


def test_seen_classes_are_in_the_gallery_when_generalised_only(tmp_path: Path) -> None:
    data = read_dataset(make_tree(tmp_path, THREE))
    split = resolve_split(data, split_file(tmp_path, ["ant"]))
    zero, general = run(data, split).report, run(data, split, generalized=True).report
    assert (zero.queries, zero.gallery) == (3, 4) and value(zero, "mAP@all", "voc") == 1
    assert (general.queries, general.gallery) == (3, 9) and general.task == "generalized"
    assert general.seen_in_gallery == ["bat", "cow"]
    assert value(general, "mAP@all", "voc") < 1
    with pytest.raises(UsageError, match="needs a split with seen classes"):
        run(data, generalized=True)


@dataclass
class PairEncoder(FakeEncoder):
    """Embeds by the order of calls: photos as the axes, sketches as set by hand."""

    axes: int = 4
    sketches: list[list[float]] = field(default_factory=list)
    seen: int = 0

    def encode_photos(self, pixels: np.typing.NDArray[Any]) -> Floats:
        return np.eye(self.axes, dtype=np.float32)[: len(pixels)]

    def encode_sketches(self, pixels: Floats) -> Floats:
        return np.array(self.sketches, dtype=np.float32)


def test_fine_grained_is_the_mean_over_classes_of_ranks_in_the_class(tmp_path: Path) -> None:
    data = read_dataset(make_tree(tmp_path, {"ant": (1, 2), "bat": (2, 2)}))
    encoder = PairEncoder(
        sketches=[
            [0.1, 0.5, 0.9, 0.9],  # ant a: second of its class; bats do not count
            [0, 0, 0.6, 0.5],  # bat a: first
            [0, 0, 0.5, 0.5],  # bat b: a tie with photo a, whose path comes first
        ]
    )
    config = EvaluationConfig(task="fine-grained", cuts=(1, 2), resamples=5)
    report = evaluate(data, resolve_split(data, None), encoder, config).report
    assert [(v.name, v.value) for v in report.values] == [("Acc@1", 0.25), ("Acc@2", 1.0)]
    assert report.average == "classes"
    assert report.per_class[1].values == {"Acc@1 class mean": 0.5, "Acc@2 class mean": 1.0}


def test_sketches_without_a_photo_of_their_own_are_counted(tmp_path: Path) -> None:
    make_tree(tmp_path, {"ant": (3, 2)})
    report = run(read_dataset(tmp_path), task="fine-grained").report
    assert (report.queries, report.left_out) == (2, 1)
    assert report.notes == ["1 sketches whose own photo is missing (first: sketch/ant/c-1.png)"]
    (tmp_path / "pairs.csv").write_text("sketch,photo\n")
    with pytest.raises(SbirError, match="no sketch has a photo of its own; name the pairs alike"):
        run(read_dataset(tmp_path), task="fine-grained")


@pytest.mark.parametrize("task", ["category", "fine-grained"])
def test_unreadable_images_are_counted_and_shift_nothing(tmp_path: Path, task: str) -> None:
    """The numbers are those of the data set without them."""
    whole, clean = make_tree(tmp_path / "1", THREE), make_tree(tmp_path / "2", THREE)
    for name in ("sketch/ant/a-1.png", "photo/bat/b.jpg", "photo/cow/a.jpg"):
        (whole / name).write_bytes(b"broken")
        (clean / name).unlink()
    for name in ("photo/ant/0.jpg", "sketch/cow/0.png"):
        (whole / name).write_bytes(b"")
    bad, good = (run(read_dataset(root), task=task).report for root in (whole, clean))
    assert bad.values == good.values and bad.per_class == good.per_class
    assert (bad.queries, bad.gallery) == (good.queries, good.gallery)
    assert [entry["path"] for entry in bad.unreadable] == [
        "sketch/ant/a-1.png",
        "sketch/cow/0.png",
        "photo/ant/0.jpg",
        "photo/bat/b.jpg",
        "photo/cow/a.jpg",
    ]
    assert bad.unreadable[1]["reason"] == "empty file" and good.unreadable == []


def test_a_side_that_cannot_be_read_at_all_is_an_error(tmp_path: Path) -> None:
    make_tree(tmp_path, {"ant": (1, 1)})
    (tmp_path / "photo" / "ant" / "a.jpg").write_bytes(b"broken")
    with pytest.raises(SbirError, match=r"none of 1 images can be read \(first: .*a.jpg: not an"):
        run(read_dataset(tmp_path))


def test_embeddings_that_are_not_finite_are_an_error(tmp_path: Path) -> None:
    data = read_dataset(make_tree(tmp_path, {"ant": (1, 2)}))
    encoder = PairEncoder(sketches=[[np.nan] * 4])
    with pytest.raises(SbirError, match="not finite"):
        evaluate(data, resolve_split(data, None), encoder, EvaluationConfig())


def test_a_wrong_tree_shows_in_the_counts(tmp_path: Path) -> None:
    for name in ("bat", "cabin"):
        draw_photo(tmp_path / "photo" / name / "n1_1.jpg")
        draw_photo(tmp_path / "sketch" / name / "n1_1-1.png")
    data = read_dataset(tmp_path, "sketchy")
    notes = run(data).report.notes
    assert notes[0].startswith("21 unseen classes expected for sketchy paper21, found 2 (not cow,")
    assert "12,694 queries expected for sketchy paper21, found 2" in notes
    assert "10,453 photos expected for sketchy paper21, found 2" in notes
    fine = run(data, task="fine-grained").report
    assert "galleries of 1 photos a class, where the paper's have 100" in fine.notes


@dataclass
class InkEncoder(FakeEncoder):
    """Notes how dark the sketches are that it is given."""

    ink: list[float] = field(default_factory=list)

    def encode_sketches(self, pixels: Floats) -> Floats:
        self.ink.append(float((1 - pixels).sum()))
        return self.encode_photos(pixels)


def test_partial_drawings_end_at_the_whole_one(tmp_path: Path) -> None:
    data = read_dataset(make_tree(tmp_path, {"ant": (3, 4)}, vector=True), vector=True)
    encoder, config = InkEncoder(), EvaluationConfig(resamples=20)
    split = resolve_split(data, None)
    report = evaluate(data, split, encoder, config, shares=[1.0, 0.2]).report
    assert [part.share for part in report.partial] == [0.2, 1.0]
    assert report.partial[1].values == report.values
    whole, fifth, again = encoder.ink
    assert fifth < whole == again


def test_settings_name_the_option_that_is_wrong() -> None:
    for options, message in (
        ({"cuts": (0,)}, "--k must be at least 1"),
        ({"workers": 0}, "--workers"),
        ({"seed": -1}, "--seed"),
        ({"task": "fine"}, "--task must be"),
        ({"task": "fine-grained", "generalized": True}, "--generalized is for"),
    ):
        with pytest.raises(UsageError, match=message):
            EvaluationConfig(**options)


def test_the_encoder_sees_its_own_preprocessing(tmp_path: Path) -> None:
    data = read_dataset(make_tree(tmp_path, {"ant": (1, 5)}))
    encoder = FakeEncoder(preprocess=Preprocess((16, 16), (0.1,) * 3, (0.3,) * 3))
    evaluate(data, resolve_split(data, None), encoder, EvaluationConfig(batch_size=2))
    assert encoder.batches == [2, 2, 1, 1]
