"""Train sbir-mini's image tower from scratch. The whole recipe, with DATA and WORK folders:

    python pictures.py --data DATA --work WORK --packages DIR    # drawn pictures, 3 minutes
    python views.py    --data DATA --work WORK --packages DIR    # rendered models, 8 minutes
    python prepare.py  --data DATA --work WORK            # decode once, ~4 GB in WORK
    python teacher.py  --data DATA --work WORK            # the teacher's features, 4 minutes
    torchrun --nproc-per-node 2 train.py --data DATA --work WORK    # one process a core; or, with
    python train.py    --data DATA --work WORK --device cuda        # a GPU
    python text.py     --data DATA --work WORK            # the text tower, a few minutes
    python export.py   --work WORK --out sbir_cli/models/sbir-mini
    python evaluate.py --data DATA --classes validation   # the held-out seen classes

The first two may be left out. DATA holds sketchy25/, quickdraw/, tiny-imagenet-64/, clip_text/ and
teacher/. The 21 unseen classes of the Sketchy split take no part (names.py); choices are made on 12
held-out seen classes.

The learning rate warms up, stays constant, then falls linearly to zero over ``--decay-steps``. The
fall begins after ``--steps``, or as soon as the file WORK/decay appears (its text, if any, is the
number of decay steps), so a run can be shortened. Started again, train.py goes on from
WORK/train.pt. To train longer than a finished run, put WORK/constant.pt, the checkpoint from before
the fall, in place of train.pt, remove WORK/decay, and give a larger ``--steps``; or, where data
were added, ``--from-tower`` the finished run's train.pt in another work folder.

``--pairs 0 --sketches 0 --photos 116 --edges 0`` trains a tower that never saw a line drawing,
CLIP's case, for comparisons; ``--distil 0`` does without the teacher.

With glibc, large buffers that are kept instead of returned save much of the time on a CPU:
``export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=8589934592``.
"""

import argparse
import copy
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import open_clip_tower
import torch
import workers
from batches import Mix, Sampler
from evaluate import evaluate, read_benchmark, trained_classes
from losses import AnchorHead, PretrainingLoss, TeacherLoss, read_teacher
from names import DIMENSION, VALIDATION, read_anchors
from optimiser import make_optimisers
from torch import Tensor, nn


@dataclass(frozen=True)
class Settings:
    """The knobs of a run; a step is one batch."""

    steps: int = 4000  # before the learning rate falls
    decay_steps: int = 1200
    warmup: int = 250
    rate: float = 1.5e-3
    weight_decay: float = 0.05
    contrast: float = 0.5  # weight of the class contrast
    own: float = 0.3  # weight of the own-photo contrast
    distil: float = 1.0  # weight of the teacher's loss; 0 trains without the teacher
    average: float = 0.99  # decay of the moving average of the weights, per step
    clip: float = 1.0
    seed: int = 0
    save_seconds: float = 120.0
    evaluate_every: int = 250


class Run:
    """Everything that a checkpoint holds: tower, average, loss, optimiser and the step."""

    def __init__(self, settings: Settings, sampler: Sampler, data: Path, work: Path) -> None:
        torch.manual_seed(settings.seed)
        self.worker, self.workers = workers.join()
        device, names = sampler.device, sampler.labels.names
        self.tower = open_clip_tower.build(2 * DIMENSION).to(device)
        known = read_anchors(data)
        anchors = torch.zeros(len(names), DIMENSION)
        for row, name in enumerate(names):
            if name in known:
                anchors[row] = torch.from_numpy(known[name])
        head = AnchorHead(anchors, torch.tensor([name in known for name in names]))
        groups = torch.from_numpy(sampler.photo_group)
        targets = read_teacher(work) if settings.distil else torch.zeros(len(groups), 1)
        teacher = TeacherLoss(targets, groups, len(sampler.labels.groups))
        weights = (settings.contrast, settings.own, settings.distil)
        self.loss = PretrainingLoss(head, teacher, *weights).to(device)
        self.average = copy.deepcopy(self.tower).eval().requires_grad_(False)
        self.muon, self.adam = make_optimisers(
            self.tower, self.loss, settings.rate, settings.weight_decay
        )
        self.step = 0
        self.fall_from = settings.steps
        self.fall_steps = settings.decay_steps

    def start_from(self, path: Path) -> None:
        """Begin with the tower of another run, which may have had other classes."""
        tower = torch.load(path, weights_only=True)["average"]
        self.tower.load_state_dict(tower)
        self.average.load_state_dict(tower)

    def state(self) -> dict[str, object]:
        """Tensors and plain numbers only, for ``weights_only`` loading."""
        parts = {name: getattr(self, name).state_dict() for name in PARTS}
        return {**parts, "step": self.step, "fall": [self.fall_from, self.fall_steps]}

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, weights_only=True)
        for name in PARTS:
            getattr(self, name).load_state_dict(state[name])
        self.step = state["step"]
        if self.step > state["fall"][0]:  # stopped while the rate was falling: keep to that course
            self.fall_from, self.fall_steps = state["fall"]

    def save(self, path: Path) -> None:
        """Write beside and rename, so that a kill leaves the old file or the new one."""
        if self.worker == 0:
            torch.save(self.state(), path.with_suffix(".tmp"))
            path.with_suffix(".tmp").replace(path)


