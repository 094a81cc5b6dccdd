"""How much of what real sketches teach a CLIP do drawings of plain photos teach it?

    python benchmarks/any_clip.py SKETCHY -o RESULTS [--more PHOTOS] [--rows photos pairs ...]
    python benchmarks/any_clip.py SKETCHY -o RESULTS --report       # the table of what is there

A stand-in for a CLIP from the network: the bundled base model, which photos and words made and
which never saw a drawing. Its sketch branch is trained, its photo branch stays. Rows: `nothing`;
`photos` (line drawings of the seen classes' photos and of --more, without classes; `photos-200` of
so many); `names` (the seen classes' sketches and names, without photos); `both`; `pairs`
(Sketchy's sketches with their classes' photos by preset small-tower: the upper bound). Each by
`prompt` and by `ft`, with each seed.

Protocol: Sketchy's split paper21. mAP@all (`trec`) of the 21 unseen classes' sketches against
their photos, Acc@1 of a sketch's own photo among those of its class (mean over classes), and the
same mAP of twelve seen classes that take no part in training; rates are to be chosen by these
alone. The share is (row - nothing) / (pairs - nothing) of the same method.

A row is done once its JSON is in RESULTS; a run that is killed goes on where it was when it is
started again. The rows of one seed share the drawings of the photos.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from sbir_cli.config import TrainConfig
from sbir_cli.datasets import DataSet, DrawingSet, PhotoSet, load_split, look_at, read_dataset
from sbir_cli.datasets import read_drawings as drawings_in
from sbir_cli.datasets import read_photos as photos_in
from sbir_cli.embedding import EmbeddedFiles
from sbir_cli.encoder import load_encoder
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.evaluation.embedded import embed_photos, embed_sketches, together
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.storage.resources import BUNDLED_MODEL
from sbir_cli.training.drawn.material import MADE
from sbir_cli.training.drawn.run import train_on_drawings
from sbir_cli.training.presets import preset_config
from sbir_cli.training.run import train
from sbir_cli.training.validation import measure

HELD_OUT = (
    *("axe", "castle", "horse", "motorcycle", "owl", "piano"),
    *("pineapple", "rabbit", "rifle", "sailboat", "shark", "squirrel"),
)
ROWS = ("nothing", "photos-200", "photos-2000", "photos", "names", "both", "pairs")
_FEW, _TIMES = 500, 4  # with fewer photos, so many times the passes
_MEASURES = ("unseen mAP@all", "unseen Acc@1", "held-out mAP@all")


@dataclass(frozen=True)
class Job:
    """A cell of the study."""

    row: str
    method: str
    seed: int

    @property
    def name(self) -> str:
        """Of its files."""
        if self.row == "nothing":
            return self.row
        return f"{self.row}-{self.method}-{self.seed}"


class Study:
    """The data, and what is measured on it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._output: Path = options.output
        self._unseen = list(load_split("sketchy", "paper21").unseen)
        self._data = read_dataset(options.data, "sketchy")
        self._photos: dict[str, EmbeddedFiles] = {}

    @cached_property
    def encoder(self) -> PromptedEncoder:
        """The stand-in."""
        return load_encoder(BUNDLED_MODEL, self._options.device)

    @cached_property
    def photos(self) -> PhotoSet:
        """Those of the seen classes, without their classes, and more."""
        away = {*self._unseen, *HELD_OUT}
        classes = sorted(set(self._data.photo_classes) - away)
        kept = [p.parent for p in self._data.only(classes).photos]
        return look_at(photos_in([*sorted(set(kept)), *self._options.more]))

    @cached_property
    def drawings(self) -> DrawingSet:
        """The seen classes' sketches with their names."""
        return drawings_in([self._options.data]).without([*self._unseen, *HELD_OUT])

    def run(self, job: Job) -> None:
        """Train and measure one cell, unless it is there."""
        file = self._output / f"{job.name}.json"
        if file.exists():
            return
        start = time.perf_counter()
        encoder = self.encoder if job.row == "nothing" else self._trained(job)
        found = {**self._marks(encoder), "seconds": time.perf_counter() - start}
        file.write_text(json.dumps(found, indent=2) + "\n")
        shutil.rmtree(self._output / job.name, ignore_errors=True)
        print(f"{job.name}: {found}", flush=True)

    def _trained(self, job: Job) -> PromptedEncoder:
        output = self._output / job.name
        config = self._config(job)
        if job.row == "pairs":
            return train(self._data, "paper21", self.encoder, config, output, resume=True).encoder
        drawn = self._output / f"drawings-{job.seed}.safetensors"
        given = (
            None if job.row == "names" else self.photos,
            self.drawings if job.row in ("names", "both") else None,
        )
        if given[0] is not None and drawn.exists() and not (output / MADE).exists():
            output.mkdir(parents=True, exist_ok=True)
            os.link(drawn, output / MADE)

        def keep_drawings(phase: str, done: int, total: int, losses: Any) -> None:
            if phase.startswith("epoch") and (output / MADE).exists() and not drawn.exists():
                os.link(output / MADE, drawn)

        report = train_on_drawings(
            *given, self.encoder, config, output, resume=True, watch=keep_drawings
        )
        return report.encoder

    def _config(self, job: Job) -> TrainConfig:
        options = self._options
        rates = {"prompt_lr": options.prompt_lr, "norm_lr": options.norm_lr}
        rates["weight_lr"] = options.weight_lr
        knobs: dict[str, Any] = {k: v for k, v in rates.items() if v is not None}
        knobs |= {"method": job.method, "seed": job.seed, "branch": "sketch"}
        if job.row == "pairs":
            knobs |= {"weight_lr": options.weight_lr or 1e-4, "held_out_classes": HELD_OUT}
            knobs |= {"epochs": options.pair_epochs, "patience": 0}
            return preset_config("small-tower", **knobs)
        config = preset_config("photos", epochs=options.epochs, **knobs)
        count = int(job.row.partition("-")[2] or 0)
        if not count:
            return config
        share = min(1.0, count / (self.photos.different * (1 - config.held_out)))
        times = _TIMES if count < _FEW else 1
        return replace(config, fraction=share, epochs=times * config.epochs)

    def _marks(self, encoder: PromptedEncoder) -> dict[str, float]:
        unseen = self._embedded("unseen", self._data.only(self._unseen), encoder)
        held_out = self._embedded("held out", self._data.only(HELD_OUT), encoder)
        values = measure(unseen, "category"), measure(unseen, "fine-grained")
        return dict(zip(_MEASURES, (*values, measure(held_out, "category")), strict=True))

    def _embedded(self, name: str, part: DataSet, encoder: PromptedEncoder) -> Any:
        config = EvaluationConfig()
        if name not in self._photos:  # the same for all: the photo branch stays plain
            self._photos[name] = embed_photos(part, self.encoder, config, _silent)
        return together(part, embed_sketches(part, encoder, config, _silent), self._photos[name])


