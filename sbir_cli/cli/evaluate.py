"""`sbir evaluate`: zero-shot retrieval in numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from sbir_cli import plotting
from sbir_cli.cli.data import Data
from sbir_cli.cli.exits import SKIPPED
from sbir_cli.cli.options import (
    BatchSize,
    CheckOnly,
    DatasetOption,
    Device,
    Lists,
    Model,
    Photos,
    Quiet,
    Sketches,
    TaskOption,
    Workers,
)
from sbir_cli.cli.progress import progress_bar
from sbir_cli.cli.report import publish, write_trec
from sbir_cli.cli.streams import say
from sbir_cli.config import ReportFormat
from sbir_cli.storage.files import write_file

if TYPE_CHECKING:
    from sbir_cli.evaluation.protocols import Evaluation
    from sbir_cli.evaluation.settings import EvaluationConfig

Number = TypeVar("Number", int, float)


def evaluate(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            help="Folder of the data set: sketch/<class>/* and photo/<class>/*, or as --dataset is "
            "handed around.",
            show_default=False,
        ),
    ] = None,
    dataset: DatasetOption = "folder",
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            envvar="SBIR_SPLIT",
            help='A published split, or a JSON file {"unseen": [...]} (default: the first '
            "published; for a folder all classes are unseen).",
        ),
    ] = None,
    lists: Lists = None,
    sketches: Sketches = None,
    photos: Photos = None,
    check: CheckOnly = False,
    task: TaskOption = "category",
    generalized: Annotated[
        bool,
        typer.Option(
            "--generalized",
            envvar="SBIR_GENERALIZED",
            help="Rank the photos of the seen classes too.",
        ),
    ] = False,
    model: Model = None,
    fit: Annotated[
        bool,
        typer.Option(
            "--fit/--no-fit",
            envvar="SBIR_EVALUATE_FIT",
            help="Crop raster sketches to their ink first, as `sbir query` does.",
        ),
    ] = False,
    k: Annotated[
        str | None,
        typer.Option(
            "--k",
            envvar="SBIR_K",
            help="Cuts of mAP@k and P@k, or of Acc@k, as in 25,100 (default: mAP@200, P@100,200; "
            "Acc@1,5,10). mAP@all is always there.",
        ),
    ] = None,
    partial: Annotated[
        str | None,
        typer.Option(
            "--partial",
            envvar="SBIR_PARTIAL",
            help="Vector drawings only: also score these percentages of the stroke length, as in "
            "10,25,50,75,100.",
        ),
    ] = None,
    per_class: Annotated[
        bool,
        typer.Option(
            "--per-class",
            envvar="SBIR_PER_CLASS",
            help="A row per class in the table (JSON always has them).",
        ),
    ] = False,
    form: Annotated[
        ReportFormat | None,
        typer.Option(
            "--format",
            "-f",
            envvar="SBIR_REPORT_FORMAT",
            help="Default: table on a terminal, json into a pipe.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", envvar="SBIR_REPORT", help="Also write the JSON to this file."
        ),
    ] = None,
    grid: Annotated[
        Path | None,
        typer.Option(
            "--grid",
            envvar="SBIR_GRID",
            help="Write a page of up to 60 sketches, each with its first ten photos.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            envvar="SBIR_REPORT_HTML",
            help="Write a page with tables, curves, classes, and the best and worst rankings "
            "(needs the extra `plots`).",
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", envvar="SBIR_RUN", help="Score this TREC run file instead of a model."
        ),
    ] = None,
    qrels: Annotated[
        Path | None,
        typer.Option("--qrels", envvar="SBIR_QRELS", help="What is relevant, for --run."),
    ] = None,
    trec_run: Annotated[
        Path | None,
        typer.Option("--trec-run", envvar="SBIR_TREC_RUN", help="Write the rankings to this file."),
    ] = None,
    trec_qrels: Annotated[
        Path | None,
        typer.Option(
            "--trec-qrels", envvar="SBIR_TREC_QRELS", help="Write what is relevant to this file."
        ),
    ] = None,
    trec_depth: Annotated[
        int,
        typer.Option(
            "--trec-depth", envvar="SBIR_TREC_DEPTH", help="Photos per sketch in --trec-run."
        ),
    ] = 1000,
    seed: Annotated[
        int,
        typer.Option("--seed", envvar="SBIR_BOOTSTRAP_SEED", help="Of the bootstrap intervals."),
    ] = 0,
    device: Device = "auto",
    batch_size: BatchSize = 64,
    workers: Workers = 2,
    quiet: Quiet = False,
) -> None:
    """Measure how well sketches find photos, by named protocols."""
    from sbir_cli.errors import UsageError
    from sbir_cli.evaluation.settings import EvaluationConfig

    source = Data(data, dataset, split, lists, sketches or (), photos or ())
    if check:
        source.check(form, output)
        return
    config = EvaluationConfig(
        task=task,
        generalized=generalized,
        fit=fit,
        cuts=tuple(_numbers(k, "--k", int)),
        seed=seed,
        batch_size=batch_size,
        workers=workers,
    )
    shares = [percent / 100 for percent in _numbers(partial, "--partial", float)]
    if not all(0 < share <= 1 for share in shares):
        raise UsageError("--partial takes percentages above 0, up to 100")
    if trec_depth < 1:
        raise UsageError("--trec-depth must be at least 1")
    if (run is None) != (qrels is None) or (run is not None) == source.named:
        raise UsageError("name DATA, or --run with --qrels")
    if run is not None and qrels is not None:
        if any(wanted for wanted in (shares, grid, html, trec_run, trec_qrels, generalized)):
            raise UsageError("--run is scored as it is; leave out the options that embed DATA")
        from sbir_cli.evaluation.protocols import evaluate_run

        publish(evaluate_run(run, qrels, config), form, output, per_class, quiet)
        return
    if html is not None:
        plotting.require()  # before the work, and not after it
    found = _evaluate(source, model, device, config, shares, quiet)
    if trec_run is not None or trec_qrels is not None:
        write_trec(found, config, trec_run, trec_qrels, trec_depth, quiet)
    if grid is not None:
        from sbir_cli.output.rankings_page import rankings_page

        write_file(
            grid, rankings_page(found.embedded, config.task).encode(), "choose another --grid"
        )
    if html is not None:
        from sbir_cli.output.report_page import report_page

        write_file(html, report_page(found, config).encode(), "choose another --html")
    publish(found.report, form, output, per_class, quiet)
    if found.report.unreadable:
        raise typer.Exit(SKIPPED)


def _numbers(text: str | None, option: str, kind: Callable[[str], Number]) -> list[Number]:
    from sbir_cli.errors import UsageError

    try:
        return [kind(part) for part in text.split(",")] if text else []
    except ValueError as error:
        raise UsageError(f"{option} takes numbers like 10,25,100, not `{text}`") from error


def _evaluate(
    source: Data,
    model: str | None,
    device: str,
    config: EvaluationConfig,
    shares: list[float],
    quiet: bool,
) -> Evaluation:
    from sbir_cli.datasets import resolve_split
    from sbir_cli.encoder import load_encoder
    from sbir_cli.evaluation.protocols import evaluate

    whole = source.read(vector=bool(shares))
    chosen = resolve_split(whole, source.split)
    encoder = load_encoder(model, device)
    if not quiet:
        say(f"model {encoder.name} on {encoder.device}")
    with progress_bar(quiet) as progress:
        return evaluate(whole, chosen, encoder, config, shares=shares, progress=progress)
