"""What goes to stdout and stderr."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sbir_cli.errors import SbirError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

_NARROWEST = 40  # columns of a table
_SHOWN = 5  # skipped files named on stderr


def say(message: str) -> None:
    """One line for the person, on stderr; no file name in it can steer the terminal."""
    from sbir_cli.storage.names import printable

    with suppress(OSError):  # a closed stderr must cost nobody the results
        typer.echo(printable(message), err=True)


def console() -> Console:
    """The terminal for a table on stdout; a narrow one has its lines wrapped by itself."""
    from rich.console import Console

    found = Console()
    return found if found.width >= _NARROWEST else Console(width=_NARROWEST)


def read_stdin() -> bytes:
    """All of the standard input.

    Raises:
        UsageError: it is closed, or cannot be read.
    """
    if sys.stdin is None:  # closed by the shell: `<&-`
        raise UsageError("stdin is closed; leave it open, or name a file in place of -")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise UsageError(f"stdin: {reason}; name a file in place of -") from error


def listed_names(source: str, of: str) -> list[str]:
    """The names in a list that is a file, or `-` for the standard input (see `names_in`).

    Raises:
        UsageError: it cannot be read; the message says `of` what it is.
    """
    from sbir_cli.storage.text_files import names_in

    try:
        return names_in(read_stdin() if source == "-" else Path(source).read_bytes())
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise UsageError(f"{source}: {reason}; name a file of {of}") from error


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
    """Files that could not be read: those of formats without their extra in one line, the first
    few others by name, and beyond them how many there are, by reason."""
    from sbir_cli.imaging.formats import unread_format

    known = [(path, reason, unread_format(reason)) for path, reason in skipped]
    unread = [found for _, _, found in known if found is not None]
    others = [(path, reason) for path, reason, found in known if found is None]
    if unread:
        names, extras = (", ".join(sorted(set(part))) for part in zip(*unread, strict=True))
        files = "file" if len(unread) == 1 else "files"
        remedy = f"pip install 'sbir[{extras.replace(' ', '')}]' reads them"
        say(f"skipped {len(unread):,} {files} of formats that are not read ({names}); {remedy}")
    for path, reason in others[:_SHOWN]:
        say(f"skipped {path}: {reason}")
    rest = Counter(reason for _, reason in others[_SHOWN:])
    if rest:
        reasons = [f"{count:,} {reason}" for reason, count in rest.most_common(_SHOWN)]
        shown = "; ".join([*reasons, *(["..."] if len(rest) > _SHOWN else [])])
        say(f"... and {sum(rest.values()):,} more ({shown}){more}")
