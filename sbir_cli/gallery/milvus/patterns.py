"""A shell pattern as an expression that the server evaluates."""

from __future__ import annotations

import json
import os

from sbir_cli.errors import UsageError
from sbir_cli.gallery.milvus.names import to_text

_LIKE = {"*": "%", "?": "_", "%": r"\%", "_": r"\_", "\\": r"\\"}


def matches(pattern: str) -> str:
    """True for photos whose path matches; see `Contents.matching`.

    Raises:
        UsageError: the pattern has a choice of characters.
    """
    if "[" in pattern:
        raise UsageError(
            f"--where {pattern}: a gallery in Milvus looks for * and ? alone",
            remedy="leave the [...] out",
        )
    pattern = to_text(os.fsencode(pattern.removeprefix("./").rstrip("/")))
    like = "".join(_LIKE.get(letter, letter) for letter in pattern)
    return f"(path like {quoted(like)} or path like {quoted(like + '/%')})"


def quoted(text: str) -> str:
    """A string of the expression language."""
    return json.dumps(text, ensure_ascii=False)
