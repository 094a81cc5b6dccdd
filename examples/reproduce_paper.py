"""The paper's tables: the exact commands at full scale, and the same study at small scale.

    python examples/reproduce_paper.py commands                  # full scale, every row
    python examples/reproduce_paper.py run DATA -o RESULTS       # small scale, DATA like sketchy25
    python examples/reproduce_paper.py run DATA -o RESULTS --model local-dir:FOLDER --study methods
    python examples/reproduce_paper.py report RESULTS            # tables, and curves as PNG

`commands` prints what trains and evaluates each row of Table 1 (category level, on Sketchy,
TU-Berlin and QuickDraw; its ablations on Sketchy), of Table 2 (fine-grained, Sketchy) and each
point of the two data studies (Sketchy), beside the paper's figures. Figures and row names are
those of Sain et al., CVPR 2023.

`run` does the same rows on a folder with Sketchy's layout (`photo/<class>/*.jpg`,
`sketch/<class>/*.png`) and the 21-class split, with three seeds, by the same `sbir` commands. It
uses few epochs, and larger learning rates than the paper's 1e-5, which moves nothing in so few
steps: `RATES` or `FINE_RATES` for prompts and LayerNorms of all rows, `GENTLE` for the matrices of
`lin`, `cond` and `mm`. `ft` has the paper's 1e-6, and a second row with a rate that moves it. The
presets, as rows, keep their own rates. Twelve seen classes that the bundled model's pretraining
held out select the epoch. What is there already, made by the same commands, is not run again: a
study can be killed and called again.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sbir_cli import plotting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Options = tuple[str, ...]

HELD_OUT = "axe,castle,horse,motorcycle,owl,piano,pineapple,rabbit,rifle,sailboat,shark,squirrel"
EPOCHS = 2
SMALL: Options = ("--patience", "0", "--held-out-classes", HELD_OUT)
RATES: Options = ("--prompt-lr", "1e-2", "--norm-lr", "2e-2", "--schedule", "cosine")
FINE_RATES: Options = (*RATES[:2], "--norm-lr", "5e-3", *RATES[4:])  # those of preset small-tower
DATASETS = {
    "sketchy": ("SKETCHY", "200"),
    "tuberlin": ("TUBERLIN", "100"),
    "quickdraw": ("QUICKDRAW", "200"),
}


@dataclass(frozen=True)
class Row:
    """A line of a table: what is trained, and what the paper found."""

    name: str
    options: Options | None = ()
    """Of `sbir train`, beside those of the whole study; None: nothing is trained."""
    paper: dict[str, str] = field(default_factory=dict)
    """The paper's figures by data set."""
    small: Options = ()
    """More options at small scale."""
    epochs: int = 1
    """Times the study's epochs at small scale."""
    full: bool = True
    """Whether it belongs to the paper, and so has commands at full scale."""


@dataclass(frozen=True)
class Study:
    """A table or a curve."""

    title: str
    task: str
    rows: tuple[Row, ...]
    metrics: tuple[tuple[str, str], ...]
    """Metric and protocol, as `sbir evaluate --format json` names them."""
    full: bool = True
    """Whether it belongs to the paper, and so has commands at full scale."""
    rates: Options = RATES
    """Learning rates at small scale; none where each row's preset keeps its own."""
    curve: str | None = None
    """What the x axis shows, where the rows are points of a curve."""


def _figures(sketchy: str, tuberlin: str = "", quickdraw: str = "") -> dict[str, str]:
    known = {"sketchy": sketchy, "tuberlin": tuberlin, "quickdraw": quickdraw}
    return {name: value for name, value in known.items() if value}


def _method(name: str) -> Options:
    return ("--preset", "paper", "--method", name)


PROMPT = _method("prompt")
HELD_OUT_SEEN = ("held-out seen", "")  # what selects the epoch: mAP@all, or Acc@1
CATEGORY = (("mAP@all", "voc"), ("mAP@all", "min"), ("P@25", "min"), HELD_OUT_SEEN)
FINE = (("Acc@1", "class mean"), ("Acc@5", "class mean"), HELD_OUT_SEEN)
GENTLE: Options = ("--weight-lr", "1e-3")  # for whole matrices; chosen on held-out seen classes
PERCENT, COUNTS = (10, 30, 50, 70, 100), (20, 40, 60, 80, 92)

