"""`sbir train`: a checkpoint from sketches and photos by class."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sbir_cli.cli.data import Data
from sbir_cli.cli.exits import SKIPPED, interrupted_with
from sbir_cli.cli.options import (
    CheckOnly,
    Device,
    Lists,
    Photos,
    Quiet,
    Sketches,
    TaskOption,
)
from sbir_cli.cli.progress import progress_bar
from sbir_cli.cli.streams import say, say_skipped
from sbir_cli.cli.torchrun import torchrun_group
from sbir_cli.cli.train_drawn import IMPLIED, Drawn, say_what, show_drawings, train_drawn
from sbir_cli.config import (
    Method,
    Precision,
    Preset,
    Schedule,
    Share,
    TrainConfig,
    TrainedBranches,
    TrainingData,
)
from sbir_cli.errors import UsageError
from sbir_cli.storage import resources
from sbir_cli.training.presets import preset_config, preset_for

if TYPE_CHECKING:
    from sbir_cli.datasets import DataSet
    from sbir_cli.training.run import TrainingReport


def _knob(flag: str, text: str, *more: str, variable: str | None = None) -> Any:
    """An option whose default is the preset's."""
    name = variable or flag.split("/")[0].removeprefix("--").replace("-", "_").upper()
    return typer.Option(flag, *more, envvar=f"SBIR_{name}", help=text, show_default=False)


