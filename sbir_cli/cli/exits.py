"""The one place where an error becomes a sentence on stderr and an exit code."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from sbir_cli.cli.streams import say
from sbir_cli.errors import MismatchError, SbirError, UsageError

ERROR, USAGE, SKIPPED, MISMATCH, INTERRUPTED = 1, 2, 3, 4, 130

P = ParamSpec("P")
R = TypeVar("R")


def exit_codes(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command: errors and interruptions end it with one sentence and the right code."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            say("sbir: interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            logging.getLogger("sbir").debug("traceback", exc_info=True)
            say(f"sbir: {_sentence(error)}")
            raise typer.Exit(_code(error)) from None

    return wrapped


def _sentence(error: Exception) -> str:
    if isinstance(error, SbirError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {(error.strerror or 'cannot be used').lower()}"
    reason = (str(error).splitlines() or [""])[0]
    return f"internal error, {type(error).__name__}: {reason}; `sbir -v ...` shows where"


def _code(error: Exception) -> int:
    if isinstance(error, UsageError):
        return USAGE
    return MISMATCH if isinstance(error, MismatchError) else ERROR
