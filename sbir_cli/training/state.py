"""All that a run needs to go on after a kill, in one safetensors file with JSON in its header."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor

from sbir_cli.config import TrainConfig
from sbir_cli.errors import SbirError, UsageError
from sbir_cli.storage.files import write_file
from sbir_cli.training.methods import Method

Row = dict[str, float]
REMEDY = "make room or choose another --output, and go on with --resume"
"""Where a file of a run cannot be written."""
_FREE = ("epochs", "patience", "workers", "memory", "recompute")  # may change on resuming


@dataclass
class State:
    """Where a run stands; the method and the optimiser hold the rest."""

    epoch: int = 0
    """Epochs done."""
    step: int = 0
    """Steps done of the epoch in progress."""
    sums: Row = field(default_factory=dict)
    """Sums over those steps: losses, and `seconds`."""
    history: list[Row] = field(default_factory=list)
    """A row for each epoch done; epoch 0 is the validation before training."""
    best_epoch: int = 0
    best_value: float | None = None
    """Of the validation; None before the first epoch and where nothing is validated."""
    best: dict[str, Tensor] = field(default_factory=dict)
    """The method's parameters after the best epoch, or after the last where none is known."""


def save_state(
    path: Path, state: State, method: Method, adam: torch.optim.Adam, identity: dict[str, Any]
) -> None:
    """Write state, method and optimiser; `identity` is what a run must share to go on with it.

    Raises:
        SbirError: it cannot be written.
    """
    tensors = {f"method.{k}": v for k, v in method.state_dict().items()}
    tensors |= {f"best.{k}": v for k, v in state.best.items()}
    for i, values in adam.state_dict()["state"].items():
        tensors |= {f"adam.{i}.{k}": v for k, v in values.items()}
    plain = {k: v for k, v in vars(state).items() if k != "best"}
    header = {"state": json.dumps(plain), "identity": json.dumps(identity, sort_keys=True)}
    own = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    write_file(path, serialise(own, metadata=header), REMEDY)


def load_state(
    path: Path, method: Method, adam: torch.optim.Adam, identity: dict[str, Any]
) -> State:
    """Read what `save_state` wrote into the method and the optimiser.

    Raises:
        UsageError: it is the state of another run: other knobs, data or base model.
        SbirError: it is damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        _refuse_another(json.loads(header["identity"]), identity, path)
        state = State(**json.loads(header["state"]))
        method.load_state_dict(_below(tensors, "method."))
        state.best = _below(tensors, "best.")
        _load_adam(adam, _below(tensors, "adam."))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise SbirError(
            f"the saved state is damaged ({type(error).__name__})",
            where=path,
            remedy="remove the folder and train again",
        ) from error
    return state


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _load_adam(adam: torch.optim.Adam, tensors: dict[str, Tensor]) -> None:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        number, key = name.split(".")
        moments.setdefault(int(number), {})[key] = value
    adam.load_state_dict({**adam.state_dict(), "state": moments})


def _refuse_another(saved: dict[str, Any], now: dict[str, Any], path: Path) -> None:
    before = json.loads(json.dumps(asdict(TrainConfig())))  # for knobs younger than the state
    old, new = (
        {**before, **each["config"], **each} for each in (saved, json.loads(json.dumps(now)))
    )
    del old["config"], new["config"]
    other = sorted(k for k in old | new if k not in _FREE and old.get(k) != new.get(k))
    if other:
        raise UsageError(
            f"{path}: --resume goes on with the same run only, and this one differs in "
            f"{', '.join(other)}; give the same options, or name another --output"
        )
