"""Teach the sketch side to give a drawing its photo's place. The whole recipe of sbir-mini:

    python pictures.py --data DATA --work WORK --packages DIR    # drawn pictures, 3 minutes
    python views.py    --data DATA --work WORK --packages DIR    # rendered models, 6 minutes
    python prepare.py  --data DATA --work WORK                   # decode and draw once
    python features.py --work WORK                               # photos through ImageNet's net
    python photos.py   --data DATA --work WORK                   # the photo side: photos and words
    python train.py    --work WORK --seed 1 ...                  # the sketch side, several times
    python words.py    --data DATA --work WORK                   # phrases, by a sentence model
    python text.py     --data DATA --work WORK                   # the text tower
    python export.py   --work WORK                               # the base, for the next
    sbir train WORK/sketchy -o WORK/member --dataset sketchy --model sbir-mini \
        --sketches WORK/sketchy/sketch --sketches WORK/thick --preset small-tower --epochs 2 \
        --infonce-weight 0.5 --patience 0 --held-out-classes VALIDATION   # names.py; 16 minutes
    python joint.py    --work WORK --runs run-1.pt ... --member WORK/member --seed 1   # all on
    python export.py   --work WORK --joint joint-1.pt ...        # then: make index

DATA holds sketchy25/, quickdraw/, quickdraw-more/, tiny-imagenet-64/, imagenet-160/ and clip_text/.
The 21 unseen classes of the Sketchy split take no part (names.py); choices are made on 12 held-out
seen classes.

The photos' embeddings are frozen. The sketch side starts as the photo side and has convolutions,
norms and prompts of its own; ViT blocks and projection are shared. The learning rate warms up, is
constant for 40 % of the time, then falls linearly to zero; the drawings grow from 128 to 192 px.
Started again, a run goes on from its file.

What goes on (joint.py) is the mean of several runs that differ in seed and drawings, made before
the tower had its layout. A longer run finds its own drawings better and the validation classes' no
better; the mean of runs, which begin alike and end near each other, is better than each (model
soups, Wortsman et al., ICML 2022). One process leaves much of a large GPU idle, so runs stand side
by side there:

    for seed in 0 1 2 3 4 5 6 7; do
        python train.py --work WORK --seed $seed --minutes 1.7 --batch 192 --device cuda &
    done; wait

On a CPU a core is best given a run of its own, of about an hour, with the default batch of 48 and
``OMP_NUM_THREADS=1``. With glibc, large buffers that are kept instead of returned save much of the
time there: ``export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=8589934592``.
"""

import argparse
import copy
import json
import time
from pathlib import Path
from typing import Any

import augment
import benchmark
import numpy as np
import torch
import trunk
from losses import AnchorHead, SketchLoss
from numpy.typing import NDArray
from photos import blend
from prepare import KINDS, SIDE
from torch import Tensor, nn
from torch.nn import functional

from sbir_cli.encoder.tower import Tower

Ints = NDArray[np.int64]
MIXES = (  # shares of a batch in 48ths; a run's seed says which
    {"line": 29, "sketchy": 12, "quickdraw": 6, "icon": 1},
    {"line": 38, "sketchy": 10, "quickdraw": 0, "icon": 0},
    {"line": 20, "sketchy": 14, "quickdraw": 12, "icon": 2},
)
WHOLE = 48
SIDES = ((0.5, 128), (1.0, SIDE))  # until which share of the time, at which side
RATE, PROMPT_RATE, DECAY = 3e-4, 1e-3, 0.02  # rates of a batch of 48; they grow with its root
WARM_UP = 0.03
WEIGHTS = {"own": 0.5, "relation": 0.5, "near": 1.0, "kind": 0.1, "anchor": 0.15}
PROMPTS = 3
BANK = 768
TWINS = 0.95  # cosine from which two photos show the same thing
AVERAGE = 0.995
SAVE_SECONDS, LOOK_SECONDS = 120.0, 400.0


class Drawings:
    """The drawings, in a memory map or on the GPU; drawn from in fixed shares."""

    def __init__(self, work: Path, shares: dict[str, int], seed: int, device: torch.device) -> None:
        self.ink = torch.from_numpy(np.load(work / "drawings.npy", mmap_mode="c")).to(device)
        labels: dict[str, Any] = json.loads((work / "labels.json").read_text())
        self.name, self.group, self.photo, kind, self.photo_name, self.photo_group = (
            np.asarray(labels[key])
            for key in (
                "drawing_name",
                "drawing_group",
                "drawing_photo",
                "drawing_kind",
                "photo_name",
                "photo_group",
            )
        )
        self.rng = np.random.default_rng(seed)
        self.shares = shares
        self.kinds = {k: np.flatnonzero(kind == i) for i, k in enumerate(KINDS)}
        lines = self.kinds["line"]
        # a line drawing of a class with few photos comes as often as one of a class with many
        crowd = np.bincount(self.group[lines], minlength=self.group.max() + 1)
        odds = crowd[self.group[lines]].astype(float) ** -0.5
        self.odds = odds / odds.sum()
        self.by_group = np.argsort(self.photo_group, kind="stable")
        self.starts = np.searchsorted(
            self.photo_group[self.by_group], np.arange(self.group.max() + 2)
        )

    def draw(self) -> Ints:
        """Numbers of a batch's drawings."""
        rows = [
            self.rng.choice(self.kinds[k], count, p=self.odds if k == "line" else None)
            for k, count in self.shares.items()
            if count
        ]
        return np.concatenate(rows)

    def inked(self, numbers: Ints) -> Tensor:
        """Their ink, (B, 1, SIDE, SIDE) in 0..1."""
        return pick(self.ink, numbers)[:, None].float().div(255)

    def of_groups(self, groups: Ints, each: int = 1) -> Ints:
        """So many photos at random of each group that has any, (each, number of those groups)."""
        first, count = self.starts[groups], np.diff(self.starts)[groups]
        first, count = first[count > 0], count[count > 0]
        places = (self.rng.random((each, len(count))) * count).astype(np.int64) + first
        chosen: Ints = self.by_group[places]
        return chosen

    def bank(self, numbers: Ints) -> Ints:
        """Photos to compare with: the drawings' own, two of each class drawn, and any others."""
        own, chosen = self.photo[numbers], self.of_groups(np.unique(self.group[numbers]), 2)
        others = self.rng.integers(len(self.photo_group), size=BANK)
        return np.unique(np.concatenate([own[own >= 0], *chosen, others]))


