"""Teach the photo branch and both members of the sketch branch together:

    python joint.py --work WORK --runs run-1.pt ... --member WORK/member --seed 1 --device cuda

They begin as the mean of train.py's runs and as what ``sbir train`` made. Until here the photos'
places were fixed (train.py), or moved by Sketchy's photos alone (``sbir train``); here the photos
of a batch are embedded anew, and those of line drawings and of Quick, Draw! move too. A run writes
WORK/joint-SEED.pt, where it began and where it ended.

What ships is half way from the one to the mean of the others (``export.py``): the runs find more
and more own photos and first hits, but rank all photos of a class worse; half way their
mean has most of what they learned and forgot nothing (robust fine-tuning, Wortsman et al., CVPR
2022).
"""

import argparse
import copy
import itertools
import json
import time
from pathlib import Path
from typing import Any

import augment
import benchmark
import numpy as np
import torch
import trunk
from export import content_axes, mean
from losses import AnchorHead, SketchLoss
from photos import blend
from torch import Tensor, nn
from torch.nn import functional
from train import TWINS, WEIGHTS, Drawings, Ints, pick

from sbir_cli.encoder import load_encoder
from sbir_cli.encoder.tower import Tower

SHARES = {"line": 42, "sketchy": 84, "quickdraw": 15, "icon": 3}  # drawings of a batch
RATES = {"kernels": 1e-4, "norms": 1e-3, "prompts": 2e-3, "losses": 1e-3}
DECAY = 0.02
WARM_UP, FALL = 0.05, 0.6  # shares of the time
BANK = 512
AVERAGE = 0.99
KIND, HOLD, ANCHOR = 0.3, 1.0, 0.15
LOOK_SECONDS = 60.0
PARTS = ("first", "second", "photo")  # two members of the sketch branch, and the photo branch


class Joint(nn.Module):
    """Three towers over one base: both members of the sketch branch, and the photo branch."""

    def __init__(self, work: Path, runs: list[Path], member: Path) -> None:
        super().__init__()
        base = torch.load(work / "base.pt", weights_only=True)
        trained = load_encoder(str(member), "cpu")
        laid = {"second": trained.sketch, "photo": trained.photo}
        self.axes: Tensor
        self.register_buffer("axes", content_axes(work))
        for part in PARTS:
            tower: Any = trunk.build()
            tower.load_state_dict(base["tower"])
            branch, middle = laid.get(part), None
            if branch is None:
                state = mean([torch.load(run, weights_only=True) for run in runs])
            else:
                state = {**branch.layer_norms, "prompts": branch.prompts}
                middle = branch.mean
            tower.register_parameter("prompts", nn.Parameter(state.pop("prompts").clone()))
            tower.load_state_dict(state, strict=False)
            self.add_module(part, tower)
            none = torch.zeros(trunk.CONTENT)
            self.register_buffer(f"{part}_mean", none if middle is None else middle)
        shape = base["head"]["anchors"].shape
        self.head = AnchorHead(torch.zeros(shape), torch.ones(shape[0], dtype=torch.bool))
        self.head.load_state_dict(base["head"])
        self.losses = nn.ModuleList(SketchLoss() for _ in PARTS[:2])

    def embed(self, part: str, pixels: Tensor, mirrored: Tensor | None = None) -> Tensor:
        """(N, 704) of pictures in 0..1, as they would be had they not been mirrored."""
        tower: Any = self.get_submodule(part)
        autocast = torch.autocast(pixels.device.type, torch.bfloat16)
        with autocast, Tower.of(tower, "").prompted(tower.prompts):
            rows: Tensor = tower(trunk.normalise(pixels)).float()
        return rows if mirrored is None else trunk.unmirror(rows, mirrored)

    def compared(self, part: str, rows: Tensor) -> Tensor:
        """(N, 512) unit-length embeddings as they ship: content, layout, the mean taken off."""
        unit = self.centred(rows) - self.get_buffer(f"{part}_mean")
        return functional.normalize(unit, dim=1)

    def centred(self, rows: Tensor) -> Tensor:
        """The same before the mean is taken off."""
        rows = trunk.weigh(rows)
        content = rows[:, : trunk.CONTENT] @ self.axes
        return functional.normalize(torch.cat([content, rows[:, trunk.CONTENT :]], dim=1), dim=1)

    def optimiser(self, pace: float) -> torch.optim.Optimizer:
        """AdamW over norms and prompts, the first member's convolutions and the losses."""
        groups = {kind: list[nn.Parameter]() for kind in RATES}
        for name, parameter in self.named_parameters():
            part, _, own = name.partition(".")
            norm = parameter.ndim < 2 and ("patch_embed" in own or "norm" in own)
            kind = "prompts" if own == "prompts" else "norms" if norm else None
            if part == "first" and "patch_embed" in own and parameter.ndim > 1:
                kind = "kernels"
            elif part in ("head", "losses"):
                kind = "losses"
            parameter.requires_grad_(kind is not None)
            if kind is not None:
                groups[kind].append(parameter)
        rows: list[dict[str, Any]] = [
            {"params": groups[kind], "rate": pace * rate, "lr": 0.0} for kind, rate in RATES.items()
        ]
        rows[0]["weight_decay"] = DECAY
        return torch.optim.AdamW(rows, weight_decay=0.0, betas=(0.9, 0.98))

    def parts(self) -> dict[str, dict[str, Tensor]]:
        """Every part's tower, and its mean."""
        return {
            part: {
                k: v.detach().cpu().clone()
                for k, v in self.get_submodule(part).state_dict().items()
            }
            | {"mean": self.get_buffer(f"{part}_mean").cpu().clone()}
            for part in PARTS
        }


