"""A question as the page posts it, checked."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sbir_cli.errors import UsageError

_MOST_PHOTOS = 3000  # that one can scroll through
_MOST_STEERING = 32  # photos that a question is steered by
_LONGEST_TEXT = 300


@dataclass(frozen=True)
class Steer:
    """A photo of the gallery that the question is steered by."""

    id: int
    version: str
    """Of the gallery that counts so."""
    key: str
    name: str


@dataclass(frozen=True)
class Asked:
    """What the page wants to know. A drawing is the bytes of a file, as `sbir query` takes it."""

    gallery: str
    like: bytes | None
    unlike: bytes | None
    words: str
    weight: float
    """Of the words beside the drawing, 0 to 1."""
    more: tuple[Steer, ...]
    less: tuple[Steer, ...]
    mirror: bool
    dedupe: bool
    where: str
    cut: float
    """Share of the best score below which photos are left out, 0 for none."""
    sure: bool
    """Only photos that score higher than drawings of nothing do, in place of that share."""
    offset: int
    count: int
    page: str
    number: int
    """Questions of one page, counted: only the newest one needs an answer."""


@dataclass(frozen=True)
class OnePhoto:
    """A photo on the page of which something is wanted: its folder, or why it was found."""

    gallery: str
    version: str
    id: int
    like: bytes | None
    """The drawing that it was found by, if there was one."""


def parse(body: bytes) -> Asked:
    """The posted JSON as a question.

    Raises:
        UsageError: it is not one; the page never sends such.
    """
    with _from_the_page():
        posted = json.loads(body)
        asked = Asked(
            gallery=str(posted["gallery"]),
            like=_drawing(posted.get("like")),
            unlike=_drawing(posted.get("unlike")),
            words=str(posted.get("words", "")).strip()[:_LONGEST_TEXT],
            weight=_between(posted.get("weight", 0.25)),
            more=_steers(posted.get("more", [])),
            less=_steers(posted.get("less", [])),
            mirror=bool(posted.get("mirror", False)),
            dedupe=bool(posted.get("dedupe", False)),
            where=str(posted.get("where", "")).strip()[:_LONGEST_TEXT],
            cut=_between(posted.get("cut", 0)),
            sure=bool(posted.get("sure", False)),
            offset=int(posted.get("offset", 0)),
            count=int(posted.get("count", 60)),
            page=str(posted.get("page", ""))[:40],
            number=int(posted.get("number", 0)),
        )
    if not (asked.offset >= 0 and asked.count >= 1 and asked.offset + asked.count <= _MOST_PHOTOS):
        raise UsageError(f"at most {_MOST_PHOTOS:,} photos are shown; narrow the question down")
    return asked


def parse_photo(body: bytes) -> OnePhoto:
    """The same of one photo."""
    with _from_the_page():
        posted = json.loads(body)
        return OnePhoto(
            gallery=str(posted["gallery"]),
            version=str(posted["version"]),
            id=int(posted["id"]),
            like=_drawing(posted.get("like")),
        )


@contextmanager
def _from_the_page() -> Iterator[None]:
    try:
        yield
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        raise UsageError("not a question of the page") from error


def _drawing(posted: dict[str, str] | None) -> bytes | None:
    if posted is None:
        return None
    if "line" in posted:
        return posted["line"].encode()
    try:
        return base64.b64decode(posted["png"], validate=True)
    except binascii.Error as error:
        raise ValueError from error


def _between(value: Any) -> float:
    number = float(value)
    if not 0 <= number <= 1:
        raise ValueError(value)
    return number


def _steers(posted: list[dict[str, Any]]) -> tuple[Steer, ...]:
    return tuple(
        Steer(int(p["id"]), str(p["version"]), str(p["key"]), str(p["name"]))
        for p in posted[:_MOST_STEERING]
    )
