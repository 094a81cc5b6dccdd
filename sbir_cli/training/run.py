"""A whole training run: data, method, loop, and the checkpoint that it leaves."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sbir_cli.config import TrainConfig
from sbir_cli.datasets import DataSet
from sbir_cli.encoder.graph_encoder import can_have_graph, export_graph
from sbir_cli.encoder.model_files import CHECKPOINT_CONFIG
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.errors import ModelError, SbirError
from sbir_cli.plotting import can_plot
from sbir_cli.storage.files import write_file
from sbir_cli.training.batch_loader import BatchLoader, Normaliser
from sbir_cli.training.folder import STATE, claim
from sbir_cli.training.history import history_csv, history_png
from sbir_cli.training.image_store import Loaded, Loader
from sbir_cli.training.loop import Loop, Watcher, make_optimiser
from sbir_cli.training.methods import Method, check_method, make_method
from sbir_cli.training.objective import Objective
from sbir_cli.training.processes import ALONE, Group
from sbir_cli.training.selection import Selection, drop_unusable, select
from sbir_cli.training.state import REMEDY, State, load_state, save_state
from sbir_cli.training.validation import MEASURES, Centre, Validator

_TEMPLATE = "a photo of a {}"  # [paper]
_DRAW_SECONDS = 20.0  # between two pictures of a history: short epochs must not wait for them
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


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
    note: Callable[[str], None] = lambda sentence: None,
) -> TrainingReport:
    """Train a method over the encoder's tower and leave the best as a checkpoint in `output`.

    Where several processes train together, all call this alike; only the first writes.

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
        SbirError: the data cannot be trained on, `output` is taken or cannot be written, or the
            loss is not finite.
        UsageError: knobs that do not go together, or `resume` with other ones than before.
    """
    check_method(config)
    _check_base(encoder)
    if config.precision != "auto":
        encoder = encoder.in_precision(_DTYPES[config.precision])
    alone = claim(output, resume) if group.is_first else nullcontext()
    with group.joined(config, encoder.device.device), alone:
        selection = select(dataset, split, config)
        for sentence in selection.notes:
            note(sentence)
        if not can_plot():
            note("no history.png without matplotlib: pip install 'sbir[plots]'")
        parts, unreadable = _load(selection, encoder, config, watch)
        group.check_same(repr([part and part.dataset.manifest() for part in parts]), "images")
        run = _TrainingRun(encoder, config, output, selection, group, *parts)
        run.go(resume, watch)
        _warn_if_worse(run.state, run.measure, note)
        return TrainingReport(
            run.state, run.measure, parts[0].dataset, unreadable, run.trained_encoder
        )


def _warn_if_worse(state: State, measure: str, note: Callable[[str], None]) -> None:
    before = state.history[0].get("validation")
    if before is not None and state.best_value is not None and state.best_value < before:
        note(
            f"no epoch is as good as the model before training ({measure} {before:.4f}, at best "
            f"{state.best_value:.4f}): use smaller learning rates"
        )


def _check_base(encoder: PromptedEncoder) -> None:
    if encoder.name != encoder.clip.source.name:
        raise ModelError(
            "is a checkpoint, and training starts from a base model",
            where=encoder.name,
            remedy=f"name the model that its {CHECKPOINT_CONFIG} names as its base",
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


class _TrainingRun:
    """The objects of one run, and where it stands."""

    def __init__(
        self,
        encoder: PromptedEncoder,
        config: TrainConfig,
        output: Path,
        selection: Selection,
        group: Group,
        trained: Loaded,
        held_out: Loaded | None,
    ) -> None:
        self.encoder, self.config, self.output = encoder, config, output
        self.selection, self.group = selection, group
        self.trained, self.held_out = trained, held_out
        self.measure = MEASURES[config.task].name
        self.state = State()
        self.method = make_method(encoder, config)
        self.adam = make_optimiser(self.method)
        normaliser = Normaliser(encoder.preprocess, encoder.device.device)
        loader = BatchLoader(trained, normaliser, config, group)
        self.centre = Centre(trained, normaliser) if config.center else None
        validate = Validator(held_out, normaliser, config.task, self.centre) if held_out else None
        objective = _objective(encoder, config, trained.dataset.classes)
        self.loop = Loop(self.method, self.adam, objective, loader, validate, self._save, group)
        self._written = -1
        self.trained_encoder = encoder
        self._draw_after = time.monotonic()

    def go(self, resume: bool, watch: Watcher) -> None:
        """Train to the end, and leave the best epoch's checkpoint with its graph."""
        path = self.output / STATE
        if resume and path.exists():
            self.state = load_state(path, self.method, self.adam, self._identity())
        self.loop.run(self.state, watch)
        if self.group.is_first:
            self._written = -1
            self._write_checkpoint()
            self._draw_history()
            _write_graph(self.trained_encoder, self.output)

    def _identity(self) -> dict[str, Any]:
        held_out = self.held_out
        return {
            "config": asdict(self.config),
            "base": self.encoder.weights_hash,
            "training data": self.trained.dataset.manifest(),
            "validation data": held_out.dataset.manifest() if held_out else None,
        }

    def _save(self, state: State, method: Method, adam: torch.optim.Adam) -> None:
        if not self.group.is_first:
            return
        # the state goes first: whatever a kill leaves of the rest is written again from it
        save_state(self.output / STATE, state, method, adam, self._identity())
        if state.step == 0:
            write_file(self.output / "history.csv", history_csv(state.history), REMEDY)
            if time.monotonic() > self._draw_after:
                self._draw_history()
            self._write_checkpoint()

    def _draw_history(self) -> None:
        if can_plot():
            png = history_png(self.state.history, self.measure)
            write_file(self.output / "history.png", png, REMEDY)
        self._draw_after = time.monotonic() + _DRAW_SECONDS

    def _write_checkpoint(self) -> None:
        """The best parameters as a checkpoint, unless it is there already."""
        if self._written == self.state.best_epoch:
            return
        now = {k: v.detach().clone() for k, v in self.method.state_dict().items()}
        self.method.load_state_dict(self.state.best)
        with torch.no_grad():
            sketch, photo = self.method.branches()
            means = (None, None) if self.centre is None else self.centre(self.method)
            self.trained_encoder = self.encoder.with_branches(
                replace(sketch.copied(), mean=means[0]), replace(photo.copied(), mean=means[1])
            )
            try:
                self.trained_encoder.save(self.output, self._training())
            except OSError as error:
                raise SbirError(
                    f"the checkpoint cannot be written ({error.strerror})", where=self.output
                ) from error
        self._written = self.state.best_epoch
        if self._written != self.state.epoch:
            self.method.load_state_dict(now)

    def _training(self) -> dict[str, Any]:
        """What made the branches, for config.json."""
        identity, state = self._identity(), self.state
        return {
            "method": self.config.method,
            "task": self.config.task,
            "config": identity["config"],
            "split": self.selection.split,
            "training_data": identity["training data"],
            "validation_data": identity["validation data"],
            "unreadable": sum(
                len(p.unreadable) + len(p.dataset.missing)
                for p in (self.trained, self.held_out)
                if p
            ),
            "epoch": state.best_epoch,
            "validation": {
                "metric": self.measure,
                "of": "held-out seen classes",
                "value": state.best_value,
                "before_training": state.history[0].get("validation"),
            },
        }


def _objective(encoder: PromptedEncoder, config: TrainConfig, classes: list[str]) -> Objective:
    """The losses with the texts of the training classes, embedded only where a loss needs them."""
    device = encoder.device.device
    texts = np.zeros((len(classes), 1), np.float32)
    if config.cls_weight or (config.adaptive_margin and config.task == "category"):
        texts = encoder.encode_texts([_TEMPLATE.format(c.replace("_", " ")) for c in classes])
    scale = getattr(encoder.clip.model, "logit_scale", None)
    own = 0.01 if scale is None else float(torch.exp(-scale.detach().float()))
    return Objective(config, torch.from_numpy(texts).to(device), config.temperature or own)


def _write_graph(encoder: PromptedEncoder, output: Path) -> None:
    """`sketch.onnx` for fast queries, where the exporter is installed and the model can have it."""
    there = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))
    if there and can_have_graph(encoder.clip.source) and not encoder.sketch.conditioner:
        export_graph(encoder, output)
