"""`sbir embed-gallery`: photos into a gallery."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbir_cli.cli.exits import SKIPPED, interrupted_with
from sbir_cli.cli.options import BatchSize, Device, Model, Quiet, Workers
from sbir_cli.cli.progress import progress_bar
from sbir_cli.cli.streams import listed_names, say, say_skipped
from sbir_cli.config import IndexType
from sbir_cli.storage.files import write_file

if TYPE_CHECKING:
    from sbir_cli.encoder import PhotoEncoder
    from sbir_cli.gallery import UpdateReport
    from sbir_cli.gallery.timings import Timings


def embed_gallery(
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            envvar="SBIR_INDEX",
            help="The index file to make or update, or milvus://HOST:PORT/COLLECTION.",
        ),
    ],
    photos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PHOTOS...",
            help="Photo files and folders, read recursively; or addresses of remote storage or tar "
            "shards: s3://BUCKET/FOLDER, gs://..., hf://..., file:///FOLDER/*.tar.",
            show_default=False,
        ),
    ] = None,
    from_file: Annotated[
        str | None,
        typer.Option(
            "--from-file",
            help="Read names of photos from this file, a line each or ended by NUL; - stdin.",
        ),
    ] = None,
    model: Model = None,
    device: Device = "auto",
    batch_size: BatchSize = 64,
    workers: Workers = 2,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            envvar="SBIR_EXCLUDE",
            help="Leave out what matches this pattern, as in .gitignore; may be repeated.",
        ),
    ] = None,
    follow_links: Annotated[
        bool,
        typer.Option(
            "--follow-links/--no-follow-links",
            envvar="SBIR_FOLLOW_LINKS",
            help="Go into linked folders too, each once; else they are counted.",
        ),
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Remove photos that are no longer under PHOTOS, which may be gone."
        ),
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
            help="auto: exact up to 200,000 photos, then ivf-rabitq where that finds 99 % of what "
            "exact search finds (default: as the gallery is).",
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
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            metavar="ADDRESS",
            envvar="SBIR_RAY",
            help="Decode and encode on the Ray cluster at HOST:PORT, on one that is found (auto), "
            "or on Ray's processes on this machine (local). Ray keeps files of its own in its "
            "temporary folder.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Write the skipped files to this file, as JSON Lines."),
    ] = None,
    timings: Annotated[
        bool,
        typer.Option(
            "--timings",
            envvar="SBIR_TIMINGS",
            help="Tell how long scanning, decoding, resizing, encoding and writing took, and what "
            "bounds it; in the report too.",
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Embed photos into a gallery; run again to update it.

    A run that was interrupted goes on where it was.
    """
    from sbir_cli.config import EmbedConfig, IndexConfig
    from sbir_cli.errors import UsageError
    from sbir_cli.gallery import embed_gallery as embed
    from sbir_cli.gallery.places import place_of
    from sbir_cli.gallery.timings import Timings

    names = [*(photos or []), *(listed_names(from_file, "photo names") if from_file else [])]
    if not names:
        raise UsageError("no photo given; name photos, folders or addresses")
    if timings and ray:
        raise UsageError("--timings tells of this machine alone; leave it out, or leave out --ray")
    clock = Timings(max(workers, 1)) if timings else None

    def introduce(encoder: PhotoEncoder) -> None:
        if not quiet:
            say(f"model {encoder.name} on {encoder.device}")

    kept = "what was embedded is kept; the same command goes on where it stopped"
    with interrupted_with(kept), progress_bar(quiet) as progress:
        done = embed(
            names,
            output,
            model=model,
            device=device,
            exclude=exclude or (),
            follow_links=follow_links,
            embed=EmbedConfig(batch_size, workers, prune, ray),
            storage=IndexConfig(index_type),
            root=root,
            portable=portable or None,
            rebuild=rebuild,
            introduce=introduce,
            progress=progress,
            timings=clock,
        )
    _summarise(done, place_of(output), quiet)
    facts = clock.facts(done.embedded) if clock else {}
    if clock:
        _say_timings(clock, facts, workers)
    if report is not None:
        _write_report(done, report, facts)
    if done.skipped:
        raise typer.Exit(SKIPPED)


def _say_timings(clock: Timings, facts: dict[str, float], workers: int) -> None:
    threads = {"decode": workers, "resize": workers}
    for name in clock.busy:
        note = f" in {threads[name]} threads" if threads.get(name, 1) > 1 else ""
        say(f"{name:8}{facts[name]:9.2f} s busy{note}")
    say(f"{'all':8}{facts['wall']:9.2f} s, {facts['photos_per_s']:.0f} photos/s")
    say(clock.sentence(facts))


def _write_report(done: UpdateReport, path: Path, timings: dict[str, float]) -> None:
    from sbir_cli.output.answers import SCHEMA, json_line

    lines: list[dict[str, object]] = [
        {"schema": SCHEMA, "path": str(p), "reason": why} for p, why in done.skipped
    ]
    lines += [{"schema": SCHEMA, "timings": timings}] if timings else []
    write_file(path, "".join(map(json_line, lines)).encode(), "choose another --report")


def _summarise(done: UpdateReport, output: object, quiet: bool) -> None:
    if quiet:
        return
    say_skipped(done.skipped, "; --report FILE.jsonl lists them")
    left_out = done.left_out.sentence()
    if left_out:
        say(f"left out: {left_out}")
    for pattern in done.left_out.unmatched:
        say(f"note: --exclude {shlex.quote(pattern)} matched nothing")
    manifest = done.manifest
    kind = f"{manifest.index_type}, {manifest.dimension}-d"
    if manifest.recall_at_10 is None:
        kind += ", recall not measured"
    elif manifest.index_type != "flat":
        kind += f", recall@10 {manifest.recall_at_10:.3f}"
    say(
        f"{output}: {manifest.photos:,} photos ({kind}); "
        f"{done.embedded:,} embedded, {done.removed:,} removed, {len(done.skipped):,} skipped; "
        f"{done.seconds:.1f} s, {done.embedded / max(done.seconds, 1e-9):,.0f} photos/s"
    )
