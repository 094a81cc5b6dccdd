"""The commands together, and the options that all of them have."""

from __future__ import annotations

import logging
import warnings
from typing import Annotated

import typer

from sbir_cli import __version__
from sbir_cli.cli.draw import draw
from sbir_cli.cli.embed_gallery import embed_gallery
from sbir_cli.cli.evaluate import evaluate
from sbir_cli.cli.exits import exit_codes
from sbir_cli.cli.explain import explain
from sbir_cli.cli.index import app as index
from sbir_cli.cli.query import query
from sbir_cli.cli.train import train

app = typer.Typer(
    name="sbir",
    help="Find photos by drawing.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sbir {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print and exit."),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", envvar="SBIR_VERBOSE", help="Show tracebacks and logs."),
    ] = False,
) -> None:
    """Find photos by drawing."""
    logging.basicConfig(level=logging.DEBUG if verbose else logging.ERROR)
    if not verbose:  # PIL and torch warn about what the user can do nothing about
        warnings.simplefilter("ignore")


app.command("draw")(exit_codes(draw))
app.command("embed-gallery")(exit_codes(embed_gallery))
app.command("evaluate")(exit_codes(evaluate))
app.command("explain")(exit_codes(explain))
app.add_typer(index, name="index")
app.command("query")(exit_codes(query))
app.command("train")(exit_codes(train))
