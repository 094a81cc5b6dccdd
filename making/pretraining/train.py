"""Teach the sketch side to give a drawing its photo's place. The whole recipe of sbir-mini:

    python pictures.py --data DATA --work WORK --packages DIR    # drawn pictures, 3 minutes
    python views.py    --data DATA --work WORK --packages DIR    # rendered models, 6 minutes
    python prepare.py  --data DATA --work WORK                   # decode and draw once
    python features.py --work WORK                               # photos through ImageNet's net
    python photos.py   --data DATA --work WORK                   # the photo side: photos and words
    python train.py    --work WORK --out RUN.pt ...              # the sketch side, several times
    python words.py    --data DATA --work WORK                   # phrases, by a sentence model
    python text.py     --data DATA --work WORK                   # the text tower
    python export.py   --work WORK --runs RUN.pt ...             # then: make index

DATA holds sketchy25/, quickdraw/, quickdraw-more/, tiny-imagenet-64/, imagenet-160/ and clip_text/.
The 21 unseen classes of the Sketchy split take no part (names.py); choices are made on 12 held-out
seen classes.

The photos' embeddings are frozen. The sketch side starts as the photo side and has convolutions,
norms and prompts of its own; ViT blocks and projection are shared. The learning rate warms up, is
constant for 40 % of the time, then falls linearly to zero; the drawings grow from 96 to 192 px.
Started again, a run goes on from its file.

What ships is the mean of several runs that differ in seed and drawings. A longer run finds its own
drawings better and the validation classes' no better; the mean of runs, which begin alike and end
near each other, is better than each (model soups, Wortsman et al., ICML 2022). So a core is best
given a run of its own:

    OMP_NUM_THREADS=1 python train.py --work WORK --out a.pt --minutes 60 --seed 1
    OMP_NUM_THREADS=1 python train.py --work WORK --out b.pt --minutes 60 --seed 2 \
        --shares line=38,sketchy=10,quickdraw=0,icon=0
    OMP_NUM_THREADS=1 python train.py --work WORK --out c.pt --minutes 60 --seed 3 \
        --shares line=20,sketchy=14,quickdraw=12,icon=2

With glibc, large buffers that are kept instead of returned save much of the time on a CPU:
``export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=8589934592``.
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
from depthwise import speed_up
from losses import AnchorHead, SketchLoss
from numpy.typing import NDArray
from photos import blend
from prepare import KINDS
from torch import Tensor, nn
from torch.nn import functional

from sbir_cli.encoder.tower import Tower

Ints = NDArray[np.int64]
SHARES = {"line": 29, "sketchy": 12, "quickdraw": 6, "icon": 1}  # of a batch
SIDES = ((0.2, 96), (0.65, 128), (1.0, trunk.mini.IMAGE_SIZE))  # until which share of the time, at which side
RATE, PROMPT_RATE, DECAY = 3e-4, 1e-3, 0.02
WEIGHTS = {"own": 0.5, "relation": 0.5, "near": 1.0, "kind": 0.1, "anchor": 0.15}
PROMPTS = 3
BANK = 768
TWINS = 0.95  # cosine from which two photos show the same thing
AVERAGE = 0.998
SAVE_SECONDS, LOOK_SECONDS = 120.0, 400.0


class Drawings:
    """The drawings in memory maps, drawn from in fixed shares."""

    def __init__(self, work: Path, seed: int, shares: dict[str, int]) -> None:
        self.ink = np.load(work / "drawings.npy", mmap_mode="r")
        labels: dict[str, Any] = json.loads((work / "labels.json").read_text())
        self.name, self.group, self.photo, kind, self.photo_group = (
            np.asarray(labels[key])
            for key in (
                "drawing_name",
                "drawing_group",
                "drawing_photo",
                "drawing_kind",
                "photo_group",
            )
        )
        self.rng = np.random.default_rng(seed)
        self.shares = shares
        self.kinds = {k: np.flatnonzero(kind == i) for i, k in enumerate(KINDS)}
        # a line drawing of a class with few photos comes as often as one of a class with many
        crowd = np.bincount(self.group[self.kinds["line"]], minlength=self.group.max() + 1)
        odds = crowd[self.group[self.kinds["line"]]].astype(float) ** -0.5
        self.odds = odds / odds.sum()
        order = np.argsort(self.photo_group, kind="stable")
        starts = np.searchsorted(self.photo_group[order], np.arange(self.group.max() + 2))
        self.by_group = [order[a:b] for a, b in itertools.pairwise(starts)]

    def draw(self) -> tuple[Tensor, Ints]:
        """Ink (B, 1, SIDE, SIDE) in 0..1 and the drawings' numbers."""
        rows = [
            self.rng.choice(self.kinds[k], count, p=self.odds if k == "line" else None)
            for k, count in self.shares.items()
            if count
        ]
        numbers = np.concatenate(rows)
        ink = torch.from_numpy(np.stack([self.ink[n] for n in numbers]))
        return ink[:, None].float().div(255), numbers

    def bank(self, numbers: Ints) -> Ints:
        """Photos to compare with: the drawings' own, two of each class drawn, and any others."""
        own = self.photo[numbers]
        groups = [self.by_group[g] for g in np.unique(self.group[numbers])]
        kin = [self.rng.choice(g, 2) for g in groups if len(g)]
        others = self.rng.integers(len(self.photo_group), size=BANK)
        return np.unique(np.concatenate([own[own >= 0], *kin, others]))


