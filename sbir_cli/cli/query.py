"""`sbir query`: sketches to ranked photos."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbir_cli.cli import asking
from sbir_cli.cli.exits import SKIPPED
from sbir_cli.cli.options import Cache, Device, Model, Quiet, graph_cache
from sbir_cli.cli.streams import console, listed_names, read_stdin, say, write_results
from sbir_cli.config import AnswerFormat
from sbir_cli.storage.files import write_file

if TYPE_CHECKING:
    from PIL.Image import Image

    from sbir_cli.config import SketchConfig
    from sbir_cli.errors import ImageError, SbirError
    from sbir_cli.imaging.sketches import Sketch
    from sbir_cli.search import Answer, Searcher

_MOST_SHOWN = 64
_MANY = 64  # sketches from which on a model that computes faster is worth a slower start
_READERS = 2  # threads that read sketches ahead of the encoder


@dataclass(frozen=True)
class Reading:
    """The drawings of one name, those that could not be read, and what ends the command."""

    sketches: list[Sketch]
    left_out: list[ImageError]
    refusal: SbirError | None = None


def query(
    sketches: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SKETCH...",
            help="Drawings: image files, SVG, Quick, Draw! ndjson, or - for stdin.",
            show_default=False,
        ),
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(
            "--index",
            "-i",
            envvar="SBIR_INDEX",
            help="Gallery to search, an index file or milvus://HOST:PORT/COLLECTION (default: the "
            "prebuilt example gallery).",
        ),
    ] = None,
    top: Annotated[
        int, typer.Option("--top", "-n", envvar="SBIR_TOP", help="Photos per sketch.")
    ] = 10,
    form: Annotated[
        AnswerFormat | None,
        typer.Option(
            "--format",
            "-f",
            envvar="SBIR_FORMAT",
            help="Default: table on a terminal, paths into a pipe.",
        ),
    ] = None,
    print0: Annotated[
        bool, typer.Option("--print0", "-0", help="Paths, each ended by NUL (for xargs -0).")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", envvar="SBIR_HTML", help="Also write a contact sheet to this file."),
    ] = None,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview",
            envvar="SBIR_PREVIEW",
            help="On a terminal, also show the photos in it (extra `preview`).",
        ),
    ] = False,
    show_sketch: Annotated[
        Path | None,
        typer.Option(
            "--show-sketch",
            help="Also write what the model sees of the drawings to this PNG file.",
        ),
    ] = None,
    min_score: Annotated[
        str | None,
        typer.Option(
            "--min-score",
            envvar="SBIR_MIN_SCORE",
            help="Leave out photos below this cosine (0.25), below this share of the best photo's "
            "score (80%), or below what drawings of nothing reach here (p95: but 5 of 100 reach "
            "more).",
        ),
    ] = None,
    from_file: Annotated[
        str | None,
        typer.Option(
            "--from-file",
            help="Read sketch names from this file, a line each or ended by NUL; - stdin.",
        ),
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
    text: asking.Text = "",
    weight: asking.Weight = 0.25,
    unlike: asking.Not = None,
    like_photo: asking.Like = None,
    unlike_photo: asking.Unlike = None,
    mirror: asking.Mirror = False,
    together: asking.Together = False,
    where: asking.Where = None,
    dedupe: asking.Dedupe = False,
    model: Model = None,
    device: Device = "auto",
    cache: Cache = None,
    quiet: Quiet = False,
) -> None:
    """Find the photos that look like a drawing, best first."""
    from sbir_cli.config import QueryConfig, SketchConfig
    from sbir_cli.output.seen import sheet_of
    from sbir_cli.question import NOTHING_ALIKE
    from sbir_cli.search import Searcher

    config = QueryConfig(top, *_cut(min_score), where=where, dedupe=dedupe)
    form = _format(form, print0)
    preview = preview and _terminal()
    if preview:
        _require_preview()
    beside = asking.Beside(
        text, weight, unlike or (), like_photo or (), unlike_photo or (), mirror, together
    )
    names = _names(sketches or [], from_file, beside.stands_alone)
    reading = SketchConfig(fit=fit)
    failures: list[ImageError] = []
    answers: list[Answer] = []
    seen: list[Image] = []
    many = len(names) > _MANY
    kept = graph_cache(cache, (lambda note: None) if quiet else say, lasting=many)
    with Searcher.open(index, model, device, root, kept) as searcher:
        drawings = _read(names, reading, failures)
        first = next(drawings, None)
        refused = bool(names) and first is None
        there = searcher.gallery.photos_found
        if not refused:
            _introduce(searcher, quiet)
            asked = None if first is None else chain([first], drawings)
            for answer in searcher.answers(beside.questions(searcher, asked, config, reading)):
                if show_sketch is not None and answer.sketch and len(seen) < _MOST_SHOWN:
                    seen.append(searcher.encoder.preprocess.seen(answer.sketch.image))
                answers.append(answer.kept(thumbnail=html is not None))
    for failure in failures[:-1] if refused else failures:
        say(f"sbir: {failure}")
    if refused:
        raise failures[-1]
    _print(answers, form, print0)
    if preview:
        _preview(answers)
    if config.min_percentile is not None and not quiet:
        for answer in answers:
            if not answer.hits:
                say(f"{answer.name}: {NOTHING_ALIKE}")
    if not quiet and there:
        _say_gone(answers)
    if html is not None:
        _write_sheet(answers, html, quiet)
    if show_sketch is not None and seen:
        write_file(show_sketch, sheet_of(seen), "choose another --show-sketch")
    if failures:
        raise typer.Exit(SKIPPED)


def _cut(text: str | None) -> tuple[float | None, float | None, float | None]:
    """--min-score as (cosine, share of the best score, percentile of drawings of nothing)."""
    from sbir_cli.errors import UsageError

    if text is None:
        return None, None, None
    try:
        value = float(text.removesuffix("%") if text.endswith("%") else text.removeprefix("p"))
    except ValueError as error:
        raise UsageError(f"--min-score takes 0.25, 80% or p95, not `{text}`") from error
    if text.endswith("%"):
        return None, value / 100, None
    return (None, None, value) if text.startswith("p") else (value, None, None)


def _names(given: list[str], from_file: str | None, may_be_none: bool) -> list[str]:
    from sbir_cli.errors import UsageError

    names = list(given)
    if from_file is not None:
        names += listed_names(from_file, "sketch names")
    if names.count("-") + (from_file == "-") > 1:
        raise UsageError("stdin can be read once: as one sketch (-) or as names (--from-file -)")
    if "" in names:
        raise UsageError("the name of a sketch is empty; name a drawing")
    if not names and not may_be_none:
        raise UsageError("no sketch given; name a drawing, or - to read one from stdin")
    return names


def _read(names: list[str], config: SketchConfig, failures: list[ImageError]) -> Iterator[Sketch]:
    """The drawings that can be read, as they are asked for; what cannot goes to `failures`."""
    from sbir_cli.errors import ImageError
    from sbir_cli.imaging.decoding import decode_ahead

    def read(name: str) -> Reading:
        return _reading(name, config)

    every: Iterator[Reading | ImageError] = map(read, names)
    if len(names) > 1 and "-" not in names:  # a thread that waits for stdin cannot be interrupted
        ahead = decode_ahead(([name] for name in names), read, _READERS)
        every = chain.from_iterable(found for _, found in ahead)
    for found in every:
        if isinstance(found, ImageError):
            failures.append(found)
            continue
        failures += found.left_out
        if found.refusal is not None:
            raise found.refusal
        yield from found.sketches


def _reading(name: str, config: SketchConfig) -> Reading:
    from sbir_cli.errors import ImageError, SbirError
    from sbir_cli.imaging.sketches import read_sketches

    left_out: list[ImageError] = []
    try:
        data = read_stdin() if name == "-" else None
        return Reading(list(read_sketches(name, data, config, left_out)), left_out)
    except ImageError as error:
        return Reading([], [*left_out, error])
    except SbirError as error:
        return Reading([], left_out, error)


def _introduce(searcher: Searcher, quiet: bool) -> None:
    """What is asked, and where."""
    gallery, encoder = searcher.gallery, searcher.encoder
    if not gallery.photos_found:
        say(f"note: no photo is found below {gallery.root}; --root names where they are now")
    if not quiet:
        say(f"model {encoder.name} on {encoder.device}, {gallery.manifest.photos:,} photos")


def _say_gone(answers: list[Answer]) -> None:
    """How many of the photos found are not on the disk any more."""
    paths = {hit.path for answer in answers for hit in answer.hits}
    gone = sum(not path.exists() for path in paths)
    if gone:
        said = "are gone" if gone > 1 else "is gone"
        remedy = "`sbir embed-gallery PHOTOS -o INDEX --prune` removes such"
        say(f"note: {gone:,} of the {len(paths):,} photos found {said} from the disk; {remedy}")


def _write_sheet(answers: list[Answer], path: Path, quiet: bool) -> None:
    from sbir_cli.output.contact_sheet import contact_sheet

    write_file(path, contact_sheet(answers).encode(), "choose another --html")
    if not quiet:
        say(f"contact sheet: {path}")


def _format(form: AnswerFormat | None, print0: bool) -> AnswerFormat:
    from sbir_cli.errors import UsageError

    if print0 and form not in (None, "paths"):
        raise UsageError("--print0 writes paths; leave out --format")
    return form or ("table" if _terminal() and not print0 else "paths")


def _terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _require_preview() -> None:
    from importlib.util import find_spec

    from sbir_cli.errors import SbirError, UsageError

    if find_spec("textual_image") is None:
        raise SbirError("--preview needs an extra", remedy="pip install 'sbir[preview]'")
    if sys.stdin is None or not sys.stdin.isatty():  # that is how a terminal is asked what it can
        raise UsageError("--preview needs stdin to be the terminal; name sketches as arguments")


def _preview(answers: list[Answer]) -> None:
    from sbir_cli.output.preview import print_preview

    try:
        print_preview(answers, console())
    except Exception as error:  # a terminal of no size, or with answers of its own
        say(f"note: this terminal shows no pictures ({type(error).__name__})")


def _print(answers: list[Answer], form: AnswerFormat, print0: bool) -> None:
    from sbir_cli.output import answers as writers

    if form == "table":
        from sbir_cli.output.table import print_table

        screen = console()
        with screen.capture() as table:
            print_table(answers, screen)
        write_results(table.get().encode("utf-8", "backslashreplace"))
    elif print0:
        write_results(writers.paths(answers, "\0"))
    else:
        write_results(writers.WRITERS[form](answers))
