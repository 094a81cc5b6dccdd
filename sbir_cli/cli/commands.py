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
    "draw": "Draw in a browser and watch the photos come.",
    "embed-gallery": "Embed photos into a gallery; run again to update it.",
    "evaluate": "Measure how well sketches find photos, by named protocols.",
    "explain": "Show which parts of a drawing and of a photo look alike.",
    "index": "What a gallery is; verify, list, join, export, import it.",
    "query": "Find the photos that look like a drawing, best first.",
    "train": "Learn prompts, or a baseline, and keep the best checkpoint.",
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
    rich_markup_mode=None,  # the list of commands needs no boxes, which take 60 ms to import
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
