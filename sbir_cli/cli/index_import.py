"""`sbir index import`: a gallery of embeddings that another program made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbir_cli.cli.exits import SKIPPED, exit_codes
from sbir_cli.cli.options import Device, Quiet
from sbir_cli.cli.progress import progress_bar
from sbir_cli.cli.streams import listed_names, say, say_skipped
from sbir_cli.config import IndexType

if TYPE_CHECKING:
    from sbir_cli.encoder import AnyEncoder
    from sbir_cli.gallery.importing import Imported


@exit_codes
def import_vectors(
    vectors: Annotated[
        Path,
        typer.Argument(
            metavar="VECTORS", help="A .npy of a row a photo, or a FAISS index that keeps them."
        ),
    ],
    paths: Annotated[
        str,
        typer.Option(
            "--paths",
            help="The photos' names in the same order, a line each or ended by NUL; - stdin.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", envvar="SBIR_MODEL", help="What made them; as for embed-gallery."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The index file to make.")],
    root: Annotated[
        Path | None,
        typer.Option(
            "--root",
            help="The folder of the photos; names of another machine are looked for below it "
            "(default: the working folder, for names that are relative).",
        ),
    ] = None,
    check: Annotated[
        int,
        typer.Option(
            "--check", min=0, help="Photos to embed, to see that the vectors are the model's."
        ),
    ] = 32,
    index_type: Annotated[
        IndexType, typer.Option("--index-type", help="As for embed-gallery.")
    ] = "auto",
    portable: Annotated[
        bool,
        typer.Option("--portable", help="Do not record where on this machine the photos are."),
    ] = False,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Make a gallery of embeddings that another program made by the same model."""
    from sbir_cli.config import IndexConfig
    from sbir_cli.gallery.importing import import_embeddings

    names = listed_names(paths, "the photos' names")

    def introduce(encoder: AnyEncoder) -> None:
        if not quiet:
            say(f"model {encoder.name} on {encoder.device}")

    with progress_bar(quiet) as show:
        done = import_embeddings(
            vectors,
            names,
            output,
            model=model,
            device=device,
            root=root,
            check=check,
            storage=IndexConfig(index_type),
            portable=portable,
            introduce=introduce,
            progress=show,
        )
    _summarise(done, output, quiet)
    if done.missing or done.skipped or done.changed:
        raise typer.Exit(SKIPPED)


def _summarise(done: Imported, output: Path, quiet: bool) -> None:
    if quiet:
        return
    say_skipped(
        [
            *done.skipped,
            *((path, "is another picture than its vector's") for path in done.changed),
            *((path, "missing") for path in done.missing),
        ]
    )
    if done.lengths is not None:
        least, most = done.lengths
        say(f"note: the vectors were {least:.3g} to {most:.3g} long; they have unit length now")
    compared = "none compared with its photo"
    if done.checked:
        compared = f"{done.checked} compared, median cosine {done.median_cosine:.4f}"
    manifest = done.manifest
    say(
        f"{output}: {manifest.photos:,} photos ({manifest.index_type}, {manifest.dimension}-d); "
        f"{compared}; {len(done.missing):,} missing, {len(done.changed):,} changed, "
        f"{manifest.skipped:,} skipped"
    )