class Photos:
    """All photos: their pixels, and where they lay when the run began."""

    def __init__(self, work: Path, joint: Joint) -> None:
        self.pixels = torch.from_numpy(np.load(work / "photos.npy", mmap_mode="c"))
        self.device = joint.axes.device
        with torch.inference_mode():
            places = [
                joint.compared("photo", joint.embed("photo", self.seen(numbers)))
                for numbers in np.array_split(np.arange(len(self.pixels)), len(self.pixels) // 250)
            ]
        self.places = torch.cat(places).clone()

    def seen(self, numbers: Ints) -> Tensor:
        """(N, 3, SIDE, SIDE) in 0..1."""
        return pick(self.pixels, numbers).to(self.device).permute(0, 3, 1, 2).float().div(255)


def shown(drawings: Drawings, numbers: Ints) -> Ints:
    """The photos of a batch: those that its drawings are of, and one of the class of each drawing
    that was not made from a photo."""
    own = drawings.photo[numbers]
    groups = drawings.group[numbers[~np.isin(numbers, drawings.kinds["line"])]]
    return np.unique(np.concatenate([own[own >= 0], *drawings.of_groups(groups)]))


def learn(joint: Joint, drawings: Drawings, photos: Photos) -> dict[str, Tensor]:
    """One step's losses, weighted."""
    numbers = drawings.draw()
    live = shown(drawings, numbers)
    others = np.setdiff1d(drawings.rng.integers(len(photos.places), size=BANK), live)
    flipped, mirrored = (
        torch.rand(len(rows), device=photos.device) < 0.5 for rows in (live, numbers)
    )
    pixels = photos.seen(live)
    pixels = torch.where(flipped[:, None, None, None], pixels.flip(3), pixels)
    named = joint.embed("photo", pixels, flipped)
    placed = joint.compared("photo", named)
    bank = torch.cat([placed, pick(photos.places, others)])
    order = np.concatenate([live, others])
    own = drawings.photo[numbers]
    places = torch.from_numpy(np.where(own >= 0, np.searchsorted(live, own), -1)).to(photos.device)
    same = drawings.group[numbers][:, None] == drawings.photo_group[order][None]
    mine = places.clamp(min=0)[:, None]
    twin = (bank[mine[:, 0]] @ bank.T > TWINS).scatter(1, mine, False)
    ink = augment.augment(drawings.inked(numbers), photos.pixels.shape[1], mirrored)
    names = torch.from_numpy(drawings.name[numbers]).to(photos.device)
    weights, found = WEIGHTS | {"kind": KIND}, dict[str, Tensor]()
    for part, loss in zip(PARTS, joint.losses, strict=False):
        rows = joint.embed(part, augment.paper(ink), mirrored)
        parts = loss(
            joint.compared(part, rows), places, bank, torch.from_numpy(same).to(places.device), twin
        )
        parts["anchor"] = joint.head(anchored(rows), names)
        found |= {f"{part} {key}": weights[key] * value for key, value in parts.items()}
    photo_names = torch.from_numpy(drawings.photo_name[live]).to(photos.device)
    found["anchor"] = ANCHOR * joint.head(anchored(named), photo_names)
    found["hold"] = HOLD * (1 - (placed * pick(photos.places, live)).sum(dim=1)).mean()
    return found


def anchored(rows: Tensor) -> Tensor:
    """What the class anchors are compared with."""
    return functional.normalize(rows[:, : trunk.DIMENSION], dim=1)


@torch.inference_mode()
def centre(joint: Joint, drawings: Drawings, photos: Photos) -> None:
    """Take the means of Sketchy's sketches and of its classes' photos, as they lie now."""
    sketches = drawings.kinds["sketchy"]
    known = np.flatnonzero(np.isin(drawings.photo_group, drawings.group[sketches]))
    pictures = {
        "photo": (photos.seen(part) for part in np.array_split(known, len(known) // 250 + 1))
    }
    for part in PARTS:
        seen = pictures.get(part) or (
            augment.paper(drawings.inked(n)) for n in np.array_split(sketches, 8)
        )
        rows = torch.cat([joint.centred(joint.embed(part, pixels)) for pixels in seen])
        joint.get_buffer(f"{part}_mean").copy_(rows.mean(dim=0))


@torch.inference_mode()
def report(joint: Joint, board: benchmark.Benchmark, **row: float) -> None:
    """One JSON line: each member's metrics on the validation classes, and those of both."""
    gallery, *members = (
        torch.cat(
            [joint.compared(part, joint.embed(part, pixels)) for pixels in torch.split(images, 60)]
        )
        for part, images in zip(
            ("photo", *PARTS[:2]), (board.photos, board.sketches, board.sketches), strict=True
        )
    )
    found: dict[str, Any] = {
        name: {k: round(v, 4) for k, v in board.rank(rows, gallery).items()}
        for name, rows in zip(
            ("first", "second", "both"), (*members, members[0] + members[1]), strict=True
        )
    }
    print(json.dumps({k: round(v, 2) for k, v in row.items()} | found), flush=True)


def train(
    joint: Joint,
    drawings: Drawings,
    photos: Photos,
    board: benchmark.Benchmark,
    total: float,
    pace: float,
) -> Joint:
    """Until the seconds are over; returns the average of the last steps."""
    optimiser, average = joint.optimiser(pace), copy.deepcopy(joint)
    learned = [p for group in optimiser.param_groups for p in group["params"]]
    began = looked = time.monotonic()
    for step in itertools.count(1):
        seconds = time.monotonic() - began
        share = seconds / total
        factor = min(1.0, share / WARM_UP) * min(1.0, (1 - share) / FALL)
        for group in optimiser.param_groups:
            group["lr"] = max(factor, 0.0) * group["rate"]
        found = learn(joint, drawings, photos)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(torch.stack(list(found.values())).sum())
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
        blend(average, joint, min(AVERAGE, step / (step + 10)))
        if share >= 1 or time.monotonic() - looked > LOOK_SECONDS:
            losses = {key: float(value.detach()) for key, value in found.items()}
            report(average, board, step=step, minutes=seconds / 60, **losses)
            looked = time.monotonic()
        if share >= 1:
            break
    return average


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--runs", type=Path, nargs="+", required=True, help="files of train.py in WORK"
    )
    parser.add_argument("--member", type=Path, required=True, help="checkpoint of sbir train")
    parser.add_argument("--minutes", type=float, default=6.6)
    parser.add_argument("--pace", type=float, default=1.0, help="of all learning rates")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    device = torch.device(options.device)
    runs = [options.work / name for name in options.runs]
    joint: Any = Joint(options.work, runs, options.member)
    joint.to(device=device, memory_format=torch.channels_last).eval()  # the norms' statistics stay
    board = benchmark.Benchmark.read(options.work / "validation").to(device)
    photos = Photos(options.work, joint)
    torch.manual_seed(options.seed)
    drawings = Drawings(options.work, SHARES, options.seed, device)
    start = joint.parts()
    average = train(joint, drawings, photos, board, 60 * options.minutes, options.pace)
    centre(average, drawings, photos)
    report(average, board)
    torch.save(
        {"start": start, "end": average.parts(), "minutes": options.minutes, "pace": options.pace},
        options.work / f"joint-{options.seed}.pt",
    )


if __name__ == "__main__":
    main()
