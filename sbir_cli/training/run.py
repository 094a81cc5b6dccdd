"""Training on sketches and photos by class: data, losses and validation of the paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sbir_cli.config import TrainConfig
from sbir_cli.datasets import DataSet
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.training.batch_loader import BatchLoader, Normaliser
from sbir_cli.training.course import Course, Note, Run, follow
from sbir_cli.training.image_store import Loaded, Loader
from sbir_cli.training.loop import Watcher
from sbir_cli.training.objective import Objective
from sbir_cli.training.processes import ALONE, Group
from sbir_cli.training.selection import Selection, drop_unusable, select
from sbir_cli.training.state import State
from sbir_cli.training.texts import class_texts, own_temperature
from sbir_cli.training.validation import MEASURES, Centre, Validator


@dataclass(frozen=True)
class TrainingReport:
    """What a run came to."""

    state: State
    measure: str
    """`mAP@all` or `Acc@1`, of the held-out classes."""
    trained: DataSet
    """What was trained on."""
    unreadable: list[tuple[Path, str]]
    """Images that were left out, and why."""
    encoder: PromptedEncoder
    """With the branches of the checkpoint; in the first process only."""


def train(
    dataset: DataSet,
    split: str | Path | None,
    encoder: PromptedEncoder,
    config: TrainConfig,
    output: Path,
    *,
    resume: bool = False,
    group: Group = ALONE,
    watch: Watcher = lambda phase, done, total, losses: None,
    note: Note = lambda sentence: None,
) -> TrainingReport:
    """Train a method over the encoder's tower and leave the best as a checkpoint in `output`.

    Args:
        dataset: all classes; only seen ones of `split` are ever decoded.
        split: see `selection.select`.
        encoder: the base model, without branches of its own.
        config: every knob.
        output: checkpoint folder: branches, config.json, history.csv, history.png, and the state
            that `resume` goes on from.
        resume: go on from that state if it is there.
        group: the processes that train together.
        watch, note: told about progress, and about what was left out.

    Raises:
        SbirError, UsageError: as `follow` says.
    """
    loaded: list[Loaded] = []
    unreadable: list[tuple[Path, str]] = []

    def make(encoder: PromptedEncoder) -> Course:
        selection = select(dataset, split, config)
        for sentence in selection.notes:
            note(sentence)
        (trained, held_out), bad = _load(selection, encoder, config, watch)
        loaded.append(trained)
        unreadable.extend(bad)
        return _course(selection, trained, held_out, encoder, config, group)

    run = follow(encoder, config, output, make, resume=resume, group=group, watch=watch, note=note)
    if run.worse:
        _warn(run, note)
    return TrainingReport(
        run.state, run.course.measure, loaded[0].dataset, unreadable, run.trained_encoder
    )


def _warn(run: Run, note: Note) -> None:
    before = run.state.history[0]["validation"]
    note(
        f"no epoch is as good as the model before training ({run.course.measure} {before:.4f}, at "
        f"best {run.state.best_value:.4f}): use smaller learning rates"
    )


def _course(
    selection: Selection,
    trained: Loaded,
    held_out: Loaded | None,
    encoder: PromptedEncoder,
    config: TrainConfig,
    group: Group,
) -> Course:
    normaliser = Normaliser(encoder.preprocess, encoder.device.device)
    centre = Centre(trained, normaliser) if config.center else None
    lost = sum(len(p.unreadable) + len(p.dataset.missing) for p in (trained, held_out) if p)
    return Course(
        loader=BatchLoader(trained, normaliser, config, group),
        objective=_objective(encoder, config, trained.dataset.classes),
        validate=Validator(held_out, normaliser, config.task, centre) if held_out else None,
        measure=MEASURES[config.task].name,
        held_out="held-out seen classes",
        data={
            "training data": trained.dataset.manifest(),
            "validation data": held_out.dataset.manifest() if held_out else None,
        },
        facts={"split": selection.split, "unreadable": lost},
        centre=centre,
    )


def _load(
    selection: Selection, encoder: PromptedEncoder, config: TrainConfig, watch: Watcher
) -> tuple[tuple[Loaded, Loaded | None], list[tuple[Path, str]]]:
    """The pixels of both parts; a class that corrupt images make useless is no longer in it."""
    loader = Loader(encoder.preprocess, config.memory, config.workers)
    parts: list[Loaded] = []
    for dataset in (selection.train, selection.validation):
        if dataset is None:
            continue
        loaded = loader.load(dataset, lambda done, total: watch("decoding", done, total, {}))
        parts.append(loaded)
    unreadable = [each for part in parts for each in part.unreadable + part.dataset.skipped]
    usable = [part.only(drop_unusable(part.dataset, config.task, [])) for part in parts]
    return (usable[0], usable[1] if len(usable) > 1 else None), unreadable


def _objective(encoder: PromptedEncoder, config: TrainConfig, classes: list[str]) -> Objective:
    """The losses with the texts of the training classes, embedded only where a loss needs them."""
    texts = np.zeros((len(classes), 1), np.float32)
    if config.cls_weight or (config.adaptive_margin and config.task == "category"):
        texts = class_texts(encoder, classes)
    return Objective(
        config,
        torch.from_numpy(texts).to(encoder.device.device),
        config.temperature or own_temperature(encoder),
    )
