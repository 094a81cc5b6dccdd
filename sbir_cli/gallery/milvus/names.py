"""Paths as text that a server takes: any file name, also one that is not UTF-8, and back again."""

from __future__ import annotations

import re

# A byte that is no UTF-8 becomes a character of the private use area, as does each byte of a
# character that lies there already: so every text stands for one path only.
_PLACE = 0xF700
_TAKEN = re.compile("[\uf780-\uf7ff]")
_BYTE = re.compile("[\udc80-\udcff]")


def to_text(path: bytes) -> str:
    """A path as text in which every character can be sent."""
    text = path.decode("utf-8", "surrogateescape")
    text = _TAKEN.sub(lambda found: "".join(map(_mark, found[0].encode())), text)
    return _BYTE.sub(lambda found: _mark(ord(found[0]) - 0xDC00), text)


def to_bytes(text: str) -> bytes:
    """The path that `to_text` made a text of."""
    marked = _TAKEN.sub(lambda found: chr(ord(found[0]) - _PLACE + 0xDC00), text)
    return marked.encode("utf-8", "surrogateescape")


def _mark(byte: int) -> str:
    return chr(_PLACE + byte)
