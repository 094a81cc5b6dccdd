"""The photo side: ``python photos.py --data DATA --work WORK``, 10 minutes on one core.

Trains what follows the frozen convolutions (ViT blocks, last convolution, projection) on photos and
words, without a drawing: an embedding's first half towards the text anchor of its class, the second
towards the original network's features (``losses.py``). Writes WORK/base.pt (tower and anchors) and
WORK/photos.pt, the embedding of every photo. This tower is the stand-in for a real CLIP, which has
not been taught drawings either.
"""

import argparse
import copy
import json
import time
from pathlib import Path
from typing import Any

import benchmark
import numpy as np
import torch
import trunk
from losses import AnchorHead, TeacherLoss
from names import read_anchors
from prepare import SIDE
from torch import Tensor, nn
from torch.nn import functional
from trunk import CONTENT, DIMENSION

BATCH = 256
RATE = 1e-3
ANCHOR_SHARE = 0.3
AVERAGE = 0.995
SHARE = 0.5  # of what tells the halves of a photo apart, over the rest
GRID, LEAST = SIDE // trunk.mini.STRIDE, 4  # a photo's tokens on a side, those of its least part


def tail(tower: Any, grids: Tensor) -> Tensor:
    """(N, CONTENT) embeddings of any length from (N, T, 320) grids, the layout left out."""
    features = tower.trunk.norm.widen(think(tower, grids)).mean(dim=1)
    return functional.linear(features, tower.head.proj.weight[:CONTENT, : trunk.mini.FEATURES])


def think(tower: Any, grids: Tensor) -> Tensor:
    """(N, T, 320) grids through the blocks."""
    for block in tower.trunk.blocks:
        grids = block(grids)
    return grids


@torch.inference_mode()
def original_features(tower: Any, grids: Tensor) -> Tensor:
    """The original network's pooled features, their mean taken off, by PCA to unit (N, D).

    The axes' spread is evened out a little, by the fourth root: photos of the validation classes
    then find each other as well as by all 1,280 features.
    """
    pooled = [tower.trunk.norm.widen(part.float()).mean(dim=1) for part in torch.split(grids, 2048)]
    rows = torch.cat(pooled)
    rows = rows - rows.mean(dim=0)
    spread, axes = torch.linalg.eigh(rows.T @ rows / len(rows))
    axes = axes[:, -DIMENSION:] * spread[-DIMENSION:] ** -0.125
    return functional.normalize(rows @ axes, dim=1)


@torch.inference_mode()
def fill_layout(tower: Any, grids: Tensor) -> None:
    """Choose what is kept of the differences between the halves of photos: their principal axes.

    The differences d of the halves of a photo, 3 rows of FEATURES each, are seen as the projection
    P sees them. With the leading axes V of P d and their variances l, the layer is
    A = c l^-1/4 V^T P, with c such that the layout in an embedding has SHARE times the mean length
    of the rest. Both were chosen on the validation classes.
    """
    norm, projection = tower.trunk.norm, trunk.weigh(tower.head.proj.weight[:CONTENT].T).T
    projection = projection[:, : trunk.mini.FEATURES]
    signs = trunk.mini.halves(grids.shape[1]) / grids.shape[1]
    parts, lengths = [], []
    for part in torch.split(grids, 1024):
        wide = norm.widen(think(tower, part.float()))
        parts.append(torch.einsum("tc,ntf->ncf", signs, wide) @ projection.T)
        lengths.append((wide.mean(dim=1) @ projection.T).norm(dim=1))
    apart = torch.cat(parts)
    spread, axes = torch.linalg.eigh(apart.flatten(0, 1).T @ apart.flatten(0, 1) / 3 / len(apart))
    axes = axes[:, -trunk.LAYOUT :] * spread[-trunk.LAYOUT :] ** -0.25
    length = (apart @ axes).flatten(1).norm(dim=1).mean()
    trunk.let_layout_through(tower.head.proj.weight)  # training let it decay
    norm.layout.weight.copy_(SHARE * torch.cat(lengths).mean() / length * axes.T @ projection)


def shake(grids: Tensor) -> Tensor:
    """A mirrored grid now and then, and only a part of it: what a crop of the photo would show."""
    square = torch.unflatten(grids.float(), 1, (GRID, GRID))
    if torch.rand(()) < 0.5:
        square = square.flip(2)
    height, width = (int(torch.randint(LEAST, GRID + 1, ())) for _ in range(2))
    top, left = (int(torch.randint(0, GRID + 1 - side, ())) for side in (height, width))
    part: Tensor = square[:, top : top + height, left : left + width]
    return part.flatten(1, 2)


