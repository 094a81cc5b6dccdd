"""Named sets of knobs, and which of them a run starts from. Needs no torch.

- `paper`: the paper to the letter: Adam 1e-5, batch 64, 60 epochs, K = 3, margin 0.3, all losses
  and weights, n = 2, two LayerNorm sets at category level and one branch for fine-grained.
  Held-out classes and the best epoch are ours; `held_out=0` trains on all.
- `released`: what the published code does where it departs from the paper: LayerNorms shared by
  both branches, no L_cls, margin 0.2, prompts of std 1 at lr 1e-4, LayerNorms at 1e-6, batch 192.
  Left out, as slips rather than choices: ImageNet's mean and std in place of CLIP's, batches in
  class order, the attention's in_proj weights, embeddings and projection left trainable, one random
  photo per sketch as validation gallery. The fine-grained code was never released: there it
  changes these knobs alone.
- `photos`: line drawings of plain photos and drawings with names: the sketch branch alone, some
  passes over the photos, larger rates than the paper's that fall along a cosine, since there are
  few steps and an epoch that is worse than the plain model is never kept.
- `small-tower`: what did best on held-out seen classes in examples/REPRODUCTION.md, over towers
  as small as the bundled one: the paper's losses, prompts at a thousand and LayerNorms at
  five hundred times its rate, falling along a cosine, and at category level means subtracted. The
  LayerNorms of a CLIP that was trained for weeks have more to lose at such rates.
"""

from __future__ import annotations

from typing import Any

from sbir_cli.config import Preset, TrainConfig
from sbir_cli.errors import UsageError
from sbir_cli.storage.resources import BUNDLED_MODEL

PRESETS: dict[Preset, dict[str, Any]] = {
    "paper": {},
    "released": {
        "share": "norms",
        "cls_weight": 0.0,
        "margin": 0.2,
        "prompt_std": 1.0,
        "prompt_lr": 1e-4,
        "norm_lr": 1e-6,
        "batch_size": 192,
    },
    "small-tower": {
        "center": True,
        "prompt_lr": 1e-2,
        "norm_lr": 5e-3,
        "schedule": "cosine",
    },
    "photos": {
        "branch": "sketch",
        "infonce_weight": 0.5,
        "prompt_lr": 1e-3,
        "norm_lr": 1e-3,
        "weight_lr": 1e-5,
        "schedule": "cosine",
        "epochs": 15,
        "patience": 4,
    },
}
_CATEGORY_ONLY = ("share", "center")  # what a preset says of them holds for category level


def preset_config(name: Preset, **changes: Any) -> TrainConfig:
    """The knobs of a preset with some of them changed.

    Raises:
        UsageError: no such preset, or a knob out of its range.
    """
    if name not in PRESETS:
        raise UsageError(f"--preset must be one of {', '.join(PRESETS)}")
    knobs = {**PRESETS[name], **changes}
    if knobs.get("task") == "fine-grained":
        knobs = {k: v for k, v in knobs.items() if k in changes or k not in _CATEGORY_ONLY}
    return TrainConfig(**knobs)


def preset_for(model: str) -> tuple[Preset, str]:
    """The preset of a run over a base model where none is named, and why."""
    if model == BUNDLED_MODEL:
        return "small-tower", "its rates were found on towers as small as the bundled one"
    return "paper", "larger rates can ruin a full-size CLIP; --preset names another"
