"""The name and the bytes of each drawing in a file.

A drawing's name is its path, or `path.ndjson#3` for the third line of a file of several. The same
name stands in results, data sets and messages, and is read back by `drawing_bytes`.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from sbir_cli.errors import ImageError

_BEFORE = b"\xef\xbb\xbf \t\r\n"  # may stand in front of a text file's first character


def drawings_in(path: Path) -> list[Path]:
    """The names of the drawings of an ndjson file, without parsing them.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        numbers = [number for number, line in enumerate(file, 1) if line.strip(_BEFORE)]
    if len(numbers) == 1:
        return [path]
    return [path.with_name(_line_name(path.name, number)) for number in numbers]


def drawing_bytes(path: Path) -> bytes:
    """The bytes of one drawing: a file's, or one line's for `path.ndjson#3`.

    Raises:
        ImageError: it cannot be read; `where` is the path.
    """
    name, mark, number = path.name.rpartition("#")
    line = bool(mark) and name.lower().endswith(".ndjson") and number.isdecimal()
    try:
        if not line:
            return path.read_bytes()
        with path.with_name(name).open("rb") as file:
            found = next(islice(file, int(number) - 1, None), b"") if int(number) else b""
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise ImageError(reason, where=path, remedy="name a sketch file, or - for stdin") from error
    if not found.strip():
        raise ImageError("the file has no such line", where=path)
    return found


def _line_name(name: str, number: int) -> str:
    return f"{name}#{number}"
