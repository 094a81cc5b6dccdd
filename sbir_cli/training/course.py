"""One run from its first step to the checkpoint that it leaves, whatever it is taught with."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from sbir_cli.config import TrainConfig
from sbir_cli.encoder.branch import Branch
from sbir_cli.encoder.graph_encoder import can_have_graph
from sbir_cli.encoder.graph_export import export_graph
from sbir_cli.encoder.model_files import CHECKPOINT_CONFIG
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.errors import ModelError, SbirError
from sbir_cli.plotting import can_plot
from sbir_cli.storage.files import write_file
from sbir_cli.training.folder import STATE, claim
from sbir_cli.training.history import history_csv, history_png
from sbir_cli.training.loop import AnyLoader, Elsewhere, Loop, Validate, Watcher, make_optimiser
from sbir_cli.training.methods import Method, check_method, make_method
from sbir_cli.training.objective import AnyObjective
from sbir_cli.training.processes import Group
from sbir_cli.training.state import REMEDY, Row, State, load_state, save_state
from sbir_cli.training.validation import Centre

Note = Callable[[str], None]

_DRAW_SECONDS = 20.0  # between two pictures of a history: short epochs must not wait for them
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Course:
    """What a method is taught with and judged by."""

    loader: AnyLoader
    objective: AnyObjective
    validate: Validate | None
    """None where nothing is held out."""
    measure: str
    """The validation's name."""
    held_out: str
    """What it measures."""
    data: dict[str, Any]
    """JSON-ready: the data trained on and validated on, which a resumed run must share."""
    facts: dict[str, Any]
    """JSON-ready: what else config.json tells of the data."""
    centre: Centre | None = None
    """The means to subtract; None: nothing is."""
    plain: Validate | None = None
    """The plain model in the same measure: the bar. Where no epoch passes it, the checkpoint keeps
    the plain branches. None: epoch 0 is the untrained method, and the best epoch is kept."""
    elsewhere: Elsewhere | None = None
    """What no epoch may be worse in than the plain model."""


