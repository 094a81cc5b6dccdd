"""The loop: epochs, validation, early stop, the best kept, and going on after a kill."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from sbir_cli.config import TrainConfig
from sbir_cli.errors import SbirError
from sbir_cli.training.methods import Method
from sbir_cli.training.objective import AnyObjective
from sbir_cli.training.processes import ALONE, Group
from sbir_cli.training.state import Row, State

_SAVE_SECONDS = 60.0  # at most this much work is lost inside an epoch

Validate = Callable[[Method], float]
Save = Callable[[State, Method, torch.optim.Adam], None]
_TOLERATED = 0.01  # that an epoch may be worse elsewhere: what a hundred drawings tell by chance


@dataclass(frozen=True)
class Elsewhere:
    """A second validation, by other things than those that are trained on. An epoch that is worse
    in it than the plain model counts for no more than that."""

    trained: Validate
    plain: Validate


class Watcher(Protocol):
    """Who is told how far a run is."""

    def __call__(self, phase: str, done: int, total: int, losses: Row) -> None:
        """`phase` is `decoding`, or `epoch 3/60`; `done` of `total` images or steps; mean losses
        of the epoch so far."""


class AnyLoader(Protocol):
    """Where the batches come from; what is in one, the objective knows."""

    def epoch(self, epoch: int) -> Sequence[Any]:
        """The steps of an epoch, the same for the same seed and epoch."""

    def batches(self, steps: Any, epoch: int, first: int) -> Iterator[Any]:
        """The batches of such steps, from number `first` on."""


def make_optimiser(method: Method) -> torch.optim.Adam:
    """Adam [paper] with the method's learning rates."""
    groups: list[dict[str, Any]] = [
        {"params": parameters, "lr": rate, "base": rate}
        for rate, parameters in method.groups()
        if parameters
    ]
    return torch.optim.Adam(groups)


def counted(row: Row, before: Row) -> float | None:
    """What an epoch's validation counts for: no more than the plain model's where it is worse
    elsewhere; None where nothing is validated.

    Args:
        row: of the epoch.
        before: of epoch 0.
    """
    value = row.get("validation")
    if value is None or row.get("elsewhere", 0.0) >= before.get("elsewhere", 0.0) - _TOLERATED:
        return value
    return min(value, before["validation"])


class Loop:
    """One run over its epochs.

    Of several processes each computes the losses of its own part of every step: losses that are
    means over samples are those of the whole step, but InfoNCE and L_delta compare the samples of
    a part only.

    Args:
        method: what is trained.
        adam: its optimiser, from `make_optimiser`.
        objective: what is minimised.
        loader: the batches.
        validate: how good the method is, larger is better; None where nothing is held out. Only
            the first process calls it.
        save: called once a minute, and after each epoch with the best parameters known.
        group: the processes that share each step.
        before: what epoch 0 is judged by, where not by `validate`.
        elsewhere: what an epoch must not be worse in.
    """

    def __init__(
        self,
        method: Method,
        adam: torch.optim.Adam,
        objective: AnyObjective,
        loader: AnyLoader,
        validate: Validate | None,
        save: Save,
        group: Group = ALONE,
        before: Validate | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._method, self._adam, self._objective = method, adam, objective
        self._loader, self._validate, self._save = loader, validate, save
        self._group, self._before = group, before or validate
        self._elsewhere = elsewhere
        self._config: TrainConfig = method.config

    def run(self, state: State, watch: Watcher) -> None:
        """Go on from `state` to the last epoch, or until validation no longer improves.

        Raises:
            SbirError: the loss is not finite.
        """
        parallel = self._group.together(self._method)
        if not state.history:
            plain = self._elsewhere.plain if self._elsewhere else None
            state.history.append(self._row(0, {}, self._before, plain))
        while state.epoch < self._config.epochs and not self._stalled(state):
            steps = self._loader.epoch(state.epoch)
            self._steps(parallel, state, steps, watch)
            means = {k: v / len(steps) for k, v in state.sums.items()}
            means["seconds"] = state.sums["seconds"]
            state.epoch, state.step, state.sums = state.epoch + 1, 0, {}
            self._end_epoch(state, means)

    def _stalled(self, state: State) -> bool:
        waited = state.epoch - state.best_epoch
        return self._validate is not None and 0 < self._config.patience <= waited

    def _steps(
        self, parallel: torch.nn.Module, state: State, steps: Sequence[Any], watch: Watcher
    ) -> None:
        phase, saved = f"epoch {state.epoch + 1}/{self._config.epochs}", time.monotonic()
        began = time.perf_counter()
        for batch in self._loader.batches(steps, state.epoch, state.step):
            self._set_rates(state.epoch + state.step / len(steps))
            losses = parallel(batch, self._objective)
            self._adam.zero_grad(set_to_none=True)
            torch.autograd.backward(losses["total"])
            self._add(state, losses)
            self._adam.step()
            state.step += 1
            now = time.perf_counter()
            state.sums["seconds"] = state.sums.get("seconds", 0.0) + now - began
            began = now
            shown = {k: v / state.step for k, v in state.sums.items() if k != "seconds"}
            watch(phase, state.step, len(steps), shown)
            if time.monotonic() - saved > _SAVE_SECONDS:
                self._save(state, self._method, self._adam)
                saved = time.monotonic()

    def _add(self, state: State, losses: dict[str, Tensor]) -> None:
        values = self._group.mean(torch.stack([value.detach() for value in losses.values()]))
        # one wait for the device, not six
        for name, number in zip(losses, values.tolist(), strict=True):
            if not math.isfinite(number):
                raise SbirError(
                    f"the loss `{name}` is not finite in epoch {state.epoch + 1}",
                    remedy="use smaller learning rates, or --precision float32",
                )
            state.sums[name] = state.sums.get(name, 0.0) + number

    def _set_rates(self, epochs_done: float) -> None:
        share = 1.0
        if self._config.schedule == "cosine":
            share = (1 + math.cos(math.pi * min(epochs_done / self._config.epochs, 1.0))) / 2
        for group in self._adam.param_groups:
            group["lr"] = group["base"] * share

    def _row(
        self, epoch: int, means: Row, validate: Validate | None, elsewhere: Validate | None
    ) -> Row:
        row = {"epoch": epoch, **means}
        for name, judge in (("validation", validate), ("elsewhere", elsewhere)):
            if judge is not None:
                value = judge(self._method) if self._group.is_first else 0.0
                row[name] = self._group.from_first(value, self._method.backbone.device.device)
        return row

    def _end_epoch(self, state: State, means: Row) -> None:
        trained = self._elsewhere.trained if self._elsewhere else None
        row = self._row(state.epoch, means, self._validate, trained)
        state.history.append(row)
        value = counted(row, state.history[0])
        if value is None or state.best_value is None or value > state.best_value:
            state.best_epoch, state.best_value = state.epoch, value
            state.best = {k: v.detach().clone() for k, v in self._method.state_dict().items()}
        self._save(state, self._method, self._adam)