def _silent(done: int, total: int) -> None:
    pass


def jobs(rows: Sequence[str], methods: Sequence[str], seeds: int) -> list[Job]:
    """Every cell once, all rows of a seed before the next seed."""
    found = {
        (job := Job(row, method, seed)).name: job
        for seed in range(seeds)
        for method in methods
        for row in rows
    }
    return list(found.values())


def report(results: Path, rows: Sequence[str], methods: Sequence[str], seeds: int) -> str:
    """The table of what is there: means over the seeds, and their standard deviation."""
    head = ("row", "method", "seeds", *_MEASURES, "share of the gain")
    lines = [head, ("---",) * len(head)]
    for method in methods:
        means = {row: _values(results, row, method, seeds) for row in rows}
        for row, found in means.items():
            if not found:
                continue
            cells = [_cell([values[name] for values in found]) for name in _MEASURES]
            lines.append((row, method, str(len(found)), *cells, _share(means, row)))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _values(results: Path, row: str, method: str, seeds: int) -> list[dict[str, float]]:
    names = {Job(row, method, seed).name: None for seed in range(seeds)}
    files = [results / f"{name}.json" for name in names]
    return [json.loads(file.read_text()) for file in files if file.exists()]


def _cell(values: list[float]) -> str:
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"


def _share(means: dict[str, list[dict[str, float]]], row: str) -> str:
    """Of the pairs' gain over nothing, on the unseen classes' mAP."""
    if not (means.get("nothing") and means.get("pairs") and means[row]):
        return ""
    least, most, own = (
        statistics.mean(values[_MEASURES[0]] for values in means[name])
        for name in ("nothing", "pairs", row)
    )
    return f"{(own - least) / (most - least):.0%}" if most > least else "none to share"


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="folders of photos")
    parser.add_argument("--rows", nargs="*", default=ROWS, help="photos-N: of N photos")
    parser.add_argument("--methods", nargs="*", default=("prompt", "ft"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=15, help="passes over photos or names")
    parser.add_argument("--pair-epochs", type=int, default=8, help="passes over the pairs")
    for rate in ("--prompt-lr", "--norm-lr", "--weight-lr"):
        parser.add_argument(rate, type=float, help="of every row (default: each preset's)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--report", action="store_true", help="run nothing")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    if not options.report:
        study = Study(options)
        for job in jobs(options.rows, options.methods, options.seeds):
            study.run(job)
    print(report(options.output, options.rows, options.methods, options.seeds))


if __name__ == "__main__":
    main()
