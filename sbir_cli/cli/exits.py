"""The one place where an error becomes a sentence on stderr and an exit code."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

import typer

from sbir_cli.errors import MismatchError, SbirError, UsageError

ERROR, USAGE, SKIPPED, MISMATCH, INTERRUPTED = 1, 2, 3, 4, 130

P = ParamSpec("P")
R = TypeVar("R")


def say(message: str) -> None:
    """One line for the person, on stderr; no file name in it can steer the terminal."""
    from sbir_cli.output.text import printable

    with suppress(OSError):  # a closed stderr must cost nobody the results
        typer.echo(printable(message), err=True)


def write_results(data: bytes) -> None:
    """Bytes to stdout; a reader that has enough ends the command quietly.

    Raises:
        SbirError: stdout cannot be written.
    """
    if sys.stdout is None:  # closed by the shell: `>&-`
        raise SbirError("stdout is closed", remedy="leave it open for the results")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        # what Python still holds would fail again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise typer.Exit(0) from None
        raise SbirError(f"the results cannot be written ({error.strerror})") from error


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