STUDIES = {
    "methods": Study(
        "Table 1, category level",
        "category",
        (
            Row("clip", None),
            Row("ft", _method("ft"), _figures(".102 .166", ".003 .001", ".001 .001")),
            Row("ft at 3e-4", (*_method("ft"), "--weight-lr", "3e-4"), full=False),
            Row("lin", _method("lin"), _figures(".422 .512", ".398 .557", ".082 .098"), GENTLE),
            Row("cond", _method("cond"), _figures(".618 .675", ".562 .648", ".159 .312"), GENTLE),
            Row("ip", _method("ip"), _figures(".691 .711", ".628 .702", ".182 .361")),
            Row("mm", _method("mm"), _figures(".685 .691", ".604 .678", ".171 .347"), GENTLE),
            Row("deep", _method("deep"), _figures(".702 .718", ".637 .718", ".188 .375")),
            Row("prompt (ours)", PROMPT, _figures(".723 .725", ".651 .732", ".202 .388")),
            Row("w/o LayerNorm", (*PROMPT, "--no-layer-norms"), _figures(".698 .701")),
            Row("w/o L_cls", (*PROMPT, "--cls-weight", "0"), _figures(".703 .710")),
        ),
        CATEGORY,
    ),
    "presets": Study(
        "Presets as they are, same number of steps",
        "category",
        (
            Row("paper", PROMPT),
            # three times the batch, so three times the epochs for as many steps
            Row("released", ("--preset", "released"), epochs=3),
            Row("small-tower", ("--preset", "small-tower")),
        ),
        CATEGORY,
        full=False,
        rates=(),
    ),
    "additions": Study(
        "What the paper does not have, each added to prompt",
        "category",
        (
            Row("+ InfoNCE", (*PROMPT, "--infonce-weight", "0.5")),
            Row("+ adaptive margin", (*PROMPT, "--adaptive-margin")),
            Row("+ deep prompts", (*PROMPT, "--depth", "2")),
            Row("+ mirrored images", (*PROMPT, "--flip")),
            Row("+ means subtracted", (*PROMPT, "--center")),
        ),
        CATEGORY,
        full=False,
    ),
    "fine-grained": Study(
        "Table 2, fine-grained",
        "fine-grained",
        (
            Row("clip", None),
            Row("ft", _method("ft"), _figures("1.23 4.56")),
            Row("lin", _method("lin"), _figures("15.75 39.63"), GENTLE),
            Row("cond", _method("cond"), _figures("25.98 54.38"), GENTLE),
            Row("ip", _method("ip"), _figures("26.69 56.08")),
            Row("mm", _method("mm"), _figures("27.16 59.46"), GENTLE),
            Row("deep", _method("deep"), _figures("27.62 61.56")),
            Row("prompt (ours)", PROMPT, _figures("28.68 62.34")),
            Row("w/o LayerNorm", (*PROMPT, "--no-layer-norms"), _figures("27.18 59.55")),
            Row("w/o L_cls", (*PROMPT, "--cls-weight", "0"), _figures("10.69 16.32")),
            Row("w/o L_PS", (*PROMPT, "--shuffle-weight", "0"), _figures("25.18 53.07")),
            Row("w/o L_delta", (*PROMPT, "--delta-weight", "0"), _figures("24.93 53.72")),
        ),
        FINE,
        rates=FINE_RATES,
    ),
    "fraction": Study(
        "Share of the training data per class",
        "category",
        tuple(Row(f"{p} %", (*PROMPT, "--fraction", str(p / 100))) for p in PERCENT),
        CATEGORY[:1],
        curve="share of each class's images, %",
    ),
    "classes": Study(
        "Number of seen classes",
        "category",
        tuple(Row(str(n), (*PROMPT, "--seen-classes", str(n))) for n in COUNTS),
        CATEGORY[:1],
        curve="classes trained on",
    ),
}