def train(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            help="Folder of the data set: sketch/<class>/* and photo/<class>/*, or as --dataset is "
            "handed around; with --dataset photos or drawings, of plain photos or named drawings.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            envvar="SBIR_CHECKPOINT",
            help="The checkpoint folder.",
            show_default=False,
        ),
    ] = None,
    dataset: Annotated[
        TrainingData,
        typer.Option(
            "--dataset",
            envvar="SBIR_DATASET",
            help="Which data set DATA is; photos: any folder of photos, which are drawn to learn "
            "from; drawings: <class>/ folders or .ndjson files without photos.",
        ),
    ] = "folder",
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            envvar="SBIR_SPLIT",
            help='A published split, or a JSON file {"unseen": [...]}; unseen classes are never '
            "loaded (default: the first published; of a folder all classes are trained on).",
        ),
    ] = None,
    lists: Lists = None,
    sketches: Sketches = None,
    photos: Photos = None,
    drawings: Annotated[
        list[Path] | None,
        typer.Option(
            "--drawings",
            envvar="SBIR_DRAWINGS",
            help="Named drawings to learn from beside plain photos; may be repeated.",
            show_default=False,
        ),
    ] = None,
    show: Annotated[
        Path | None,
        typer.Option(
            "--show-drawings",
            help="Only write a picture (PNG) of what is drawn of some of the photos.",
            show_default=False,
        ),
    ] = None,
    check: CheckOnly = False,
    task: TaskOption = "category",
    method: Annotated[
        Method,
        typer.Option(
            "--method",
            envvar="SBIR_METHOD",
            help="prompt (prompts and LayerNorms) or a baseline: ip (independent prompts), mm "
            "(projected prompt), deep (prompts in 9 layers), cond (prompts from the sketch), lin "
            "(linear layer), ft (fine-tuning).",
        ),
    ] = "prompt",
    preset: Annotated[
        Preset | None,
        typer.Option(
            "--preset",
            envvar="SBIR_PRESET",
            help="Where the options below start: the paper, its released code, or the larger rates "
            "found on small towers (default: small-tower for the bundled model, paper for any "
            "other; photos for plain photos and named drawings).",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            envvar="SBIR_MODEL",
            help="ARCH/TAG, hf-hub:ORG/NAME or local-dir:FOLDER (default: sbir-mini, bundled).",
        ),
    ] = None,
    device: Device = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the checkpoint folder.")
    ] = False,
    epochs: Annotated[int | None, _knob("--epochs", "Passes over the sketches.")] = None,
    batch_size: Annotated[
        int | None, _knob("--batch-size", "Sketches per step.", variable="TRAIN_BATCH_SIZE")
    ] = None,
    instances: Annotated[
        int | None, _knob("--instances", "Sketches per class in a fine-grained batch.")
    ] = None,
    prompt_lr: Annotated[
        float | None, _knob("--prompt-lr", "Learning rate of the prompts.")
    ] = None,
    norm_lr: Annotated[float | None, _knob("--norm-lr", "Learning rate of the LayerNorms.")] = None,
    weight_lr: Annotated[
        float | None, _knob("--weight-lr", "Learning rate of other weights (mm, cond, lin, ft).")
    ] = None,
    schedule: Annotated[
        Schedule | None, _knob("--schedule", "Whether learning rates fall to zero.")
    ] = None,
    layer_norms: Annotated[
        bool | None, _knob("--layer-norms/--no-layer-norms", "Train the LayerNorms (prompt).")
    ] = None,
    branch: Annotated[
        TrainedBranches | None,
        _knob("--branch", "sketch: leave the photo branch, and every gallery, as the model is."),
    ] = None,
    share: Annotated[
        Share | None, _knob("--share", "What the sketch and photo branch have in common.")
    ] = None,
    prompts: Annotated[
        int | None, _knob("--prompts", "Prompt tokens per layer, the paper's K.", "-K")
    ] = None,
    depth: Annotated[int | None, _knob("--depth", "Layers with prompts (prompt, deep).")] = None,
    prompt_std: Annotated[
        float | None, _knob("--prompt-std", "Standard deviation of fresh prompts.")
    ] = None,
    margin: Annotated[
        float | None, _knob("--margin", "Of the triplets, in cosine distance.")
    ] = None,
    adaptive_margin: Annotated[
        bool | None,
        _knob(
            "--adaptive-margin/--no-adaptive-margin",
            "In place of the margin the cosine of the two classes' texts (category).",
        ),
    ] = None,
    cls_weight: Annotated[
        float | None, _knob("--cls-weight", "Of the classification loss; 0: without.")
    ] = None,
    delta_weight: Annotated[
        float | None, _knob("--delta-weight", "Of L_delta (fine-grained); 0: without.")
    ] = None,
    shuffle_weight: Annotated[
        float | None, _knob("--shuffle-weight", "Of patch shuffling (fine-grained); 0: without.")
    ] = None,
    infonce_weight: Annotated[
        float | None, _knob("--infonce-weight", "Of InfoNCE over the batch; 0: without.")
    ] = None,
    relation_weight: Annotated[
        float | None,
        _knob("--relation-weight", "Of a photo's place among all (plain photos); 0: without."),
    ] = None,
    anchor_weight: Annotated[
        float | None,
        _knob("--anchor-weight", "Of the distance to the photo (plain photos); 0: without."),
    ] = None,
    drawings_per_photo: Annotated[
        int | None, _knob("--drawings-per-photo", "Line drawings made of a plain photo.")
    ] = None,
    narrow: Annotated[
        bool | None,
        _knob(
            "--narrow/--no-narrow",
            "Keep what finds more in photos like these, though it finds less among other things "
            "(plain photos).",
        ),
    ] = None,
    temperature: Annotated[
        float | None, _knob("--temperature", "Of classification and InfoNCE.")
    ] = None,
    delta_temperature: Annotated[
        float | None, _knob("--delta-temperature", "Of the softmax in L_delta.")
    ] = None,
    shuffle_margin: Annotated[
        float | None, _knob("--shuffle-margin", "Of the shuffled triplets.")
    ] = None,
    grid: Annotated[
        int | None, _knob("--patch-grid", "n of the n x n patches that are shuffled.")
    ] = None,
    flip: Annotated[bool | None, _knob("--flip/--no-flip", "Mirror half of the samples.")] = None,
    center: Annotated[
        bool | None,
        _knob("--center/--no-center", "Subtract the mean sketch and the mean photo embedding."),
    ] = None,
    fraction: Annotated[
        float | None, _knob("--fraction", "Share of each class's images that is trained on.")
    ] = None,
    seen_classes: Annotated[
        int | None, _knob("--seen-classes", "Train on this many of the seen classes.")
    ] = None,
    held_out: Annotated[
        float | None, _knob("--held-out", "Share of the seen classes kept for validation.")
    ] = None,
    held_out_classes: Annotated[
        str | None,
        _knob("--held-out-classes", "Keep these for validation instead, as in axe,castle,owl."),
    ] = None,
    patience: Annotated[
        int | None, _knob("--patience", "Epochs to wait for a better validation; 0: all.")
    ] = None,
    seed: Annotated[int | None, _knob("--seed", "Of all that is drawn at random.")] = None,
    precision: Annotated[
        Precision | None, _knob("--precision", "Of the backbone: auto, float32, bfloat16.")
    ] = None,
    recompute: Annotated[
        int | None,
        _knob("--recompute", "Keep the activations of this many images only, to save memory."),
    ] = None,
    workers: Annotated[int | None, _knob("--workers", "Threads that decode images.")] = None,
    memory: Annotated[
        float | None, _knob("--memory", "Gigabytes that decoded images may take.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Learn prompts, or a baseline, and keep the best checkpoint."""
    known = TrainConfig.__dataclass_fields__
    given = {name: value for name, value in locals().items() if name in known}
    knobs = {name: value for name, value in given.items() if value is not None}
    if held_out_classes is not None:
        names = (name.strip() for name in held_out_classes.split(","))
        knobs["held_out_classes"] = tuple(name for name in names if name)
    base = model or resources.BUNDLED_MODEL
    source: Data | Drawn | None = Drawn.of(data, dataset, drawings or ())
    if isinstance(source, Drawn):
        chosen, why = preset or "photos", "as named" if preset else "nothing is paired"
        config = preset_config(chosen, **{**knobs, **IMPLIED})
        others = {"--split": split, "--lists": lists, "--sketches": sketches, "--photos": photos}
        source.check(config, knobs, others)
    else:
        assert dataset != "photos" and dataset != "drawings"
        chosen, why = (preset, "as named") if preset else preset_for(base)
        config = preset_config(chosen, **knobs)
        source = Data(data, dataset, split, lists, sketches or (), photos or ())
    if show is not None:
        _show(source, config, show, quiet)
        return
    if check:
        _check(source, split, config)
        return
    if output is None:
        raise UsageError("name the checkpoint folder (--output)")
    rest = (base, device, config, output, resume, quiet, f"preset {chosen} ({why})")
    with interrupted_with("the same command with --resume goes on where it stopped"):
        if isinstance(source, Drawn):
            train_drawn(source, *rest)
        else:
            _train(source, *rest)


def _show(source: Data | Drawn, config: TrainConfig, file: Path, quiet: bool) -> None:
    if not isinstance(source, Drawn):
        raise UsageError("--show-drawings goes with plain photos: add --dataset photos")
    show_drawings(source, config, file, quiet)


def _check(source: Data | Drawn, split: str | None, config: TrainConfig) -> None:
    if isinstance(source, Drawn):
        say_what(source, config)
    else:
        source.check(more=lambda found: _would_train(found, split, config))


def _would_train(dataset: DataSet, split: str | None, config: TrainConfig) -> list[str]:
    """What a run would leave out, train on and validate on."""
    from sbir_cli.training.selection import select

    choice = select(dataset, split, config)
    parts = [("train on", choice.train)]
    parts += [("validate on", choice.validation)] if choice.validation else []
    return choice.notes + [
        f"it would {what} {len(part.sketches):,} sketches and {len(part.photos):,} photos of "
        f"{len(part.classes):,} classes"
        for what, part in parts
    ]


def _train(
    source: Data,
    model: str,
    device: str,
    config: TrainConfig,
    output: Path,
    resume: bool,
    quiet: bool,
    preset: str,
) -> None:
    from sbir_cli.training.folder import check_free

    group = torchrun_group()
    quiet = quiet or not group.is_first
    group.check_parts(config)
    check_free(output, resume)  # what is wrong with the folders is told before torch is loaded
    images = source.read()
    from sbir_cli.encoder import load_encoder
    from sbir_cli.training.run import train as run

    own_gpu = group.gpu if group.count > 1 else None
    encoder = load_encoder(model, device, gpu=own_gpu)
    if not quiet:
        say(f"model {encoder.name} on {encoder.device}; {preset}")
    start = time.perf_counter()
    with progress_bar(quiet) as show:

        def watch(phase: str, done: int, total: int, losses: dict[str, float]) -> None:
            note = " ".join(f"{name} {value:.3f}" for name, value in losses.items())
            show(done, total, phase, note or None)

        report = run(
            images,
            source.split,
            encoder,
            config,
            output,
            resume=resume,
            group=group,
            watch=watch,
            note=lambda sentence: None if quiet else say(sentence),
        )
    if not quiet:
        _summarise(report, output, time.perf_counter() - start)
    # torchrun takes any code but 0 for a failure, and would end the processes that still work
    if report.unreadable and group.count == 1:
        raise typer.Exit(SKIPPED)


def _summarise(report: TrainingReport, output: Path, seconds: float) -> None:
    """Unreadable files, and one line about data, validation and time."""
    say_skipped(report.unreadable)
    state, trained = report.state, report.trained
    found = "nothing held out to validate on"
    if state.best_value is not None:
        before = state.history[0]["validation"]
        found = f"{report.measure} of held-out seen classes {before:.4f} to {state.best_value:.4f}"
    say(
        f"{output}: {len(trained.sketches):,} sketches and {len(trained.photos):,} photos of "
        f"{len(trained.classes)} classes; {found}; epoch {state.best_epoch} of {state.epoch} kept; "
        f"{len(report.unreadable):,} skipped; {seconds:.0f} s"
    )
