"""`sbir draw`: a page to draw on, and the photos that look like it."""

from __future__ import annotations

import os
import sys
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbir_cli.cli.options import Cache, Device, Model, Quiet, graph_cache
from sbir_cli.cli.streams import say

if TYPE_CHECKING:
    from sbir_cli.encoder.graph_cache import GraphCache
    from sbir_cli.web.server import Place
    from sbir_cli.web.watched import WatchedGallery


def draw(
    index: Annotated[
        list[str] | None,
        typer.Option(
            "--index",
            "-i",
            envvar="SBIR_INDEX",
            help="Gallery to search; may be repeated (default: the prebuilt example gallery).",
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = True,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            envvar="SBIR_PORT",
            help="Default: 7342 if it is free, else any.",
            show_default=False,
        ),
    ] = None,
    lan: Annotated[
        bool,
        typer.Option(
            "--lan",
            help="Let phones and tablets in this network draw, by an address with a token: "
            "whoever has it sees the gallery's photos.",
        ),
    ] = False,
    root: Annotated[
        Path | None,
        typer.Option("--root", envvar="SBIR_ROOT", help="Where the gallery's photos are now."),
    ] = None,
    model: Model = None,
    device: Device = "auto",
    cache: Cache = None,
    quiet: Quiet = False,
) -> None:
    """Draw in a browser and watch the photos come.

    The page is of this machine alone, unless --lan is given.
    """
    _require_extra()
    from sbir_cli.web.app import DrawingPage
    from sbir_cli.web.server import find_place, serve

    place = find_place(port, lan)
    kept = graph_cache(cache, (lambda note: None) if quiet else say, lasting=True)
    galleries = _open(index or [], root, model, device, kept, quiet)
    page = DrawingPage(galleries, None if lan else _reveal)
    serve(page.app, place, lambda: _ready(place, show, quiet))
    if not quiet:
        say("stopped")


def _require_extra() -> None:
    from sbir_cli.errors import SbirError

    try:
        import segno  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise SbirError(
            f"the drawing page needs an extra ({error.name} is missing)",
            remedy="pip install 'sbir[draw]'",
        ) from error


def _open(
    indexes: list[str],
    root: Path | None,
    model: str | None,
    device: str,
    cache: GraphCache | None,
    quiet: bool,
) -> list[WatchedGallery]:
    from sbir_cli.search import Searcher
    from sbir_cli.web.watched import WatchedGallery

    galleries: list[WatchedGallery] = []
    for number, index in enumerate(indexes or [None]):
        beside = [each.newest().searcher for each in galleries]
        searcher = Searcher.open(index, model, device, root, cache, beside)
        gallery, encoder = searcher.gallery, searcher.encoder
        if not gallery.photos_found:
            say(f"note: no photo is found below {gallery.root}; --root names where they are now")
        if not quiet:
            photos = gallery.manifest.photos
            say(f"{gallery.path}: {photos:,} photos, model {encoder.name} on {encoder.device}")
        galleries.append(WatchedGallery(str(number), searcher, root))
    return galleries


def _ready(place: Place, show: bool, quiet: bool) -> None:
    typer.echo(place.url)
    sys.stdout.flush()
    if place.token is not None:
        say(
            "whoever in this network has this address sees the gallery's photos and draws; it is "
            "good until Ctrl-C"
        )
        if not quiet:
            say_code(place.url)
    elif not quiet:
        say("the page is for this machine alone; Ctrl-C ends it")
    if show and _has_screen():
        with suppress(webbrowser.Error):
            webbrowser.open(place.url)


def say_code(url: str) -> None:
    """The address as a QR code on stderr, for a phone's camera."""
    import segno

    with suppress(OSError):
        segno.make(url, error="l").terminal(out=sys.stderr, compact=True)


def _has_screen() -> bool:
    """Whether a browser would have a window: without one it would take over the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _reveal(photo: Path) -> None:
    typer.launch(str(photo), locate=True)