def commands() -> None:
    """Print what each row takes at full scale, with the paper's figures as comments."""
    print("# SKETCHY, TUBERLIN, QUICKDRAW: folders with sketch/<class>/* and photo/<class>/*")
    print("# Figures: mAP@200 P@200 | mAP@all P@100 | mAP@all P@200; fine-grained Acc@1 Acc@5 in %")
    print("BASE=ViT-B-32/openai")
    for key, study in STUDIES.items():
        if not study.full:
            continue
        print(f"\n# {study.title}")
        for row in filter(lambda row: row.full, study.rows):
            everywhere = key == "methods" and not row.name.startswith("w/o")
            for dataset in DATASETS if everywhere else ("sketchy",):
                folder, cut = DATASETS[dataset]
                figure = row.paper.get(dataset, "none")
                model = "$BASE"
                print(f"# {row.name}, {dataset}; the paper has {figure}")
                if row.options is not None:
                    model = f"runs/{key}/{dataset}/{_slug(row.name)}"
                    knobs = ("--dataset", dataset, "--task", study.task, "--model", "$BASE")
                    print(_line("train", f"${folder}", "-o", model, *knobs, *row.options))
                cuts = ("--k", cut) if study.task == "category" else ()
                report = f"runs/{key}/{dataset}/{_slug(row.name)}.json"
                common = ("--dataset", dataset, "--task", study.task, "--model", model)
                print(_line("evaluate", f"${folder}", *common, *cuts, "-o", report))


def _line(*words: str) -> str:
    return " ".join(["sbir", *(w if w.startswith("$") else shlex.quote(w) for w in words)])


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")


@dataclass(frozen=True)
class Job:
    """One row with one seed."""

    study: Study
    row: Row
    seed: int
    data: Path
    model: str | None
    epochs: int
    place: Path
    """Where the checkpoint goes; the report is the file beside it."""

    @property
    def report(self) -> Path:
        """What `sbir evaluate` writes."""
        return self.place.with_name(f"{self.place.name}.json")

    def steps(self) -> Iterator[Options]:
        """The commands, without `sbir`."""
        base = ("--dataset", "sketchy", "--task", self.study.task)
        model = ("--model", self.model) if self.model else ()
        if self.row.options is not None:
            rates = () if "small-tower" in self.row.options else self.study.rates
            epochs = str(self.epochs * self.row.epochs)
            knobs = ("--epochs", epochs, *SMALL, *rates, *self.row.small)
            place = ("-o", str(self.place), "--seed", str(self.seed), "--resume")
            yield ("train", str(self.data), *place, *base, *model, *knobs, *self.row.options)
            model = ("--model", str(self.place))
        cuts = ("--k", "25,200") if self.study.task == "category" else ()
        yield ("evaluate", str(self.data), *base, *model, *cuts, "-o", str(self.report))

    def run(self, threads: int) -> None:
        """Train and evaluate, unless that has been done by the same commands."""
        lines = [f"sbir {shlex.join(step)}\n" for step in self.steps()]
        done = self.report.with_suffix(".sh")
        if done.exists() and done.read_text() == "".join(lines):
            return
        done.unlink(missing_ok=True)
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        for step, line in zip(self.steps(), lines, strict=True):
            print(line, end="", flush=True)
            command = [sys.executable, "-m", "sbir_cli", *step, "--quiet"]
            found = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL)
            if found.returncode not in (0, 3):  # 3: some images were skipped
                sys.exit(f"stopped by: {line}")
        done.write_text("".join(lines))


