"""Options that several commands have, declared once."""

from __future__ import annotations

from typing import Annotated

import typer

from sbir_cli.config import DatasetName, Task

DatasetOption = Annotated[
    DatasetName,
    typer.Option("--dataset", envvar="SBIR_DATASET", help="Which data set DATA is."),
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