class Run:
    """All that a checkpoint holds: the sketch side, its average, the losses, the optimiser."""

    def __init__(self, work: Path, device: torch.device) -> None:
        base = torch.load(work / "base.pt", weights_only=True)
        self.tower = trunk.build()
        self.tower.load_state_dict(base["tower"])
        self.prompts = nn.Parameter(0.02 * torch.randn(1, PROMPTS, self.tower.trunk.embed_dim))
        self.tower.register_parameter("prompts", self.prompts)
        shape = base["head"]["anchors"].shape
        self.head = AnchorHead(torch.zeros(shape), torch.ones(shape[0], dtype=torch.bool))
        self.head.load_state_dict(base["head"])
        self.loss = SketchLoss()
        photos = torch.load(work / "photos.pt", weights_only=True).to(device)
        self.photos = functional.normalize(trunk.weigh(photos), dim=1)
        self.average = copy.deepcopy(self.tower).eval().requires_grad_(False)
        if device.type == "cpu":
            speed_up(self.tower)
        for module in (self.tower, self.average, self.head, self.loss):
            module.to(device)
        for module in self.tower.modules():
            if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm1d)):
                module.momentum = 0.02
        self.optimiser = self.make_optimiser()
        self.step, self.seconds = 0, 0.0

    def make_optimiser(self) -> torch.optim.Optimizer:
        """AdamW over convolutions, norms, prompts and losses; blocks and projection are frozen."""
        kernels, scales = list[nn.Parameter](), list[nn.Parameter]()
        for name, parameter in self.tower.named_parameters():
            trained = "patch_embed" in name or parameter.ndim < 2
            parameter.requires_grad_(trained or name == "prompts")
            if trained and name != "prompts":
                (kernels if parameter.ndim > 1 else scales).append(parameter)
        frozen = [*self.tower.trunk.blocks.named_parameters(), *self.tower.head.named_parameters()]
        for name, parameter in frozen:
            if "norm" not in name:
                parameter.requires_grad_(False)
        scales = [p for p in scales if p.requires_grad]
        groups = [
            {"params": kernels, "lr": RATE, "weight_decay": DECAY},
            {"params": scales, "lr": RATE},
            {
                "params": [self.prompts, *self.head.parameters(), *self.loss.parameters()],
                "lr": PROMPT_RATE,
            },
        ]
        for group in groups:
            group["rate"] = group["lr"]
        return torch.optim.AdamW(groups, weight_decay=0.0, betas=(0.9, 0.98))

    def learned(self) -> list[nn.Parameter]:
        """Every parameter that the optimiser moves."""
        return [p for group in self.optimiser.param_groups for p in group["params"]]

    def save(self, path: Path) -> None:
        """Write beside and rename, so that a kill leaves the old file or the new one."""
        state = {name: getattr(self, name).state_dict() for name in PARTS}
        torch.save({**state, "step": self.step, "seconds": self.seconds}, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, weights_only=True)
        for name in PARTS:
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]


PARTS = ("tower", "average", "head", "loss", "optimiser")


def embed(tower: Any, prompts: Tensor, pixels: Tensor) -> Tensor:
    """Unit-length embeddings of prompted drawings."""
    autocast = torch.autocast(pixels.device.type, torch.bfloat16)
    with autocast, Tower.of(tower, "sbir-mini").prompted(prompts):
        features = tower(trunk.normalise(pixels))
    return functional.normalize(trunk.weigh(features.float()), dim=1)