def run(options: argparse.Namespace) -> None:
    """Every row of the chosen studies, some side by side."""
    jobs = []
    for name in options.study or STUDIES:
        study = STUDIES[name]
        for seed in range(options.seeds):
            for row in study.rows:
                if (row.options is None and seed) or (options.row and row.name not in options.row):
                    continue
                place = options.output / name / f"{_slug(row.name)}-{seed}"
                jobs.append(
                    Job(study, row, seed, options.data, options.model, options.epochs, place)
                )
    threads = max(1, (os.cpu_count() or 1) // options.jobs)
    with ThreadPoolExecutor(options.jobs) as pool:
        try:
            for done in [pool.submit(job.run, threads) for job in jobs]:
                done.result()
        finally:
            pool.shutdown(cancel_futures=True)  # one that stopped ends the study


def report(results: Path) -> None:
    """Print a Markdown table for each study that has results, and draw the curves."""
    for name, study in STUDIES.items():
        found = {row.name: _values(results / name, row) for row in study.rows}
        if not any(found.values()):
            continue
        paper = any(row.paper for row in study.rows)
        heads = [" ".join(metric).strip() for metric in study.metrics]
        print(f"\n### {study.title}\n")
        theirs = "mAP@200 P@200" if study.task == "category" else "Acc@1 Acc@5, %"
        more = [f"paper, Sketchy: {theirs}"] if paper else []
        print("| |", " | ".join([*heads, "seeds", *more]), "|")
        print("|---" * (2 + len(heads) + paper) + "|")
        for row in study.rows:
            seeds = found[row.name]
            if not seeds:
                continue
            cells = [
                _spread([seed[metric] for seed in seeds if metric in seed])
                for metric in study.metrics
            ]
            figure = [row.paper.get("sketchy", "")] if paper else []
            print(f"| {row.name} |", " | ".join([*cells, str(len(seeds)), *figure]), "|")
        if study.curve:
            points = [
                (float(row.name.split()[0]), [seed[study.metrics[0]] for seed in found[row.name]])
                for row in study.rows
                if found[row.name]
            ]
            _plot(results / f"{name}.png", points, study.curve, " ".join(study.metrics[0]))
            print(f"\n{results / f'{name}.png'}")


def _values(folder: Path, row: Row) -> list[dict[tuple[str, str], float]]:
    """For each seed the values by metric and protocol."""
    found = []
    for path in sorted(folder.glob(f"{_slug(row.name)}-[0-9]*.json")):
        if not path.with_suffix(".sh").exists():
            continue  # a kill came between its commands
        values = json.loads(path.read_text())["values"]
        found.append({(v["name"], v["protocol"]): float(v["value"]) for v in values})
        trained = path.with_suffix("") / "config.json"
        if trained.exists():
            validation = json.loads(trained.read_text())["training"]["validation"]
            found[-1][HELD_OUT_SEEN] = float(validation["value"])
    return found


def _spread(values: list[float]) -> str:
    """Mean and sample standard deviation."""
    if not values:
        return ""
    mean = f"{statistics.mean(values):.3f}"
    return f"{mean} ± {statistics.stdev(values):.3f}" if len(values) > 1 else mean


def _plot(path: Path, points: list[tuple[float, list[float]]], x: str, y: str) -> None:
    """The mean over the seeds as a line, each seed as a dot."""

    def draw(axes: Axes) -> None:
        axes.plot([at for at, _ in points], [statistics.mean(seeds) for _, seeds in points])
        for at, seeds in points:
            axes.plot([at] * len(seeds), seeds, "o", color=plotting.SERIES[0])
        axes.set_xlim(left=0)
        axes.set_xticks([at for at, _ in points])
        axes.set_xlabel(x)
        axes.set_ylabel(y)

    path.write_bytes(plotting.png(draw, 6.4, 4.2))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    todo = parser.add_subparsers(dest="todo", required=True)
    todo.add_parser("commands", help="print the commands at full scale")
    small = todo.add_parser("run", help="the study at small scale")
    small.add_argument("data", type=Path)
    small.add_argument("-o", "--output", type=Path, required=True)
    small.add_argument("--model", default="sbir-mini", help="default: the bundled model")
    small.add_argument("--study", choices=STUDIES, action="append")
    small.add_argument("--row", action="append", help="only the rows of this name")
    small.add_argument("--seeds", type=int, default=3)
    small.add_argument("--epochs", type=int, default=EPOCHS)
    small.add_argument("--jobs", type=int, default=1, help="runs side by side")
    told = todo.add_parser("report", help="tables and curves of what `run` left")
    told.add_argument("results", type=Path)
    options = parser.parse_args()
    if options.todo == "commands":
        commands()
    elif options.todo == "run":
        run(options)
    else:
        report(options.results)


if __name__ == "__main__":
    main()
