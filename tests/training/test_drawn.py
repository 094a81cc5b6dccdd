"""Training on drawings of plain photos and on named drawings: tiny models, whole runs."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional

from sbir_cli.config import TrainConfig
from sbir_cli.datasets import DrawingSet, PhotoSet, look_at, read_drawings, read_photos
from sbir_cli.encoder.torch_encoder import PromptedEncoder, load_encoder
from sbir_cli.errors import SbirError, UsageError
from sbir_cli.imaging.line_drawing import SIDE
from sbir_cli.training import course, loop
from sbir_cli.training.batch_loader import Normaliser
from sbir_cli.training.drawn import elsewhere, ink, loader, material, run
from sbir_cli.training.drawn.exam import Exam, Examiner
from sbir_cli.training.drawn.objective import DrawnObjective, spread
from sbir_cli.training.drawn.run import train_on_drawings
from sbir_cli.training.folder import STATE
from sbir_cli.training.methods import make_method
from sbir_cli.training.presets import preset_config
from tests.datasets.test_photo_sets import photo
from tests.training.conftest import draw_classes

CONFIG = preset_config(
    "photos", epochs=2, batch_size=8, drawings_per_photo=2, prompt_lr=0.01, patience=0, held_out=0.2
)


def discs(path: Path, number: int) -> Path:
    """A photo that can be drawn: a dark disc of its own place and size on a grainy ground."""
    random = np.random.default_rng(number)
    rough = Image.fromarray(random.integers(120, 255, (4, 4, 3)).astype(np.uint8))
    ground = np.asarray(rough.resize((64, 64), Image.Resampling.BICUBIC), np.float64)
    x, y, r = random.integers(20, 44), random.integers(20, 44), random.integers(9, 18)
    rows, columns = np.mgrid[:64, :64]
    inside = (rows - y) ** 2 + (columns - x) ** 2 < r * r
    pixels = np.where(inside[..., None], random.integers(0, 60, 3), ground)
    pixels = pixels + random.normal(0, 5, pixels.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> PhotoSet:
    """26 photos, two of which are alike."""
    root = tmp_path_factory.mktemp("photos")
    for i in range(25):
        discs(root / f"{i:02}.png", i)
    (root / "copy.png").write_bytes((root / "03.png").read_bytes())
    return look_at(read_photos([root]))


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> DrawingSet:
    """Six classes of six drawings."""
    return read_drawings([draw_classes(tmp_path_factory.mktemp("drawn")) / "sketch"])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No exported graph, and no drawings of the examples."""
    monkeypatch.setattr(course, "_write_graph", lambda encoder, output: None)
    monkeypatch.setattr(run, "example_exam", lambda *arguments: None)


