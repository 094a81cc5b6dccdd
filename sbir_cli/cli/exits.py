"""The one place where an error becomes a sentence on stderr and an exit code."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import typer

from sbir_cli.cli.process import memory_limit, raise_limit
from sbir_cli.cli.streams import say
from sbir_cli.errors import MismatchError, SbirError, UsageError

_NO_MEMORY = re.compile("map segment|allocate memory|bad_alloc|bad allocation|not enough memory")
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
        except (KeyboardInterrupt, Exception) as error:
            if _is_interruption(error):
                say("sbir: interrupted")
                raise typer.Exit(INTERRUPTED) from None
            logging.getLogger("sbir").debug("traceback", exc_info=True)
            say(f"sbir: {_sentence(error)}{_limited(error)}")
            raise typer.Exit(_code(error)) from None

    return wrapped


@contextmanager
def interrupted_with(message: str) -> Iterator[None]:
    """Say this of what was cut short, whatever an interruption was turned into."""
    try:
        yield
    except (KeyboardInterrupt, Exception) as error:
        if _is_interruption(error):
            say(message)
        raise


def _is_interruption(error: BaseException) -> bool:
    """Whether Ctrl-C is what it comes from: met while a C extension is imported, it is an
    ImportError."""
    chain: list[BaseException | None] = [error]  # which may end where it began
    for each in chain:
        if each is not None:
            chain += [e for e in (each.__cause__, each.__context__) if e not in chain]
    return any(isinstance(each, KeyboardInterrupt) for each in chain)


def _sentence(error: BaseException) -> str:
    if isinstance(error, SbirError):
        cause = error.__cause__
        return _sentence(cause) if cause and _out_of_memory(cause) else str(error)
    if _out_of_memory(error):
        return f"memory ran out ({_first_line(error) or 'no reason given'})"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {(error.strerror or 'cannot be used').lower()}"
    name = type(error).__name__
    return f"internal error, {name}: {_first_line(error)}; `sbir -v ...` shows where"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]


def _out_of_memory(error: BaseException) -> bool:
    """Whether a library says so, each in its own words."""
    return isinstance(error, MemoryError) or bool(_NO_MEMORY.search(_first_line(error)))


def _limited(error: BaseException) -> str:
    """The shell's memory limit, where memory ran out by it."""
    limit = memory_limit()
    short = any(_out_of_memory(e) for e in (error, error.__cause__) if e is not None)
    return f"; {raise_limit(limit)}" if short and limit is not None else ""


def _code(error: BaseException) -> int:
    if isinstance(error, UsageError):
        return USAGE
    return MISMATCH if isinstance(error, MismatchError) else ERROR