def pick(rows: Tensor, numbers: Ints) -> Tensor:
    """Some of the rows."""
    return rows[torch.from_numpy(numbers).to(rows.device)]


class Run:
    """All that a checkpoint holds: the sketch side, its average, the losses, the optimiser."""

    def __init__(self, work: Path, device: torch.device, batch: int) -> None:
        base = torch.load(work / "base.pt", weights_only=True)
        self.tower = trunk.build()
        self.tower.load_state_dict(base["tower"])
        self.base = copy.deepcopy(self.tower).eval().requires_grad_(False)
        self.prompts = nn.Parameter(0.02 * torch.randn(1, PROMPTS, self.tower.trunk.embed_dim))
        self.tower.register_parameter("prompts", self.prompts)
        shape = base["head"]["anchors"].shape
        self.head = AnchorHead(torch.zeros(shape), torch.ones(shape[0], dtype=torch.bool))
        self.head.load_state_dict(base["head"])
        self.loss = SketchLoss()
        photos = torch.load(work / "photos.pt", weights_only=True).to(device)
        self.photos = functional.normalize(trunk.weigh(photos), dim=1)
        self.average = copy.deepcopy(self.tower).eval().requires_grad_(False)
        modules: Any = (self.base, self.tower, self.average, self.head, self.loss)
        for module in modules:
            module.to(device=device, memory_format=torch.channels_last)
        for module in self.tower.modules():
            if isinstance(module, (nn.BatchNorm2d, nn.BatchNorm1d)):
                module.momentum = 0.02
        self.optimiser = self.make_optimiser((batch / WHOLE) ** 0.5)
        self.step, self.seconds = 0, 0.0

    def make_optimiser(self, pace: float) -> torch.optim.Optimizer:
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
        groups: list[dict[str, Any]] = [
            {"params": kernels, "lr": RATE, "weight_decay": DECAY},
            {"params": scales, "lr": RATE},
            {
                "params": [self.prompts, *self.head.parameters(), *self.loss.parameters()],
                "lr": PROMPT_RATE,
            },
        ]
        for group in groups:
            group["rate"] = pace * group["lr"]
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
    device, numbers = run.photos.device, drawings.draw()
    photos = drawings.bank(numbers)
    bank, shown = pick(run.photos, photos), drawings.photo[numbers]
    places = torch.from_numpy(np.where(shown >= 0, np.searchsorted(photos, shown), -1)).to(device)
    same = drawings.group[numbers][:, None] == drawings.photo_group[photos][None]
    mine = places.clamp(min=0)[:, None]
    twin = (bank[mine[:, 0]] @ bank.T > TWINS).scatter(1, mine, False)
    mirrored = torch.rand(len(numbers), device=device) < 0.5
    ink = augment.augment(drawings.inked(numbers), side, mirrored)
    z = trunk.unmirror(embed(run.tower, run.prompts, augment.paper(ink)), mirrored)
    losses: dict[str, Tensor] = run.loss(z, places, bank, torch.from_numpy(same).to(device), twin)
    named = functional.normalize(z[:, : trunk.DIMENSION], dim=1)
    losses["anchor"] = run.head(named, torch.from_numpy(drawings.name[numbers]).to(device))
    run.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(torch.stack([WEIGHTS[k] * v for k, v in losses.items()]).sum())
    return losses


def course(seconds: float, total: float) -> tuple[float, int]:
    """The factor of the learning rate and the drawings' side at a moment of the run."""
    share = seconds / total
    factor = min(1.0, share / WARM_UP) * min(1.0, (1 - share) / 0.6)
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


def train(
    run: Run, drawings: Drawings, board: benchmark.Benchmark, path: Path, total: float
) -> None:
    """Until the seconds are over."""
    gallery = trunk.weigh(benchmark.embed(run.base, board.photos))
    saved, looked = time.monotonic(), float("-inf")
    losses, before = dict[str, Tensor](), 0
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
        if side == before:  # cuDNN compiles for half a minute at a new size
            run.seconds += time.monotonic() - began
        before = side
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
    parser.add_argument("--batch", type=int, default=WHOLE)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0, help="of the run, run-SEED.pt in WORK")
    options = parser.parse_args()
    device = torch.device(options.device)
    board = benchmark.Benchmark.read(options.work / "validation").to(device)
    path = options.work / f"run-{options.seed}.pt"
    torch.manual_seed(0)  # the prompts begin alike, or their mean would be nothing
    run = Run(options.work, device, options.batch)
    if path.exists():
        run.restore(path)
    seed = hash((options.seed, run.step)) % 2**31
    torch.manual_seed(seed)
    mix = MIXES[options.seed % len(MIXES)]
    shares = {k: n * options.batch // WHOLE for k, n in mix.items()}
    train(run, Drawings(options.work, shares, seed, device), board, path, 60 * options.minutes)


if __name__ == "__main__":
    main()
