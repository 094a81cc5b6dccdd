"""The one place where an error becomes a sentence on stderr and an exit code."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from sbir_cli.errors import MismatchError, SbirError, UsageError

ERROR, USAGE, SKIPPED, MISMATCH, INTERRUPTED = 1, 2, 3, 4, 130

P = ParamSpec("P")
R = TypeVar("R")


def say(message: str) -> None:
    """One line for the person, on stderr; bytes of a file name that no text can show as escapes."""
    typer.echo(message.encode("utf-8", "backslashreplace").decode(), err=True)


def exit_codes(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command: errors and interruptions end it with one sentence and the right code."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SbirError as error:
            logging.getLogger("sbir").debug("traceback", exc_info=True)
            say(f"sbir: {error}")
            raise typer.Exit(_code(error)) from None
        except KeyboardInterrupt:
            say("sbir: interrupted; the same command goes on where it stopped")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # the reader has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None

    return wrapped


def _code(error: SbirError) -> int:
    if isinstance(error, UsageError):
        return USAGE
    return MISMATCH if isinstance(error, MismatchError) else ERROR
