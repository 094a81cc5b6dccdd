"""What a query answers, as records and in the formats a pipeline reads."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from sbir_cli.gallery import Hit
from sbir_cli.search import Answer

SCHEMA = 1
FIELDS = ("query", "rank", "score", "path", "id")


def shown_path(path: Path) -> str:
    """The path as the user can reach it: relative below the working folder, else absolute.

    It never starts with a dash, which the next command would take for an option.
    """
    here = Path.cwd()
    text = str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
    return f"./{text}" if text.startswith("-") else text


def records(answers: Iterable[Answer]) -> Iterator[dict[str, Any]]:
    """One flat record per hit, with the fields in FIELDS."""
    for answer in answers:
        for hit in answer.hits:
            yield _record(answer, hit)


def _record(answer: Answer, hit: Hit) -> dict[str, Any]:
    return {
        "query": answer.name,
        "rank": hit.rank,
        "score": hit.score,
        "path": shown_path(hit.path),
        "id": hit.id,
    }


def paths(answers: Iterable[Answer], end: str = "\n") -> bytes:
    """The bare paths, byte for byte as the file system has them, each followed by `end`."""
    lines = (shown_path(hit.path) + end for answer in answers for hit in answer.hits)
    return b"".join(map(os.fsencode, lines))


def jsonl(answers: Iterable[Answer]) -> bytes:
    """JSON Lines of schema 1; `folded` tells of near-duplicates that a photo stands for. A name
    that is not UTF-8 keeps its bytes as lone surrogates (`\\udcXX`, what Python's `os.fsencode`
    turns back)."""
    lines = (
        {"schema": SCHEMA, **_record(answer, hit), **({"folded": hit.folded} if hit.folded else {})}
        for answer in answers
        for hit in answer.hits
    )
    return "".join(json_line(line) for line in lines).encode()


def json_line(record: dict[str, Any]) -> str:
    """One line of JSON, readable where it can be and always valid UTF-8."""
    text = json.dumps(record, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(record)
    return text + "\n"


def tsv(answers: Iterable[Answer]) -> bytes:
    """Tab-separated with a header line; fields with a tab, quote or newline are quoted."""
    return _separated(answers, "\t")


def comma_separated(answers: Iterable[Answer]) -> bytes:
    """CSV with a header line, quoted as RFC 4180 says."""
    return _separated(answers, ",")


def _separated(answers: Iterable[Answer], delimiter: str) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, FIELDS, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records(answers))
    return os.fsencode(buffer.getvalue())


WRITERS: dict[str, Callable[[Iterable[Answer]], bytes]] = {
    "paths": paths,
    "jsonl": jsonl,
    "tsv": tsv,
    "csv": comma_separated,
}