def learn(run: Run, drawings: Drawings, side: int) -> dict[str, Tensor]:
    """One step's losses; their gradients are in place afterwards."""
    device = run.photos.device
    ink, numbers = drawings.draw()
    z = embed(run.tower, run.prompts, augment.paper(augment.augment(ink.to(device), side)))
    photos = drawings.bank(numbers)
    bank = run.photos[torch.from_numpy(photos)]
    own = np.where(
        drawings.photo[numbers] >= 0, np.searchsorted(photos, drawings.photo[numbers]), -1
    )
    places = torch.from_numpy(own).to(device)
    same = drawings.group[numbers][:, None] == drawings.photo_group[photos][None]
    likeness = bank[places.clamp(min=0)] @ bank.T
    twin = (likeness > TWINS).scatter(1, places.clamp(min=0)[:, None], False)
    parts: dict[str, Tensor] = run.loss(z, places, bank, torch.from_numpy(same).to(device), twin)
    named = functional.normalize(z[:, : trunk.DIMENSION], dim=1)
    parts["anchor"] = run.head(named, torch.from_numpy(drawings.name[numbers]).to(device))
    run.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(sum((WEIGHTS[k] * v for k, v in parts.items()), torch.zeros(())))
    return parts


def course(seconds: float, total: float) -> tuple[float, int]:
    """The factor of the learning rate and the drawings' side at a moment of the run."""
    share = seconds / total
    factor = min(1.0, seconds / 60.0) * min(1.0, (1 - share) / 0.6)
    return max(factor, 0.0), next((side for until, side in SIDES if share < until), SIDES[-1][1])


def report(
    run: Run, board: benchmark.Benchmark, gallery: Tensor, losses: dict[str, Tensor]
) -> None:
    """One JSON line: losses, and the metrics of the average on the validation classes."""
    with torch.inference_mode(), Tower.of(run.average, "").prompted(run.average.prompts):
        sketches = trunk.weigh(benchmark.embed(run.average, board.sketches))
    row = {k: round(float(v.detach()), 3) for k, v in losses.items()}
    row |= {k: round(v, 4) for k, v in board.rank(sketches, gallery).items()}
    print(json.dumps({"step": run.step, "minutes": round(run.seconds / 60, 1), **row}), flush=True)


def train(run: Run, drawings: Drawings, work: Path, options: argparse.Namespace) -> None:
    """Until the time is over."""
    path = work / options.out
    board = benchmark.Benchmark.read(work / "validation")
    base = trunk.build()
    base.load_state_dict(torch.load(work / "base.pt", weights_only=True)["tower"])
    gallery = trunk.weigh(benchmark.embed(base.eval(), board.photos))
    total, saved, looked = 60 * options.minutes, time.monotonic(), float("-inf")
    while run.seconds < total:
        began = time.monotonic()
        factor, side = course(run.seconds, total)
        for group in run.optimiser.param_groups:
            group["lr"] = factor * group["rate"]
        run.tower.train()
        losses = learn(run, drawings, side)
        nn.utils.clip_grad_norm_(run.learned(), 1.0)
        run.optimiser.step()
        run.step += 1
        blend(run.average, run.tower, min(AVERAGE, run.step / (run.step + 10)))
        run.seconds += time.monotonic() - began
        if time.monotonic() - looked > LOOK_SECONDS:
            report(run, board, gallery, losses)
            looked = time.monotonic()
        if time.monotonic() - saved > SAVE_SECONDS:
            run.save(path)
            saved = time.monotonic()
    run.save(path)
    report(run, board, gallery, losses)


def main() -> None:
    """Train, or go on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shares", default="", help="as in line=0,sketchy=24, of a batch")
    parser.add_argument("--out", default="train.pt")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    run = Run(options.work, torch.device(options.device))
    path = options.work / options.out
    if path.exists():
        run.restore(path)
    seed = hash((options.seed, run.step)) % 2**31
    torch.manual_seed(seed)
    shares = SHARES | {k: int(v) for k, v in (p.split("=") for p in options.shares.split(",") if p)}
    train(run, Drawings(options.work, seed, shares), options.work, options)


if __name__ == "__main__":
    main()
