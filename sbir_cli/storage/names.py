"""File names as a terminal or a page may show them."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with everything a terminal might obey or choke on written as an escape."""
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
