"""`sbir train` on plain photos and on named drawings."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sbir_cli.cli.exits import SKIPPED
from sbir_cli.cli.progress import progress_bar
from sbir_cli.cli.streams import say, say_skipped
from sbir_cli.cli.torchrun import torchrun_group
from sbir_cli.config import TrainConfig, TrainingData
from sbir_cli.errors import UsageError

if TYPE_CHECKING:
    from sbir_cli.datasets import DrawingSet, PhotoSet
    from sbir_cli.training.drawn.run import DrawnReport

IMPLIED = {"branch": "sketch", "center": False}
"""Knobs of such runs, whatever the preset says."""
_WITHOUT = (
    *("branch", "center", "share", "margin", "adaptive_margin", "delta_weight", "grid", "flip"),
    *("delta_temperature", "shuffle_weight", "shuffle_margin", "instances", "seen_classes"),
)
_PER_CLASS = 200  # named drawings of a class that are taken
_SHEET_ROWS = 12


@dataclass(frozen=True)
class Drawn:
    """Photos to be drawn, drawings with names, or both."""

    photos: Path | None
    drawings: Sequence[Path]

    @classmethod
    def of(cls, data: Path | None, dataset: TrainingData, drawings: Sequence[Path]) -> Drawn | None:
        """What DATA, --dataset and --drawings name; None where they name sketches and photos by
        class.

        Raises:
            UsageError: they do not go together.
        """
        if dataset not in ("photos", "drawings") and not drawings:
            return None
        if dataset not in ("photos", "drawings", "folder"):
            raise UsageError(
                f"--drawings goes with plain photos, not with --dataset {dataset}",
                remedy="name a folder of photos as DATA with --dataset photos",
            )
        if dataset == "drawings":
            places = ([data] if data else []) + list(drawings)
            if not places:
                raise UsageError("name DATA, a folder of drawings by class or .ndjson files")
            return cls(None, places)
        if data is None:
            raise UsageError("name DATA, a folder of photos")
        return cls(data, drawings)

    def check(
        self, config: TrainConfig, knobs: Collection[str], others: Mapping[str, object]
    ) -> None:
        """Refuse options that such a run does not read.

        Args:
            knobs: those that were given.
            others: other options that it does not read, by flag.

        Raises:
            UsageError: one was given.
        """
        from sbir_cli.config import flag
        from sbir_cli.training.drawn.knobs import check_knobs

        given = [name for name, value in others.items() if value]
        given += [flag(name) for name in _WITHOUT if name in knobs]
        if given:
            raise UsageError(
                f"{', '.join(given)}: not with photos without sketches, or drawings without "
                "photos; leave it out"
            )
        check_knobs(config, self.photos is not None, bool(self.drawings))

    def read(self, config: TrainConfig, quiet: bool) -> tuple[PhotoSet | None, DrawingSet | None]:
        """Both, looked at; None for what is not named.

        Raises:
            SbirError: there is too little to learn from.
        """
        from sbir_cli.datasets import look_at, read_drawings, read_photos
        from sbir_cli.training.drawn.knobs import LEAST_PHOTOS

        photos = drawings = None
        if self.drawings:
            drawings = read_drawings(self.drawings, per_class=_PER_CLASS, seed=config.seed)
            drawings.require()
        if self.photos is not None:
            photos = read_photos([self.photos])
            with progress_bar(quiet) as show:
                photos = look_at(
                    photos,
                    workers=config.workers,
                    progress=lambda done, total: show(done, total, "looking at photos"),
                )
            photos.require(LEAST_PHOTOS)
        for note in () if quiet else (*(photos.notes if photos else ()), *_notes(drawings)):
            say(note)
        return photos, drawings


def _notes(drawings: DrawingSet | None) -> Sequence[str]:
    return drawings.notes if drawings else ()


def show_drawings(source: Drawn, config: TrainConfig, file: Path, quiet: bool) -> None:
    """Write a picture of what is drawn of some of the photos.

    Raises:
        UsageError: there are no photos.
        SbirError: they are too few, or the file cannot be written.
    """
    if source.photos is None:
        raise UsageError("--show-drawings draws photos: name a folder of them as DATA")
    photos, _ = source.read(config, quiet)
    assert photos is not None
    from sbir_cli.output.drawings_sheet import drawings_sheet
    from sbir_cli.storage.files import write_file
    from sbir_cli.training.drawn.material import sample

    left: list[tuple[Path, str]] = []
    write_file(file, drawings_sheet(sample(photos, config, _SHEET_ROWS, left)))
    if not quiet:
        say(f"{file}: drawings of some of {len(photos.photos):,} photos; nothing is trained")
        say_skipped(left)


def say_what(source: Drawn, config: TrainConfig) -> None:
    """What a run would learn from."""
    photos, drawings = source.read(config, quiet=False)
    if photos is not None:
        say_skipped(photos.unreadable)
        say(f"it would draw {len(photos.photos):,} photos, {photos.different:,} of them different")
    if drawings is not None:
        say(
            f"it would take {len(drawings.drawings):,} drawings of {len(drawings.classes):,} "
            "classes"
        )


def train_drawn(
    source: Drawn,
    model: str,
    device: str,
    config: TrainConfig,
    output: Path,
    resume: bool,
    quiet: bool,
    preset: str,
) -> None:
    """Train on them, and tell what it came to."""
    from sbir_cli.training.folder import check_free

    group = torchrun_group()
    quiet = quiet or not group.is_first
    group.check_parts(config)
    check_free(output, resume)  # what is wrong with the folders is told before torch is loaded
    photos, drawings = source.read(config, quiet)
    from sbir_cli.encoder import load_encoder
    from sbir_cli.training.drawn.run import train_on_drawings

    encoder = load_encoder(model, device, gpu=group.gpu if group.count > 1 else None)
    if not quiet:
        say(f"model {encoder.name} on {encoder.device}; {preset}; the photo branch stays plain")
    start = time.perf_counter()
    with progress_bar(quiet) as show:

        def watch(phase: str, done: int, total: int, losses: dict[str, float]) -> None:
            note = " ".join(f"{name} {value:.3f}" for name, value in losses.items())
            show(done, total, phase, note or None)

        report = train_on_drawings(
            photos,
            drawings,
            encoder,
            config,
            output,
            resume=resume,
            group=group,
            watch=watch,
            note=lambda sentence: None if quiet else say(sentence),
        )
    if not quiet:
        say_skipped(report.unreadable)
    if group.is_first and report.keeps_plain:  # told even to those who asked for errors only
        say(_why_plain(report))
    if not quiet:
        _summarise(report, output, time.perf_counter() - start)
    if report.unreadable and group.count == 1:
        raise typer.Exit(SKIPPED)


def _why_plain(report: DrawnReport) -> str:
    before, narrow = report.state.history[0], report.narrow
    if narrow is not None:
        return (
            f"{report.held_out} find more than by the plain model (mAP {narrow['validation']:.4f} "
            f"against {before['validation']:.4f}), but drawings of other things find less "
            f"({narrow['elsewhere']:.4f} against {before['elsewhere']:.4f} of the example photos): "
            "the checkpoint keeps the plain branch; add photos of other things, or --narrow if "
            "you search among such photos only"
        )
    best = max(row["validation"] for row in report.state.history[1:])
    return (
        f"no epoch finds more than the plain model does (mAP {best:.4f} against "
        f"{before['validation']:.4f} of {report.held_out}): the checkpoint keeps the plain "
        "branch; use more photos of more things, or other learning rates"
    )


def _summarise(report: DrawnReport, output: Path, seconds: float) -> None:
    taught = [f"{report.photos:,} photos"] if report.photos else []
    taught += [f"{report.drawings:,} named drawings"] if report.drawings else []
    found = "nothing held out to validate on"
    if report.plain and report.trained:
        found = (
            f"{report.held_out}: mAP {report.plain.mean_ap:.4f} to {report.trained.mean_ap:.4f}, "
            f"Acc@1 {report.plain.accuracy:.4f} to {report.trained.accuracy:.4f}"
        )
    first, last = (report.state.history[i] for i in (0, report.state.best_epoch))
    if "elsewhere" in first and not report.keeps_plain:
        found += f"; of example photos: mAP {first['elsewhere']:.4f} to {last['elsewhere']:.4f}"
    kept = "the plain branch kept"
    if not report.keeps_plain:
        kept = f"epoch {report.state.best_epoch} of {report.state.epoch} kept"
    say(
        f"{output}: {' and '.join(taught)}; {found}; {kept}; "
        f"{len(report.unreadable):,} skipped; {seconds:.0f} s"
    )