def follow(
    encoder: PromptedEncoder,
    config: TrainConfig,
    output: Path,
    make: Callable[[PromptedEncoder], Course],
    *,
    resume: bool,
    group: Group,
    watch: Watcher,
    note: Note,
) -> Run:
    """Make a course and train by it in `output`.

    Where several processes train together, all call this alike; only the first writes.

    Args:
        encoder: the base model, without branches of its own.
        make: given the encoder in the precision of the run.

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
    with group.joined(config, encoder.device.device, encoder.device.dtype), alone:
        course = make(encoder)
        if not can_plot():
            note("no history.png without matplotlib: pip install 'sbir[plots]'")
        group.check_same(encoder.weights_hash, "weights")
        group.check_same(repr(course.data), "images")
        run = Run(encoder, config, output, course, group)
        run.go(resume, watch)
        return run


def _check_base(encoder: PromptedEncoder) -> None:
    if encoder.name != encoder.clip.source.name:
        raise ModelError(
            "is a checkpoint, and training starts from a base model",
            where=encoder.name,
            remedy=f"name the model that its {CHECKPOINT_CONFIG} names as its base",
        )


class Run:
    """The objects of one run, and where it stands."""

    def __init__(
        self,
        encoder: PromptedEncoder,
        config: TrainConfig,
        output: Path,
        course: Course,
        group: Group,
    ) -> None:
        self.encoder, self.config, self.output = encoder, config, output
        self.course, self.state, self._group = course, State(), group
        self.trained_encoder = encoder
        self.method = make_method(encoder, config)
        self.adam = make_optimiser(self.method)
        self.loop = Loop(
            self.method,
            self.adam,
            course.objective,
            course.loader,
            course.validate,
            self._save,
            group,
            course.plain,
            course.elsewhere,
        )
        self._written = -1
        self._draw_after = time.monotonic()

    def go(self, resume: bool, watch: Watcher) -> None:
        """Train to the end, and leave the best epoch's checkpoint with its graph."""
        path = self.output / STATE
        if resume and path.exists():
            self.state = load_state(path, self.method, self.adam, self._identity())
        # on another machine the folder may not be there, or be another
        self._group.check_same(f"{self.state.epoch} {self.state.step}", "saved progress")
        self.loop.run(self.state, watch)
        if self._group.is_first:
            self._written = -1
            self._write_checkpoint()
            self._draw_history()
            _write_graph(self.trained_encoder, self.output)

    @property
    def worse(self) -> bool:
        """Whether the best epoch is worse than epoch 0."""
        before, best = self.state.history[0].get("validation"), self.state.best_value
        return before is not None and best is not None and best < before

    @property
    def keeps_plain(self) -> bool:
        """Whether no epoch is better than the plain model, so that this is kept."""
        before, best = self.state.history[0].get("validation"), self.state.best_value
        if self.course.plain is None or before is None or best is None:
            return False
        return best <= before

    @property
    def narrow(self) -> Row | None:
        """The epoch that would have been kept but for what it does elsewhere, if the plain model
        is kept for it."""
        rows = [row for row in self.state.history[1:] if "elsewhere" in row]
        best = max(rows, key=lambda row: row["validation"], default=None)
        if best is None or not self.keeps_plain:
            return None
        return best if best["validation"] > self.state.history[0]["validation"] else None

    def _identity(self) -> dict[str, Any]:
        return {
            "config": asdict(self.config),
            "base": self.encoder.weights_hash,
            **self.course.data,
        }

    def _save(self, state: State, method: Method, adam: torch.optim.Adam) -> None:
        if not self._group.is_first:
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
            png = history_png(self.state.history, self.course.measure)
            write_file(self.output / "history.png", png, REMEDY)
        self._draw_after = time.monotonic() + _DRAW_SECONDS

    def _write_checkpoint(self) -> None:
        """The best parameters as a checkpoint, unless it is there already."""
        if self._written == self.state.best_epoch:
            return
        now = {k: v.detach().clone() for k, v in self.method.state_dict().items()}
        self.method.load_state_dict(self.state.best)
        with torch.no_grad():
            self.trained_encoder = self.encoder.with_branches(*self._branches())
            try:
                self.trained_encoder.save(self.output, self._training())
            except OSError as error:
                raise SbirError(
                    f"the checkpoint cannot be written ({error.strerror})", where=self.output
                ) from error
        self._written = self.state.best_epoch
        if self._written != self.state.epoch:
            self.method.load_state_dict(now)

    def _branches(self) -> tuple[Branch, Branch]:
        """The method's own as it stands, or the plain ones."""
        if self.keeps_plain:
            return self.method.bare(), self.method.bare()
        sketch, photo = self.method.branches()
        centre = self.course.centre
        means = (None, None) if centre is None else centre(self.method)
        return replace(sketch.copied(), mean=means[0]), replace(photo.copied(), mean=means[1])

    def _training(self) -> dict[str, Any]:
        """What made the branches, for config.json."""
        identity, state = self._identity(), self.state
        return {
            "method": self.config.method,
            "task": self.config.task,
            "config": identity["config"],
            "training_data": identity["training data"],
            "validation_data": identity["validation data"],
            **self.course.facts,
            "epoch": state.best_epoch,
            "plain": self.keeps_plain,
            "validation": {
                "metric": self.course.measure,
                "of": self.course.held_out,
                "value": state.best_value,
                "before_training": state.history[0].get("validation"),
            },
            **self._elsewhere(),
        }

    def _elsewhere(self) -> dict[str, Any]:
        rows = [row for row in self.state.history if "elsewhere" in row]
        if not rows:
            return {}
        kept = 0 if self.keeps_plain else self.state.best_epoch
        before, value = (self.state.history[i]["elsewhere"] for i in (0, kept))
        return {"elsewhere": {"of": "example photos", "value": value, "before_training": before}}


def _write_graph(encoder: PromptedEncoder, output: Path) -> None:
    """`sketch.onnx` for fast queries, where the exporter is installed and the model can have it."""
    there = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript"))
    if there and can_have_graph(encoder.clip.source) and not encoder.sketch.conditioner:
        export_graph(encoder, output)