PARTS = ("tower", "average", "loss", "muon", "adam")


def rate_at(step: int, settings: Settings, fall_from: int, fall_steps: int) -> float:
    """Warm-up, constant, linear fall to zero."""
    warm = min(1.0, (step + 1) / settings.warmup)
    fall = min(1.0, (fall_from + fall_steps - step) / fall_steps)
    return settings.rate * max(0.0, min(warm, fall))


def forward(tower: nn.Module, images: Tensor) -> Tensor:
    """Embeddings of any length, (N, D) float32, of pixels in 0..1."""
    images = open_clip_tower.normalise(images).contiguous(memory_format=torch.channels_last)
    with torch.autocast(images.device.type, torch.bfloat16):
        features: Tensor = tower(images)
    return features.float()


def train_step(run: Run, sampler: Sampler, settings: Settings) -> dict[str, float]:
    """One batch, one update of the weights and of their moving average."""
    for group in [*run.muon.param_groups, *run.adam.param_groups]:
        group["lr"] = rate_at(run.step, settings, run.fall_from, run.fall_steps)
    batch = sampler.draw()
    parts: dict[str, Tensor] = run.loss(forward(run.tower, batch.images), batch)
    run.muon.zero_grad(set_to_none=True)
    run.adam.zero_grad(set_to_none=True)
    torch.autograd.backward(parts["total"])
    workers.average_gradients([*run.tower.parameters(), *run.loss.parameters()], run.workers)
    nn.utils.clip_grad_norm_(run.tower.parameters(), settings.clip)
    run.muon.step()
    run.adam.step()
    run.step += 1
    update_average(run.average, run.tower, min(settings.average, run.step / (run.step + 10)))
    return {name: float(value.detach()) for name, value in parts.items()}


@torch.no_grad()
def update_average(average: nn.Module, tower: nn.Module, decay: float) -> None:
    """average <- decay * average + (1 - decay) * tower, BatchNorm statistics included."""
    for old, new in zip(average.state_dict().values(), tower.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)


def log_line(path: Path, values: dict[str, float]) -> None:
    """Print and append one JSON line."""
    line = json.dumps({k: round(v, 5) for k, v in values.items()})
    print(line, flush=True)
    with path.open("a") as log:
        log.write(line + "\n")


def fall_now(run: Run, work: Path) -> None:
    """Begin the learning rate's fall if WORK/decay asks for it (looked for every 20 steps)."""
    if run.step % 20 or run.step >= run.fall_from:
        return
    request = work / "decay"
    asked = run.worker == 0 and request.exists()
    steps = int(request.read_text().strip() or run.fall_steps) if asked else 0
    steps = int(workers.agree(torch.tensor(steps), run.workers))
    if steps:
        run.fall_from, run.fall_steps = run.step, steps


def train(run: Run, sampler: Sampler, settings: Settings, data: Path, work: Path) -> None:
    """Step until the learning rate has fallen to zero."""
    benchmark = read_benchmark(data, VALIDATION)
    trained = read_benchmark(data, trained_classes(data), kept_out=True)
    saved = logged = time.monotonic()
    sums: dict[str, float] = {}
    constant_saved = run.step > run.fall_from
    while run.step < run.fall_from + run.fall_steps:
        fall_now(run, work)
        if run.step >= run.fall_from and not constant_saved:
            run.save(work / "constant.pt")
            constant_saved = True
        for name, value in train_step(run, sampler, settings).items():
            sums[name] = sums.get(name, 0.0) + value / settings.evaluate_every
        if run.step % settings.evaluate_every == 0 and run.worker == 0:
            seconds = (time.monotonic() - logged) / settings.evaluate_every
            report = evaluate(lambda x: forward(run.average, x), benchmark, flip=False)
            hits = evaluate(lambda x: forward(run.average, x), trained, flip=False).first_hit
            entry = {"step": run.step, **sums, "step_seconds": seconds, **asdict(report)}
            entry["trained_first_hit"] = hits
            log_line(work / "log.jsonl", entry)
            logged, sums = time.monotonic(), {}
        if time.monotonic() - saved > settings.save_seconds:
            run.save(work / "train.pt")
            saved = time.monotonic()
    run.save(work / "train.pt")


def main() -> None:
    """Read the options, resume if there is a checkpoint, train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--from-tower", type=Path, help="a train.pt whose tower to start from")
    for name, default in {**asdict(Settings()), **asdict(Mix())}.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(default), default=default)
    options = vars(parser.parse_args())
    data, work, device, start = (options.pop(n) for n in ("data", "work", "device", "from_tower"))
    mix = Mix(**{name: options.pop(name) for name in asdict(Mix())})
    settings = Settings(**options)
    sampler = Sampler(work, mix, torch.device(device), settings.seed)
    run = Run(settings, sampler, data, work)
    if (work / "train.pt").exists():
        run.restore(work / "train.pt")
    elif start is not None:
        run.start_from(start)
    sampler.reseed(settings.seed + run.step * run.workers + run.worker)
    train(run, sampler, settings, data, work)


if __name__ == "__main__":
    main()
