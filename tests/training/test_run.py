"""Whole runs over a tiny random model: kills, going on, early stop, bad data."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from sbir_cli.config import TrainConfig
from sbir_cli.datasets import DataSet, read_dataset
from sbir_cli.embedding import photo_pixels
from sbir_cli.encoder.torch_encoder import PromptedEncoder, load_encoder
from sbir_cli.errors import ModelError, SbirError, UsageError
from sbir_cli.training import course, loop, losses, validation
from sbir_cli.training.batch_loader import Normaliser
from sbir_cli.training.folder import STATE, claim
from sbir_cli.training.image_store import Loader
from sbir_cli.training.run import train

pytestmark = pytest.mark.slow
CATEGORY = TrainConfig(
    epochs=3, batch_size=8, held_out=0.4, prompt_lr=0.01, norm_lr=0.01, flip=True, patience=0
)
FINE = replace(CATEGORY, task="fine-grained", instances=2, schedule="cosine", held_out=0.34)


@pytest.fixture(autouse=True)
def no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exporting takes seconds and is tested elsewhere."""
    monkeypatch.setattr(course, "_write_graph", lambda encoder, output: None)


def _kill_after(steps: int) -> Any:
    left = [steps]

    def watch(phase: str, done: int, total: int, losses: dict[str, float]) -> None:
        left[0] -= phase != "decoding"
        if left[0] == 0:
            raise KeyboardInterrupt

    return watch


@pytest.mark.parametrize("config", [CATEGORY, FINE], ids=["category", "fine-grained"])
@pytest.mark.parametrize("saved", [0.0, 1e9], ids=["each step", "each epoch"])
def test_killed_and_resumed_it_ends_as_if_uninterrupted(
    encoder: PromptedEncoder,
    data: DataSet,
    tmp_path: Path,
    config: TrainConfig,
    saved: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "_SAVE_SECONDS", saved)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = train(data, None, encoder, config, whole)
    for _ in range(3 if saved == 0 else 1):
        with pytest.raises(KeyboardInterrupt):
            train(data, None, encoder, config, parts, resume=True, watch=_kill_after(3))
    found = train(data, None, encoder, config, parts, resume=True)

    assert (parts / "branches.safetensors").read_bytes() == (
        whole / "branches.safetensors"
    ).read_bytes()
    first, second = load_file(whole / STATE), load_file(parts / STATE)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[k], second[k]) for k in first)
    for a, b in zip(expected.state.history, found.state.history, strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}