def choose(names: Tensor, by_name: list[Tensor]) -> Tensor:
    """Photo numbers of a batch: half of any photo, half two photos of each name drawn."""
    anything = torch.randint(len(names), (BATCH // 2,))
    drawn = torch.randint(len(by_name), (BATCH // 4,)).tolist()
    pairs = [by_name[n][torch.randint(len(by_name[n]), (2,))] for n in drawn]
    return torch.cat([anything, *pairs])


def read_head(data: Path, names: list[str]) -> AnchorHead:
    """The classifier over all names; where CLIP knows a name, at its anchor."""
    known = read_anchors(data)
    anchors = torch.zeros(len(names), DIMENSION)
    for row, name in enumerate(names):
        if name in known:
            anchors[row] = torch.from_numpy(known[name])
    return AnchorHead(anchors, torch.tensor([name in known for name in names]))


def train(tower: Any, head: AnchorHead, grids: Tensor, labels: dict[str, Any], options: Any) -> Any:
    """Learn, and return the average of the towers of the last steps."""
    names = torch.tensor(labels["photo_name"])
    teacher = TeacherLoss(original_features(tower, grids))
    by_name = [(names == n).nonzero().ravel() for n in torch.unique(names)]
    norm = tower.trunk.norm
    learned = [
        *tower.trunk.blocks.parameters(),
        *norm.conv_head.parameters(),
        *norm.bn2.parameters(),
        *head.parameters(),
    ]
    optimiser = torch.optim.AdamW(
        [
            {"params": learned, "lr": RATE / 3},
            {"params": list(tower.head.parameters()), "lr": RATE},
        ],
        weight_decay=0.02,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [RATE / 3, RATE], total_steps=options.steps, pct_start=0.1
    )
    average, board = copy.deepcopy(tower), benchmark.Benchmark.read(options.work / "validation")
    started = time.monotonic()
    for step in range(1, options.steps + 1):
        photos = choose(names, by_name)
        tower.train()
        with torch.autocast("cpu", torch.bfloat16):
            features = tail(tower, shake(grids[photos])).float()
        named, seen = (functional.normalize(half, dim=1) for half in features.chunk(2, dim=1))
        parts = {"anchor": head(named, names[photos]), "teacher": teacher(seen, photos)}
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(ANCHOR_SHARE * parts["anchor"] + parts["teacher"])
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
        schedule.step()
        blend(average, tower, min(AVERAGE, step / (step + 10)))
        if step % 100 == 0 or step == 3:
            row = {k: round(float(v.detach()), 3) for k, v in parts.items()}
            embedded = benchmark.embed(average.eval(), board.photos)[:, :CONTENT]
            halves = [board.photos_by_photos(half) for half in embedded.chunk(2, dim=1)]
            row |= {
                "photos": board.photos_by_photos(embedded),
                "named": halves[0],
                "seen": halves[1],
            }
            print(
                json.dumps({"step": step, "s": round(time.monotonic() - started), **row}),
                flush=True,
            )
    return average.eval()


@torch.no_grad()
def blend(average: nn.Module, model: nn.Module, keep: float) -> None:
    """average = keep * average + (1 - keep) * model, statistics included."""
    mine, theirs = (
        [v for v in module.state_dict().values() if v.dtype.is_floating_point]
        for module in (average, model)
    )
    torch._foreach_lerp_(mine, theirs, 1 - keep)


def main() -> None:
    """Train and write the base."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=800)
    options = parser.parse_args()
    torch.manual_seed(0)
    labels = json.loads((options.work / "labels.json").read_text())
    grids = torch.from_numpy(np.load(options.work / "grids.npy"))
    tower = trunk.build()
    trunk.load_imagenet(tower)
    head = read_head(options.data, labels["names"])
    tower = train(tower, head, grids, labels, options)
    fill_layout(tower, grids)
    torch.save({"tower": tower.state_dict(), "head": head.state_dict()}, options.work / "base.pt")
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        tokens = (think(tower, part.float()) for part in torch.split(grids, 1024))
        rows = [tower.head(tower.trunk.norm(part).mean(dim=1)).float() for part in tokens]
    torch.save(functional.normalize(torch.cat(rows), dim=1), options.work / "photos.pt")


if __name__ == "__main__":
    main()
