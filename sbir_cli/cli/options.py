"""Options that several commands have, declared once."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


class DatasetOption(str, Enum):
    """How DATA is laid out, and which published splits it has."""

    folder = "folder"
    sketchy = "sketchy"
    tuberlin = "tuberlin"
    quickdraw = "quickdraw"


class TaskOption(str, Enum):
    """What a right photo is."""

    category = "category"
    fine_grained = "fine-grained"


Dataset = Annotated[
    DatasetOption,
    typer.Option("--dataset", envvar="SBIR_DATASET", help="Which data set DATA is."),
]
Task = Annotated[
    TaskOption,
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
