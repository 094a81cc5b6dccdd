"""Text that others wrote: byte order marks and UTF-16 as Windows makes them, lists of names."""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import TextIO

_MARKS = (  # UTF-32 first: its mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(head: bytes) -> str:
    """The encoding that the first bytes of a text tell by their byte order mark, else UTF-8."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8-sig")


def decoded(data: bytes) -> str:
    """A text without its byte order mark; bytes that are not UTF-8 become lone surrogates."""
    encoding = encoding_of(data[:4])
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    return data.decode(encoding, errors)


def read_text(path: Path) -> str:
    """The whole of a text file, as `decoded`.

    Raises:
        OSError: it cannot be read.
    """
    return decoded(path.read_bytes())


def open_text(path: Path, newline: str | None = None) -> TextIO:
    """A text file opened for reading, as `decoded`; newlines as `open` has them.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        encoding = encoding_of(file.read(4))
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    return path.open(encoding=encoding, errors=errors, newline=newline)


def names_in(data: bytes) -> list[str]:
    """The file names of a list: each ended by NUL where there is one (`find -print0`), else a line
    each, whatever ends it; empty ones are left out."""
    if encoding_of(data[:4]) != "utf-8-sig":
        data = os.fsencode(decoded(data))
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\0" in data:
        return [os.fsdecode(name) for name in data.split(b"\0") if name]
    return [os.fsdecode(line) for line in data.splitlines() if line.strip()]
