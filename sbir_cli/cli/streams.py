"""What goes to stdout and stderr, and into the files that options name."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import typer

from sbir_cli.errors import SbirError
from sbir_cli.storage.files import replace_file

_SHOWN = 5  # skipped files named on stderr


def say(message: str) -> None:
    """One line for the person, on stderr; no file name in it can steer the terminal."""
    from sbir_cli.storage.names import printable

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


def say_skipped(skipped: Sequence[tuple[Path, str]], more: str = "") -> None:
    """The first few files that could not be read, and how many there are beyond them."""
    for path, reason in skipped[:_SHOWN]:
        say(f"skipped {path}: {reason}")
    if len(skipped) > _SHOWN:
        say(f"... and {len(skipped) - _SHOWN:,} more{more}")


def write_text(path: Path, text: str, option: str) -> None:
    """Write a file that `option` named, and the folders it lies in; a kill leaves no half of it.

    Raises:
        SbirError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # /dev/stdout, a named pipe
            path.write_text(text, "utf-8")
        else:
            replace_file(path, text.encode())
    except OSError as error:
        raise SbirError(
            f"cannot be written ({error.strerror})", where=path, remedy=f"choose another {option}"
        ) from error