def test_ink_survives_packing_and_a_distortion_is_its_seeds_own() -> None:
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    drawn[40:44, 30:120] = drawn[40:100, 30:34] = 255
    assert np.array_equal(ink.unpack(ink.pack(drawn)), drawn)
    plain = ink.pixels(drawn, (SIDE, SIDE))
    assert plain.shape == (3, SIDE, SIDE) and np.array_equal(plain[0], 255 - drawn)
    one, again, other = (
        ink.pixels(drawn, (64, 64), np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert one.shape == (3, 64, 64) and np.array_equal(one, again)
    assert not np.array_equal(one, other)
    for seed in range(20):  # neither lost nor smeared over the paper
        share = (ink.pixels(drawn, (224, 224), np.random.default_rng(seed))[0] < 128).mean()
        assert 0.5 < share / (drawn > 0).mean() < 2.2
    wide = ink.pixels(drawn, (64, 96))  # the square is in the middle
    assert (wide[:, :, :15] == 255).all() and (wide[:, :, 16:80] < 128).any()


def test_a_mirrored_drawing_is_the_mirror_image(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mirror:
        def uniform(self, low: float, high: float, size: int | None = None) -> Any:
            middle = 1.0 if low > 0 else 0.0
            return middle if size is None else np.full(size, middle)

        def random(self) -> float:
            return 0.4  # mirrored, no thicker

    drawn = np.zeros((SIDE, SIDE), np.uint8)
    drawn[40:44, 30:120] = drawn[40:100, 30:34] = 255
    random: Any = Mirror()
    mirrored = ink.pixels(drawn, (SIDE, SIDE), random)[0]
    assert np.array_equal(mirrored, 255 - drawn[:, ::-1])


def test_a_photo_is_drawn_by_its_seed_and_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    with Image.open(discs(tmp_path / "a.png", 1)) as image:
        first, again = (ink.photo_drawings(image, 5, [0, 7]) for _ in range(2))
        other = ink.photo_drawings(image, 5, [1, 7])
    assert first is not None and again is not None and other is not None
    assert first.shape == (5, ink.PACKED) and np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert ink.photo_drawings(Image.new("RGB", (64, 64), "grey"), 4, [0, 1]) is None


def test_the_losses_of_an_objective_are_those_of_its_parts() -> None:
    random = torch.Generator().manual_seed(0)
    photos = functional.normalize(torch.randn(6, 5, generator=random), dim=-1)
    texts = functional.normalize(torch.randn(3, 5, generator=random), dim=-1)
    config = preset_config("photos", relation_weight=0.25)
    objective = DrawnObjective(config, photos, torch.arange(6), texts, 0.1, 0.01)
    batch = loader.DrawnBatch(
        drawings=torch.zeros(3, 3, 4, 4),
        candidates=torch.tensor([1, 2, 5]),
        own=torch.tensor([2, 0]),
        labels=torch.tensor([1]),
    )
    assert [(name, kind) for name, kind, _ in objective.images(batch)] == [("drawing", "sketch")]
    right = torch.stack([photos[5], photos[1], texts[1]])
    found = objective({"drawing": right}, batch)
    assert found["distance"] < 1e-6 and found["cls sketch"] < 1e-3
    total = sum(
        weight * found[name]
        for name, weight in (
            *(("own photo", 0.5), ("relation", 0.25), ("distance", 1.0), ("cls sketch", 0.5)),
        )
    )
    assert torch.isclose(found["total"], torch.as_tensor(total))
    wrong = objective({"drawing": right[[1, 0, 2]]}, batch)
    assert all(wrong[k] > found[k] for k in ("own photo", "relation", "distance"))


def test_the_temperature_follows_the_cone_that_photos_lie_in() -> None:
    random = torch.Generator().manual_seed(0)
    wide = torch.randn(200, 64, generator=random)
    narrow = wide + 3
    unit = [functional.normalize(each, dim=-1) for each in (wide, narrow)]
    assert spread(unit[1]) < spread(unit[0]) / 3 and 0.05 < spread(unit[0]) < 0.08


def _lessons(photos: int, named: int) -> loader.Lessons:
    random = np.random.default_rng(0)
    return loader.Lessons(
        random.integers(0, 256, (photos, 3 if photos else 1, ink.PACKED)).astype(np.uint8),
        random.integers(0, 256, (named, ink.PACKED)).astype(np.uint8),
        random.integers(0, 4, named),
    )


@pytest.mark.parametrize(("photos", "named"), [(21, 0), (0, 9), (21, 5), (3, 40)])
def test_an_epoch_takes_every_photo_once_and_names_in_turn(
    encoder: PromptedEncoder, photos: int, named: int
) -> None:
    lessons = _lessons(photos, named)
    normaliser = Normaliser(encoder.preprocess, torch.device("cpu"))
    whole = loader.DrawnLoader(lessons, normaliser, (32, 32), CONFIG)
    steps = whole.epoch(0)
    drawn = np.concatenate([step.photos for step in steps])
    taken = np.concatenate([step.named for step in steps])
    size = {(21, 0): 8, (0, 9): 0, (21, 5): 4, (3, 40): 3}[photos, named]
    assert len(drawn) == len(np.unique(drawn)) == max(1, photos // max(size, 1)) * size
    times = np.bincount(taken, minlength=named)
    assert not named or times.max() - times.min() <= 1
    batches = list(whole.batches(steps, 0, 0))
    for step, batch in zip(steps, batches, strict=True):
        assert torch.equal(batch.candidates[batch.own], torch.from_numpy(step.photos))
        assert batch.labels.tolist() == lessons.labels[step.named].tolist()
        assert len(batch.drawings) == len(batch.own) + len(batch.labels)
    later = list(whole.batches(steps, 0, len(steps) - 1))
    assert torch.equal(later[0].drawings, batches[-1].drawings)
    assert not list(whole.batches(steps, 0, len(steps)))  # killed at the very end of an epoch


@pytest.mark.slow
def test_the_exam_counts_what_is_found_first(encoder: PromptedEncoder) -> None:
    method = make_method(encoder, CONFIG)
    lessons = _lessons(6, 0)
    normaliser = Normaliser(encoder.preprocess, torch.device("cpu"))
    drawn = lessons.drawings[:, 0]
    pixels = normaliser(np.stack([ink.pixels(i, (32, 32)) for i in ink.unpack(drawn)]))
    with torch.no_grad():
        own = functional.normalize(method.through(method.bare(), pixels), dim=-1)

    def mark(targets: torch.Tensor, rows: list[int]) -> tuple[float, float]:
        examiner = Examiner([Exam(drawn, targets, np.array(rows))], normaliser, (32, 32))
        found = examiner.mark(method, method.bare())
        assert examiner.plain(method) == found.mean_ap
        return found.mean_ap, found.accuracy

    assert mark(own, [0, 1, 2, 3, 4, 5]) == (1.0, 1.0)
    assert mark(own, [0, 1, 2, 3, 4, 4])[1] == pytest.approx(5 / 6)
    collapsed = mark(own[:1].expand(6, -1), [0, 1, 2, 3, 4, 5])  # all alike
    assert collapsed[0] == pytest.approx(1 / 6) and collapsed[1] == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("kinds", ["photos", "drawings", "both"])
@pytest.mark.parametrize("saved", [0.0, 1e9], ids=["each step", "each epoch"])
def test_killed_and_resumed_it_ends_as_if_uninterrupted(
    encoder: PromptedEncoder,
    photos: PhotoSet,
    drawings: DrawingSet,
    tmp_path: Path,
    kinds: str,
    saved: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "_SAVE_SECONDS", saved)
    given = (photos if kinds != "drawings" else None, drawings if kinds != "photos" else None)
    config = replace(CONFIG, held_out=0.34)
    left = [0]

    def watch(phase: str, done: int, total: int, losses: dict[str, float]) -> None:
        left[0] -= phase.startswith("epoch")
        if left[0] == 0:
            raise KeyboardInterrupt

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = train_on_drawings(*given, encoder, config, whole)
    left[0] = 3
    with pytest.raises(KeyboardInterrupt):
        train_on_drawings(*given, encoder, config, parts, resume=True, watch=watch)
    if kinds != "drawings":
        assert (parts / material.MADE).exists()
        monkeypatch.setattr(material, "photo_drawings", None)  # nothing is drawn again
    found = train_on_drawings(*given, encoder, config, parts, resume=True)
    branches = "branches.safetensors"
    assert (parts / branches).read_bytes() == (whole / branches).read_bytes()
    first, second = load_file(whole / STATE), load_file(parts / STATE)
    assert all(torch.equal(first[k], second[k]) for k in first | second)
    assert not (parts / material.MADE).exists() and found.trained == expected.trained
    for a, b in zip(expected.state.history, found.state.history, strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}


@pytest.mark.slow
@pytest.mark.parametrize("better", [True, False])
def test_the_plain_branch_is_kept_where_training_does_not_beat_it(
    encoder: PromptedEncoder,
    photos: PhotoSet,
    tmp_path: Path,
    better: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Examiner, "plain", lambda self, method: 0.4)
    monkeypatch.setattr(Examiner, "trained", lambda self, method: 0.5 if better else 0.4)
    monkeypatch.setattr(run, "example_exam", lambda *arguments: pytest.fail("asked elsewhere"))
    plain, config = encoder.fingerprint, replace(CONFIG, narrow=True)
    report = train_on_drawings(photos, None, encoder, config, tmp_path / "c")
    again = load_encoder(str(tmp_path / "c"), "cpu")
    assert report.keeps_plain is not better and (again.fingerprint == plain) is not better
    assert again.photo_fingerprint == encoder.photo_fingerprint  # galleries serve either way
    training = json.loads((tmp_path / "c" / "config.json").read_text())["training"]
    assert training["plain"] is not better
    assert training["validation"] == {
        "metric": "mAP",
        "of": "drawings of 6 held-out photos",
        "value": 0.5 if better else 0.4,
        "before_training": 0.4,
    }


def test_an_epoch_that_is_worse_elsewhere_counts_for_no_more_than_nothing() -> None:
    before = {"epoch": 0.0, "validation": 0.4, "elsewhere": 0.6}
    for other, counts in ((0.7, 0.5), (0.595, 0.5), (0.58, 0.4)):
        assert loop.counted({"validation": 0.5, "elsewhere": other}, before) == counts
    assert loop.counted({"validation": 0.3, "elsewhere": 0.1}, before) == 0.3
    assert loop.counted({"validation": 0.5}, {"validation": 0.4}) == 0.5
    assert loop.counted({}, {}) is None


@pytest.mark.slow
def test_photos_of_a_narrow_folder_must_not_make_it_worse_than_nothing(
    encoder: PromptedEncoder,
    photos: PhotoSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:

    def worse(*arguments: Any) -> loop.Elsewhere:
        plain = elsewhere.example_exam(*arguments).plain
        return loop.Elsewhere(lambda method: plain(method) - 0.1, plain)

    monkeypatch.setattr(elsewhere, "_EACH", 1)
    monkeypatch.setattr(run, "example_exam", worse)
    monkeypatch.setattr(Examiner, "trained", lambda self, method: 0.99)
    report = train_on_drawings(photos, None, encoder, replace(CONFIG, epochs=1), tmp_path / "c")
    training = json.loads((tmp_path / "c" / "config.json").read_text())["training"]
    assert report.keeps_plain and training["plain"]
    before, after = report.state.history
    assert 0.02 < before["elsewhere"] < 0.6 and before["validation"] < 0.99
    assert report.narrow == after and after["validation"] == 0.99
    assert after["elsewhere"] == before["elsewhere"] - 0.1
    assert training["elsewhere"]["value"] == before["elsewhere"]


@pytest.mark.slow
def test_near_duplicates_are_on_one_side_and_what_cannot_be_drawn_is_told(
    encoder: PromptedEncoder, photos: PhotoSet, tmp_path: Path
) -> None:
    assert photos.different == 25 and len(photos.photos) == 26
    root = tmp_path / "photos"
    for path in photos.photos:
        (root / path.name).parent.mkdir(exist_ok=True)
        (root / path.name).write_bytes(path.read_bytes())
    photo(root / "soft.png", 99, size=64)
    Image.new("RGB", (64, 64), "grey").save(root / "grey.png")
    looked = look_at(read_photos([root]))
    gone = root / "07.png"
    gone.unlink()
    for seed in range(4):
        config = replace(CONFIG, epochs=1, seed=seed, held_out=0.4)
        report = train_on_drawings(looked, None, encoder, config, tmp_path / str(seed))
        left = dict(report.unreadable)
        assert gone in left
        assert left.get(root / "grey.png", material._NO_LINES) == material._NO_LINES
        assert report.photos + 10 <= 27  # the copy of a held-out photo is not trained on


@pytest.mark.slow
def test_a_fraction_of_the_photos_is_judged_by_the_same_held_out_ones(
    encoder: PromptedEncoder, photos: PhotoSet, tmp_path: Path
) -> None:
    some = replace(CONFIG, epochs=1, fraction=0.5)
    whole = train_on_drawings(photos, None, encoder, CONFIG, tmp_path / "a")
    part = train_on_drawings(photos, None, encoder, some, tmp_path / "b")
    assert whole.photos in (19, 20) and part.photos in (10, 11)
    assert whole.plain == part.plain


def test_what_leaves_nothing_to_learn_is_one_sentence(
    encoder: PromptedEncoder, photos: PhotoSet, drawings: DrawingSet, tmp_path: Path
) -> None:
    nothing = replace(CONFIG, infonce_weight=0.0, relation_weight=0.0, anchor_weight=0.0)

    def refuse(config: TrainConfig, message: str, named: DrawingSet | None = None) -> None:
        with pytest.raises(UsageError, match=message):
            train_on_drawings(photos, named, encoder, config, tmp_path / "c")

    refuse(nothing, "nothing is learned from photos")
    refuse(replace(CONFIG, cls_weight=0.0), "nothing is learned from named", drawings)
    refuse(replace(CONFIG, branch="both"), "train the sketch branch alone")
    refuse(replace(CONFIG, method="mm"), "makes the sketch prompt from the photo prompt")
    refuse(replace(CONFIG, held_out_classes=("a", "b")), "needs drawings with names")
    with pytest.raises(SbirError, match="3 photos are too few to learn from"):
        train_on_drawings(photos.keep([0, 1, 2]), None, encoder, CONFIG, tmp_path / "c")
    assert not (tmp_path / "c").exists()


@pytest.mark.slow
def test_a_text_tower_that_cannot_be_asked_is_one_sentence(
    encoder: PromptedEncoder, drawings: DrawingSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any, **more: Any) -> None:
        raise OSError("no tokenizer here\nand more")

    folder = tmp_path / "towerless"
    shutil.copytree(encoder.name.removeprefix("local-dir:"), folder)
    weights = load_file(folder / "open_clip_model.safetensors")
    image = {k: v for k, v in weights.items() if k.startswith("visual.")}
    save_file(image, folder / "open_clip_model.safetensors")
    with pytest.raises(SbirError, match="its text tower is missing"):
        load_encoder(str(folder), "cpu")
    monkeypatch.setattr(encoder.clip.model, "encode_text", broken, raising=False)
    with pytest.raises(SbirError, match=r"its text tower cannot be asked \(no tokenizer here\)"):
        train_on_drawings(None, drawings, encoder, CONFIG, tmp_path / "c")


@pytest.mark.slow
def test_a_missing_package_of_a_tokenizer_is_named(
    encoder: PromptedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any, **more: Any) -> None:
        raise ModuleNotFoundError("No module named 'transformers'", name="transformers")

    monkeypatch.setattr(encoder.clip.model, "encode_text", broken, raising=False)
    with pytest.raises(SbirError, match=r"pip install transformers, which its tokenizer needs"):
        encoder.encode_texts(["a teapot"])
