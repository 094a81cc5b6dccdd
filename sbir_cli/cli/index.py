"""`sbir index`: what a gallery holds, whether it still fits its photos, and galleries joined."""

from __future__ import annotations

import dataclasses
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbir_cli.cli.exits import ERROR, SKIPPED, exit_codes
from sbir_cli.cli.index_import import import_vectors
from sbir_cli.cli.options import Device, Model, Quiet
from sbir_cli.cli.progress import progress_bar
from sbir_cli.cli.streams import say, say_skipped, write_results

if TYPE_CHECKING:
    from sbir_cli.gallery import Gallery

Index = Annotated[
    str | None,
    typer.Argument(
        metavar="INDEX",
        help="The index file, or milvus://HOST:PORT/COLLECTION (default: the example gallery).",
        show_default=False,
    ),
]
Indexes = Annotated[list[str], typer.Argument(metavar="INDEX...", help="Two galleries or more.")]
Root = Annotated[
    Path | None,
    typer.Option("--root", envvar="SBIR_ROOT", help="Where the gallery's photos are now."),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]

app = typer.Typer(
    help="What a gallery is; verify, list, join, export, import it.", no_args_is_help=True
)
app.command("import")(import_vectors)


def _open(index: str | None, root: Path | None = None) -> Gallery:
    from sbir_cli.gallery import Gallery
    from sbir_cli.storage import resources

    return Gallery.open(index or resources.bundled_index(), root)


@app.command("info")
@exit_codes
def info(
    index: Index = None,
    root: Root = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Who embedded a gallery, how many photos it holds, and where they are."""
    gallery = _open(index, root)
    facts = dataclasses.asdict(gallery.manifest)
    facts |= {"root": str(gallery.root), "photos_found": gallery.photos_found}
    facts["p95_of_nothing"] = gallery.background and gallery.background.percentile(95)
    if as_json:
        write_results((json.dumps(facts) + "\n").encode("utf-8", "backslashreplace"))
        return
    from sbir_cli.storage.names import printable

    width = max(map(len, facts))
    lines = [f"{key.replace('_', ' '):{width}}  {value}" for key, value in facts.items()]
    write_results("".join(printable(line) + "\n" for line in lines).encode())


@app.command("list")
@exit_codes
def list_photos(
    index: Index = None,
    root: Root = None,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="What was skipped and why, as JSON Lines.")
    ] = False,
    print0: Annotated[bool, typer.Option("--print0", "-0", help="End each path by NUL.")] = False,
) -> None:
    """The paths of a gallery's photos, in the order of their ids, or its skipped files."""
    from sbir_cli.output.answers import json_line, shown_path

    gallery = _open(index, root)
    end = b"\0" if print0 else b"\n"
    out = io.BytesIO()
    for row in gallery.rows().values():
        path = shown_path(gallery.root / os.fsdecode(row.path))
        if skipped and row.reason is not None:
            out.write(json_line({"path": path, "reason": row.reason}).encode())
        elif not skipped and row.reason is None:
            out.write(os.fsencode(path) + end)
    write_results(out.getvalue())


@app.command("verify")
@exit_codes
def verify(
    index: Index = None,
    root: Root = None,
    sample: Annotated[int, typer.Option("--sample", help="Photos to embed again.")] = 100,
    model: Model = None,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Embed a sample again: do model, photos and gallery still belong together?"""
    from sbir_cli.encoder import load_encoder
    from sbir_cli.gallery.upkeep import verify as check

    gallery = _open(index, root)
    wanted = model or gallery.manifest.encoder
    encoder = load_encoder(wanted, device, download=model is not None)
    with progress_bar(quiet) as show:
        found = check(gallery, encoder, sample, show)
    counts = ", ".join(
        f"{len(getattr(found, kind))} {kind}"
        for kind in ("drifted", "changed", "missing", "unreadable")
    )
    least = f"least cosine {found.least_cosine:.5f}"
    write_results(f"{found.checked} embedded again, {least}; {counts}\n".encode())
    reasons = [
        *((path, f"drifted: its cosine is below {found.limit}") for path in found.drifted),
        *((path, "changed since it was embedded") for path in found.changed),
        *((path, "missing") for path in found.missing),
        *found.unreadable,
    ]
    say_skipped(reasons)
    if found.drifted:
        say("sbir: the model computes other embeddings than before; `--rebuild` makes them anew")
        raise typer.Exit(ERROR)
    if reasons:
        raise typer.Exit(SKIPPED)


@app.command("merge")
@exit_codes
def merge(
    indexes: Indexes,
    output: Output,
    quiet: Quiet = False,
) -> None:
    """Join galleries of one model into a new one; nothing is embedded again."""
    from sbir_cli.config import IndexConfig
    from sbir_cli.gallery.upkeep import merge as join

    made = join([_open(index) for index in indexes], output, IndexConfig())
    if not quiet:
        say(f"{output}: {made.photos:,} photos ({made.index_type}), {made.skipped} skipped")


@app.command("export")
@exit_codes
def export(
    index: Index = None,
    output: Output = Path("embeddings.npy"),
    root: Root = None,
    quiet: Quiet = False,
) -> None:
    """Write the embeddings, float32, a row a photo: .npy with the paths beside it, or .parquet."""
    from sbir_cli.errors import UsageError
    from sbir_cli.output.embeddings import WRITERS

    write = WRITERS.get(output.suffix)
    if write is None:
        ends = " or ".join(WRITERS)
        raise UsageError(f"--output must end in {ends}, not {output.suffix or 'nothing'}")
    wrote = write(_open(index, root), output)
    if not quiet:
        say(f"{output}: {wrote}")
