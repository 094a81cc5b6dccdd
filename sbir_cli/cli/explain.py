"""`sbir explain`: which parts of a sketch met which parts of a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sbir_cli.cli.options import Device, Model, Quiet
from sbir_cli.cli.streams import read_stdin, say, write_results
from sbir_cli.storage.files import write_file


def explain(
    sketch: Annotated[str, typer.Argument(metavar="SKETCH", help="A drawing, or - for stdin.")],
    photo: Annotated[
        str, typer.Argument(metavar="PHOTO", help="A photo file, or its id in the gallery.")
    ],
    index: Annotated[
        str | None,
        typer.Option(
            "--index",
            "-i",
            envvar="SBIR_INDEX",
            help="The gallery that the id is of, and whose model is asked (default: the example "
            "gallery).",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            envvar="SBIR_WHY",
            help="The picture (.png) or page (.html) to write.",
        ),
    ] = None,
    as_json: Annotated[
        Path | None,
        typer.Option("--json", help="Write the pairs as JSON to this file; - is stdout."),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option("--root", envvar="SBIR_ROOT", help="Where the gallery's photos are now."),
    ] = None,
    fit: Annotated[
        bool,
        typer.Option(
            "--fit/--no-fit",
            envvar="SBIR_FIT",
            help="Find the page in a picture and cut the drawing out, or take the whole canvas.",
        ),
    ] = True,
    model: Model = None,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Show which parts of a drawing and of a photo look alike.

    Lines join patches whose tokens are each other's nearest; heat maps show where sketch and photo
    are like each other, to the model. It is similarity of its last tokens, not a score's cause.
    """
    from sbir_cli.config import SketchConfig
    from sbir_cli.embedding import photo_image
    from sbir_cli.encoder import load_encoder
    from sbir_cli.errors import UsageError
    from sbir_cli.explanation import explain as compare
    from sbir_cli.imaging.sketches import read_sketches
    from sbir_cli.output import explanation as writers
    from sbir_cli.output.answers import shown_path

    if output is None and as_json is None:
        raise UsageError("nothing is asked for; give -o why.png, -o why.html or --json -")
    if output is not None and output.suffix.lower() not in (".png", ".html", ".htm"):
        raise UsageError(f"--output must end in .png or .html, not {output.suffix or 'nothing'}")
    path, own_model = _photo(photo, index, root)
    config = SketchConfig(fit=fit)
    drawings = read_sketches(sketch, read_stdin() if sketch == "-" else None, config)
    if len(drawings) != 1:
        raise UsageError(f"{sketch}: holds {len(drawings)} drawings; name one, such as {sketch}#1")
    encoder = load_encoder(model or own_model, device, download=model is not None)
    why = compare(encoder, drawings[0].image, photo_image(path, encoder.preprocess))
    shown = shown_path(path)
    if output is not None:
        page = output.suffix.lower() != ".png"
        data = writers.as_html(why, sketch, shown).encode() if page else writers.as_png(why)
        write_file(output, data, "choose another --output")
    if as_json is not None:
        pairs = writers.as_json(why, sketch, shown, encoder.name).encode()
        if str(as_json) == "-":
            write_results(pairs)
        else:
            write_file(as_json, pairs, "choose another --json")
    if not quiet:
        places = "pair" if len(why.pairs) == 1 else "pairs"
        say(f"{shown}: score {why.score:.3f}, {len(why.pairs)} {places}")


def _photo(photo: str, index: str | None, root: Path | None) -> tuple[Path, str | None]:
    """The photo's file, and the model of the gallery if one was named or needed."""
    from sbir_cli.errors import UsageError
    from sbir_cli.gallery import Gallery
    from sbir_cli.storage import resources

    is_id = photo.isdecimal() and not Path(photo).exists()
    if not is_id and not Path(photo).is_file():
        raise UsageError(f"{photo}: no such photo; give a file, or an id of the gallery")
    if not is_id and index is None:
        return Path(photo), None
    gallery = Gallery.open(index or resources.bundled_index(), root)
    try:
        path = gallery.path_of(int(photo)) if is_id else Path(photo)
        return path, gallery.manifest.encoder
    finally:
        gallery.close()
