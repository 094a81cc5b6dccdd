"""Options that several commands have, declared once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbir_cli.config import DatasetName, Task

if TYPE_CHECKING:
    from sbir_cli.encoder.graph_cache import GraphCache

DatasetOption = Annotated[
    DatasetName,
    typer.Option("--dataset", envvar="SBIR_DATASET", help="Which data set DATA is."),
]
Lists = Annotated[
    Path | None,
    typer.Option(
        "--lists",
        envvar="SBIR_LISTS",
        help="Folder of published file lists (cname_cid.txt, *_train.txt, *_zero.txt): take "
        "exactly these files and their split.",
    ),
]
Sketches = Annotated[
    list[Path] | None,
    typer.Option(
        "--sketches",
        envvar="SBIR_SKETCHES",
        help="Folder of <class>/ folders of sketches, in place of DATA's; may be repeated.",
        show_default=False,
    ),
]
Photos = Annotated[
    list[Path] | None,
    typer.Option(
        "--photos",
        envvar="SBIR_PHOTOS",
        help="Folder of <class>/ folders of photos, in place of DATA's; may be repeated.",
        show_default=False,
    ),
]
CheckOnly = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Only say what the data set is: folders, classes, counts and pairs beside the "
        "published ones; exit code 3 where they differ.",
    ),
]
TaskOption = Annotated[
    Task,
    typer.Option(
        "--task",
        envvar="SBIR_TASK",
        help="category: photos of the sketch's class are right; fine-grained: its own one.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        envvar="SBIR_MODEL",
        help="ARCH/TAG, hf-hub:ORG/NAME, local-dir:FOLDER or a checkpoint folder (default: the "
        "model that made the gallery, else the bundled one, with prompts for the task).",
    ),
]
Device = Annotated[
    str, typer.Option("--device", envvar="SBIR_DEVICE", help="auto, cpu, cuda, cuda:N, mps.")
]
BatchSize = Annotated[
    int, typer.Option("--batch-size", envvar="SBIR_BATCH_SIZE", help="Images per forward pass.")
]
Workers = Annotated[
    int, typer.Option("--workers", envvar="SBIR_WORKERS", help="Threads that decode images.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", envvar="SBIR_QUIET", help="Only errors on stderr.")
]
Cache = Annotated[
    str | None,
    typer.Option(
        "--cache",
        metavar="FOLDER",
        envvar="SBIR_CACHE",
        help="Where graphs are kept that let models start fast, each as large as the part of the "
        "model that it computes (default: sbir in the user's cache folder; none: nowhere).",
        show_default=False,
    ),
]


def graph_cache(
    folder: str | None, tell: Callable[[str], None], lasting: bool = False
) -> GraphCache | None:
    """The cache that `--cache` names.

    Args:
        tell, lasting: see `GraphCache`.
    """
    from sbir_cli.encoder.graph_cache import GraphCache

    if folder == "none":
        return None
    if folder:
        return GraphCache(Path(folder).absolute(), tell, lasting)
    from platformdirs import user_cache_path

    return GraphCache(user_cache_path("sbir", appauthor=False), tell, lasting)
