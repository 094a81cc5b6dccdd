"""The commands together, and the options that all of them have."""

from __future__ import annotations

import logging
import warnings
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from sbir_cli import __version__
from sbir_cli.cli.exits import exit_codes

COMMANDS = {
    "draw": "Draw in a browser and watch the photos come. The page is of this machine alone.",
    "embed-gallery": "Embed photos into a gallery that `sbir query` searches; "
    "run again to update it.",
    "evaluate": "Measure how well sketches of unseen classes find their photos, "
    "by named protocols.",
    "explain": "Show which parts of a drawing look like which parts of a photo to the model.",
    "index": "What a gallery is; verify, list, join, export and import it.",
    "query": "Find the photos that look like a drawing, best first.",
    "train": "Train prompts (or a baseline) on seen classes and keep the best as a checkpoint.",
}
"""What `sbir --help` says of each, without importing it."""


def load_command(name: str) -> Any:
    """A command, or a group of them, in full: the function of its name in the module of its name,
    or that module's `app`."""
    own = name.replace("-", "_")
    module = import_module(f"sbir_cli.cli.{own}")
    if hasattr(module, "app"):
        return get_command(module.app)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(exit_codes(getattr(module, own)))
    return get_command(alone)


class LateCommands(TyperGroup):
    """Commands that are there by name and help alone until one is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, says in COMMANDS.items():
            self.add_command(TyperCommand(name, help=says))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is called, in full."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name and found else None, rest


app = typer.Typer(
    name="sbir",
    cls=LateCommands,
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