def test_the_checkpoint_is_the_best_epoch_and_tells_how_it_was_made(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake measure that is best after the second epoch stops the run after two more."""
    values = iter([0.1, 0.2, 0.9, 0.3, 0.9])
    monkeypatch.setattr(validation, "measure", lambda embedded, task: next(values))
    config = replace(CATEGORY, epochs=30, patience=2)
    out = tmp_path / "c"
    report = train(data, None, encoder, config, out)

    assert (report.state.epoch, report.state.best_epoch, report.state.best_value) == (4, 2, 0.9)
    again = load_encoder(str(out), "cpu")
    assert again.fingerprint == report.encoder.fingerprint != encoder.fingerprint
    assert torch.equal(again.sketch.prompts, report.state.best["prompts.0"])
    training = json.loads((out / "config.json").read_text())["training"]
    assert training["validation"] == {
        "metric": "mAP@all",
        "of": "held-out seen classes",
        "value": 0.9,
        "before_training": 0.1,
    }
    assert training["epoch"] == 2 and training["config"]["margin"] == 0.3
    assert training["training_data"]["sketches"] == 24
    assert len(training["training_data"]["files_sha256"]) == 64
    with (out / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["validation"] for row in rows] == ["0.1", "0.2", "0.9", "0.3", "0.9"]
    assert rows[0]["total"] == "" and float(rows[1]["cls sketch"]) > 0
    with Image.open(out / "history.png") as curve:
        assert curve.size == (900, 420) and np.asarray(curve).min() < 50
    resumed = train(data, None, encoder, config, out, resume=True)
    assert resumed.state.epoch == 4  # it had stopped


@pytest.mark.parametrize("collapsed", [{1}, {2, 3}, {1, 2, 3}], ids=str)
def test_an_epoch_that_embeds_all_alike_is_not_kept_as_best(
    encoder: PromptedEncoder,
    data: DataSet,
    tmp_path: Path,
    collapsed: set[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, calls = validation.embed, [0]

    def embed(*arguments: Any) -> torch.Tensor:
        epoch = (
            calls[0] // 2
        )  # the sketches, then the photos, before the first epoch and after each
        calls[0] += 1
        found = whole(*arguments)
        return found[:1].expand_as(found) if epoch in collapsed else found

    monkeypatch.setattr(validation, "embed", embed)
    notes: list[str] = []
    state = train(data, None, encoder, CATEGORY, tmp_path / "c", note=notes.append).state
    values = {row["epoch"]: row["validation"] for row in state.history}
    assert {epoch for epoch, value in values.items() if value == 0} == collapsed
    if collapsed == {1, 2, 3}:
        assert "no epoch is as good as the model before training" in notes[-1]
    else:
        assert state.best_epoch not in collapsed


@pytest.mark.parametrize("config", [CATEGORY, FINE], ids=["category", "fine-grained"])
def test_the_means_of_the_training_images_are_subtracted(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path, config: TrainConfig
) -> None:
    short = replace(config, epochs=1)
    plain = train(data, None, encoder, short, tmp_path / "plain").encoder
    report = train(data, None, encoder, replace(short, center=True), tmp_path / "centred")
    loaded = Loader(encoder.preprocess, 1.0, 1).load(report.trained)
    normaliser = Normaliser(encoder.preprocess, torch.device("cpu"))
    for images, encode in (
        (loaded.sketches, PromptedEncoder.encode_sketches),
        (loaded.photos, PromptedEncoder.encode_photos),
    ):
        pixels = normaliser(images.take(range(len(images)))).numpy()
        before, after = encode(plain, pixels), encode(report.encoder, pixels)
        moved = before - before.mean(axis=0)
        expected = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        assert np.abs(after - expected).max() < 1e-4
        assert np.abs(after - before).max() > 0.1


def test_what_does_not_go_together_is_told_before_an_image_is_decoded(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path
) -> None:
    def watch(phase: str, done: int, total: int, losses: dict[str, float]) -> None:
        raise AssertionError(phase)

    with pytest.raises(UsageError, match="goes with --share none only"):
        config = replace(CATEGORY, method="ip", share="all")
        train(data, None, encoder, config, tmp_path / "c", watch=watch)
    assert not (tmp_path / "c").exists()


def test_a_state_from_before_a_knob_was_there_goes_on(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def older(config: TrainConfig) -> dict[str, Any]:
        return {k: v for k, v in asdict(config).items() if k != "branch"}

    with monkeypatch.context() as patch:
        patch.setattr(course, "asdict", older)
        train(data, None, encoder, replace(CATEGORY, epochs=1), tmp_path / "c")
    report = train(data, None, encoder, CATEGORY, tmp_path / "c", resume=True)
    assert report.state.epoch == 3
    alone = replace(CATEGORY, branch="sketch")
    with pytest.raises(UsageError, match="differs in branch;"):
        train(data, None, encoder, alone, tmp_path / "c", resume=True)


@pytest.mark.parametrize("center", [False, True])
def test_with_the_sketch_branch_alone_the_checkpoint_embeds_photos_as_the_base_does(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path, center: bool
) -> None:
    config = replace(CATEGORY, branch="sketch", center=center, epochs=1)
    report = train(data, None, encoder, config, tmp_path / "c")
    trained = load_encoder(str(tmp_path / "c"), "cpu")
    trained = trained.in_precision(torch.float32)
    pixels = np.stack([photo_pixels(path, encoder.preprocess) for path in data.photos])
    assert np.array_equal(trained.encode_photos(pixels), encoder.encode_photos(pixels))
    assert (trained.sketch.mean is not None) == center and trained.photo.mean is None
    assert trained.photo_fingerprint == encoder.photo_fingerprint  # galleries go on serving
    assert trained.fingerprint != encoder.fingerprint and report.state.best_value is not None


def test_without_validation_the_last_epoch_is_kept(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path
) -> None:
    report = train(data, None, encoder, replace(CATEGORY, held_out=0.0), tmp_path / "c")
    assert report.state.best_epoch == 3 and report.state.best_value is None
    longer = replace(CATEGORY, held_out=0.0, epochs=4)
    more = train(data, None, encoder, longer, tmp_path / "c", resume=True)
    assert more.state.best_epoch == 4  # more epochs are no other run


def test_a_folder_with_a_checkpoint_is_not_overwritten(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path
) -> None:
    short = replace(CATEGORY, epochs=1)
    train(data, None, encoder, short, tmp_path / "c")
    with pytest.raises(SbirError, match=r"a checkpoint in it already; go on with it \(--resume\)"):
        train(data, None, encoder, short, tmp_path / "c")
    other = replace(short, margin=0.5, prompts=2)
    with pytest.raises(UsageError, match="differs in margin, prompts; give"):
        train(data, None, encoder, other, tmp_path / "c", resume=True)
    (tmp_path / "c" / STATE).write_bytes(b"damaged")
    with pytest.raises(SbirError, match="the saved state is damaged"):
        train(data, None, encoder, short, tmp_path / "c", resume=True)


def test_corrupt_images_are_skipped_counted_and_kept_out(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path
) -> None:
    for i in (0, 5, 9):
        data.photos[i].write_text("no photo")
    config = replace(FINE, held_out=0.0, epochs=1, batch_size=4)
    report = train(read_dataset(data.root), None, encoder, config, tmp_path / "c")
    assert [path for path, _ in report.unreadable] == [data.photos[i] for i in (0, 5, 9)]
    assert len(report.trained.photos) == 15 and len(report.trained.sketches) == 30


def test_a_checkpoint_is_no_base_to_train_over(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path
) -> None:
    encoder.save(tmp_path / "c")
    with pytest.raises(ModelError, match="training starts from a base model"):
        train(data, None, load_encoder(str(tmp_path / "c"), "cpu"), CATEGORY, tmp_path / "d")


def test_a_loss_that_is_not_finite_is_one_sentence(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "triplet", lambda a, p, n, margin: (a * torch.inf).mean())
    with pytest.raises(SbirError, match=r"`total` is not finite in epoch 1; use smaller learning"):
        train(data, None, encoder, CATEGORY, tmp_path / "c")


def test_an_output_that_cannot_be_written_is_one_sentence(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SbirError, match=r"cannot be written \("):
        train(data, None, encoder, CATEGORY, tmp_path / "file" / "c")


def test_two_runs_at_once_the_second_is_refused(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path
) -> None:
    with (
        claim(tmp_path / "c", False),
        pytest.raises(SbirError, match="another run is at work on it"),
    ):
        train(data, None, encoder, CATEGORY, tmp_path / "c")


def test_resuming_does_not_overwrite_a_checkpoint_without_a_state(
    encoder: PromptedEncoder, data: DataSet, tmp_path: Path
) -> None:
    encoder.save(tmp_path / "c")
    with pytest.raises(SbirError, match="there is a checkpoint in it already; name another"):
        train(data, None, encoder, CATEGORY, tmp_path / "c", resume=True)
