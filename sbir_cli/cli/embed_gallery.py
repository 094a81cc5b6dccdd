"""`sbir embed-gallery`: photos into a gallery."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbir_cli.cli.exits import SKIPPED
from sbir_cli.cli.options import BatchSize, Device, Model, Quiet, Workers
from sbir_cli.cli.progress import progress_bar
from sbir_cli.cli.streams import say, say_skipped, write_text
from sbir_cli.config import IndexType

if TYPE_CHECKING:
    from sbir_cli.gallery import Manifest, Report


def embed_gallery(
    photos: Annotated[
        list[str],
        typer.Argument(metavar="PHOTOS...", help="Photo files and folders, read recursively."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", envvar="SBIR_INDEX", help="The index file to make or update."
        ),
    ],
    model: Model = None,
    device: Device = "auto",
    batch_size: BatchSize = 64,
    workers: Workers = 2,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            envvar="SBIR_EXCLUDE",
            help="Leave out names or paths that match this shell pattern; may be repeated.",
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove photos that are no longer found under PHOTOS.")
    ] = False,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help="Embed PHOTOS anew, as after a change of the model; keep nothing else.",
        ),
    ] = False,
    index_type: Annotated[
        IndexType | None,
        typer.Option(
            "--index-type",
            envvar="SBIR_INDEX_TYPE",
            help="auto: exact up to 200,000 photos, then hnsw (default: as the gallery is).",
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            "--root",
            help="Folder that paths are stored relative to; for a gallery whose photos moved, "
            "where they are now.",
        ),
    ] = None,
    portable: Annotated[
        bool,
        typer.Option("--portable", help="Do not record where on this machine the photos are."),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Write the skipped files to this file, as JSON Lines."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Embed photos into a gallery that `sbir query` searches; run again to update it."""
    from sbir_cli.config import EmbedConfig, IndexConfig
    from sbir_cli.encoder import load_encoder
    from sbir_cli.errors import UsageError
    from sbir_cli.gallery import update_gallery
    from sbir_cli.imaging.images import find_photos

    old = _existing(output, rebuild)
    kind = index_type or (old.index_choice if old else "auto")
    embed = EmbedConfig(batch_size, workers, prune)
    storage = IndexConfig(type=kind)  # type: ignore[arg-type]  # checked by the class
    if "" in photos:  # an unset variable of the shell would mean the working folder
        raise UsageError("the name of a photo or folder is empty; name what to embed")
    found = find_photos(map(Path, photos), exclude or ())
    known = old.encoder if old else None
    encoder = load_encoder(model or known, device, download=model is not None)
    if not quiet:
        say(f"model {encoder.name} on {encoder.device}")
    start = time.perf_counter()
    try:
        with progress_bar(quiet) as progress:
            done = update_gallery(
                output,
                found,
                encoder,
                embed=embed,
                storage=storage,
                root=root,
                portable=portable or (old is not None and old.root_absolute is None),
                rebuild=rebuild,
                progress=progress,
            )
    except KeyboardInterrupt:
        say("what was embedded is kept; the same command goes on where it stopped")
        raise
    _summarise(done, output, time.perf_counter() - start, quiet)
    if report is not None:
        _write_report(done, report)
    if done.skipped:
        raise typer.Exit(SKIPPED)


def _existing(output: Path, rebuild: bool) -> Manifest | None:
    """The manifest of the gallery to update, if there is one; it gives the defaults."""
    from sbir_cli.errors import GalleryError
    from sbir_cli.gallery import require_target
    from sbir_cli.gallery.manifest import Database, database_path

    require_target(output)
    if not database_path(output).exists():
        return None
    try:
        with closing(Database(output)) as database:
            return database.manifest()
    except GalleryError:
        if rebuild:
            return None
        raise


def _write_report(done: Report, path: Path) -> None:
    from sbir_cli.output.answers import SCHEMA, json_line

    lines = [{"schema": SCHEMA, "path": str(p), "reason": why} for p, why in done.skipped]
    write_text(path, "".join(map(json_line, lines)), "--report")


def _summarise(done: Report, output: Path, seconds: float, quiet: bool) -> None:
    if quiet:
        return
    say_skipped(done.skipped, "; --report FILE.jsonl lists them")
    manifest = done.manifest
    kind = f"{manifest.index_type}, {manifest.dimension}-d"
    if manifest.index_type != "flat":
        kind += f", recall@10 {manifest.recall_at_10:.3f}"
    say(
        f"{output}: {manifest.photos:,} photos ({kind}); "
        f"{done.embedded:,} embedded, {done.removed:,} removed, {len(done.skipped):,} skipped; "
        f"{seconds:.1f} s, {done.embedded / max(seconds, 1e-9):,.0f} photos/s"
    )
