"""Write what ships, into sbir_cli/models/sbir-mini: ``python export.py --work WORK``.

``open_clip_model.safetensors`` holds the base, both towers as photos and words made them.
``sketch/branches.safetensors`` holds the photo branch, norms and prompts over the base, and the
sketch branch, an ensemble of two: one with convolutions of its own, one without, as several runs of
joint.py taught all three together; it ships half way between where they began and their mean
(``SHARE``). ``sbir train``, which made the beginning, works over the base as it was written, so
this is called twice: without ``--joint`` for the base, then with it for the branches. All are in
float16. What words taught of an embedding counts half (``trunk.WORDS``), which was chosen on the
validation classes, as were the runs and the share.

A BatchNorm's own statistics m, s of drawings are folded into its weight and bias over the base's
m0, s0, so that one backbone serves both branches:

    w' = w s0 / s,  b' = b + w (m0 - m) / s
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import trunk
from prepare import KINDS
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from sbir_cli.encoder import load_encoder
from sbir_cli.encoder.branch import Branch
from sbir_cli.encoder.model_files import (
    CHECKPOINT_WEIGHTS,
    OPEN_CLIP_CONFIG,
    OPEN_CLIP_WEIGHTS,
)
from sbir_cli.encoder.tower import Tower
from sbir_cli.storage import resources

SHARE = 0.5


def mean(runs: list[dict[str, Any]]) -> dict[str, Tensor]:
    """The mean of the sketch sides of several runs."""
    sides = [run["average"] for run in runs]
    return {
        name: torch.stack([side[name] for side in sides]).mean(0) if v.is_floating_point() else v
        for name, v in sides[0].items()
    }


def half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """float16 where a value is a fraction."""
    return {k: v.half().contiguous() if v.is_floating_point() else v for k, v in state.items()}


def content_axes(work: Path) -> Tensor:
    """(CONTENT, CONTENT - 3 * LAYOUT) axes in which the content of photos has nearly all its
    length: the layout takes the place of the others."""
    photos = torch.load(work / "photos.pt", weights_only=True)
    content = trunk.weigh(photos)[:, : trunk.CONTENT]
    axes: Tensor = torch.linalg.eigh(content.T @ content)[1]
    return axes[:, 3 * trunk.LAYOUT :]


def write_base(work: Path, out: Path) -> None:
    """The base in open_clip's ``local-dir:`` layout."""
    tower = torch.load(work / "base.pt", weights_only=True)["tower"]
    text = torch.load(work / "text.pt", weights_only=True)
    state = {f"visual.{name}": value for name, value in tower.items()} | text
    axes = content_axes(work)
    rows = trunk.weigh(state["visual.head.proj.weight"].T).T
    content, layout = rows[: trunk.CONTENT], rows[trunk.CONTENT :]
    state["visual.head.proj.weight"] = torch.cat([axes.T @ content, layout])
    words = trunk.weigh(state["text_projection"]) @ axes
    state["text_projection"] = functional.pad(words, (0, len(layout)))  # words know no layout
    out.mkdir(parents=True, exist_ok=True)
    (out / OPEN_CLIP_CONFIG).write_text(json.dumps(trunk.CONFIG, indent=2) + "\n")
    save_file(half(state), out / OPEN_CLIP_WEIGHTS)


def fold(
    base: dict[str, Tensor], own: dict[str, Tensor], name: str, eps: float
) -> dict[str, Tensor]:
    """Weight and bias of one BatchNorm over the base's statistics."""
    mean, spread = own[f"{name}.running_mean"], (own[f"{name}.running_var"] + eps).sqrt()
    mean0, spread0 = base[f"{name}.running_mean"], (base[f"{name}.running_var"] + eps).sqrt()
    weight, bias = own[f"{name}.weight"], own[f"{name}.bias"]
    return {
        f"{name}.weight": weight * spread0 / spread,
        f"{name}.bias": bias + weight * (mean0 - mean) / spread,
    }


def halfway(runs: list[dict[str, Any]]) -> dict[str, dict[str, Tensor]]:
    """By part, what lies between where joint.py's runs began and their mean."""
    return {
        part: {
            name: torch.lerp(
                value, torch.stack([run["end"][part][name] for run in runs]).mean(0), SHARE
            )
            if value.is_floating_point()
            else value
            for name, value in state.items()
        }
        for part, state in runs[0]["start"].items()
    }


def branch(tower: Tower, own: dict[str, Tensor], kernels: bool) -> Branch:
    """What a part has of its own, over the base as it was written."""
    base = dict(tower.module.state_dict())
    norms, weights = dict[str, Tensor](), dict[str, Tensor]()
    for name, layer in tower.module.named_modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            norms |= fold(base, own, name, layer.eps)
        elif isinstance(layer, nn.LayerNorm):
            norms |= {f"{name}.{key}": own[f"{name}.{key}"] for key in ("weight", "bias")}
        elif kernels and isinstance(layer, nn.Conv2d):
            weights[f"{name}.weight"] = own[f"{name}.weight"].half().float().contiguous()
    return Branch(own["prompts"], layer_norms=norms, weights=weights, mean=own["mean"])


def write_branches(
    parts: dict[str, dict[str, Tensor]], out: Path, training: dict[str, Any]
) -> None:
    """The checkpoint: a photo branch, and a sketch branch of two members."""
    base = load_encoder(resources.BUNDLED_MODEL, "cpu")
    made = {part: branch(base.tower, own, part == "first") for part, own in parts.items()}
    sketch = replace(made["first"], also=made["second"])
    base.with_branches(sketch, made["photo"]).save(out, training)
    save_file(half(load_file(out / CHECKPOINT_WEIGHTS)), out / CHECKPOINT_WEIGHTS)


def main() -> None:
    """Write the base, or the branches over it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--joint", nargs="*", default=[], help="files of joint.py in WORK")
    options = parser.parse_args()
    out = resources.bundled_model()
    if not options.joint:
        write_base(options.work, out)
    else:
        runs = [torch.load(options.work / name, weights_only=True) for name in options.joint]
        training: dict[str, Any] = {
            "method": "drawings of photos, sketches and prompts (making/pretraining)",
            "minutes": [run["minutes"] for run in runs],
            "pace": [run["pace"] for run in runs],
            "drawings": list(KINDS),
            "names": sorted(json.loads((options.work / "labels.json").read_text())["names"]),
        }
        place = resources.bundled_model(resources.DEFAULT_MODEL)
        write_branches(halfway(runs), place, training)
    for path in sorted(out.rglob("*.*")):
        print(f"{path.relative_to(out)}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
