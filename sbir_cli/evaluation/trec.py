"""TREC run and qrels files: our rankings for other tools, and anyone's rankings for our metrics.

A run has lines `query Q0 document rank score tag`, a qrels file `query 0 document relevance`
(relevant where > 0). Our names in them are paths relative to the data set, percent-encoded where
they hold white space or bytes that are no ASCII.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_from_bytes

import numpy as np

from sbir_cli.config import Task
from sbir_cli.errors import SbirError
from sbir_cli.evaluation.embedded import Embedded
from sbir_cli.evaluation.metrics import UNRANKED, Ranks
from sbir_cli.evaluation.ranking import rank
from sbir_cli.storage.files import whole_file
from sbir_cli.storage.text_files import open_text

_SAFE = "".join(map(chr, range(33, 127))).replace("%", "")


@dataclass(frozen=True)
class Scored:
    """The relevant photos' ranks of each query of a run that has any."""

    queries: list[str]
    ranks: list[Ranks]
    """Ascending; UNRANKED for a relevant document that the run does not list."""
    documents: int
    """Different documents in the run."""
    left_out: int
    """Queries of the run without a relevant document in the qrels."""
    missing: int
    """Queries of the qrels that the run lacks: scored as if nothing had been found."""


def trec_name(path: Path, root: Path) -> str:
    """A path as one word of printable ASCII."""
    return quote_from_bytes(os.fsencode(path.relative_to(root).as_posix()), safe=_SAFE)


def write_run(path: Path, embedded: Embedded, task: Task, depth: int, tag: str = "sbir") -> None:
    """The first `depth` photos of every sketch's ranking, as a TREC run.

    Scores are written in full, so that a reader has the same order; of equal scores trec_eval
    puts the later name first, where we put the earlier.
    """
    dataset = embedded.dataset
    queries = [trec_name(p, dataset.root) for p in dataset.sketches]
    names = [trec_name(p, dataset.root) for p in dataset.photos]
    with whole_file(path) as file:
        for rankings in rank(embedded, task):
            photos, scores = rankings.first(depth)
            for query, row, values in zip(rankings.sketches, photos, scores, strict=True):
                file.writelines(
                    f"{queries[query]} Q0 {names[photo]} {place} {score:.9g} {tag}\n".encode()
                    for place, (photo, score) in enumerate(zip(row, values, strict=True), 1)
                )


def write_qrels(path: Path, embedded: Embedded, task: Task) -> None:
    """Every relevant photo of every sketch, as a TREC qrels file."""
    dataset = embedded.dataset
    names = [trec_name(p, dataset.root) for p in dataset.photos]
    members: dict[str, list[str]] = {}
    for name, label in zip(names, dataset.photo_classes, strict=True):
        members.setdefault(label, []).append(name)
    with whole_file(path) as file:
        for sketch, label, own in zip(
            dataset.sketches, dataset.sketch_classes, dataset.own_photo, strict=True
        ):
            query = trec_name(sketch, dataset.root)
            relevant = members.get(label, []) if task == "category" else []
            if task == "fine-grained" and own is not None:
                relevant = [names[own]]
            file.writelines(f"{query} 0 {name} 1\n".encode() for name in relevant)


def read_qrels(path: Path) -> dict[str, set[str]]:
    """The relevant documents of each query; a query may have none.

    Raises:
        SbirError: it cannot be read or is not a qrels file.
    """
    found: dict[str, set[str]] = {}
    for number, words in _lines(path):
        try:
            query, _, document, relevance = words
            relevant = int(relevance) > 0
        except ValueError as error:
            raise _wrong(path, number, "`query 0 document relevance`") from error
        documents = found.setdefault(query, set())
        if relevant:
            documents.add(document)
    return found


def score_run(run: Path, qrels: dict[str, set[str]]) -> Scored:
    """The ranks of the relevant documents in a run: by score descending, then name ascending; the
    rank column is ignored, as trec_eval does.

    Raises:
        SbirError: it cannot be read, is no run file, lists a document twice for a query, or has
            no query with a relevant document.
    """
    documents: dict[str, int] = {}
    rows = _read_run(run, documents)
    by_name = np.empty(len(documents), dtype=np.int64)
    by_name[[documents[name] for name in sorted(documents)]] = np.arange(len(documents))
    queries: list[str] = []
    ranks: list[Ranks] = []
    for query in sorted(rows.keys() | qrels.keys()):
        relevant = qrels.get(query, set())
        if not relevant:
            continue
        ids, scores = (np.array(part) for part in rows.get(query, (array("q"), array("d"))))
        if len(np.unique(ids)) != len(ids):
            raise SbirError(f"query `{query}` lists a document twice", where=run)
        order = np.lexsort((by_name[ids.astype(np.intp)], -scores))
        wanted = [documents[name] for name in relevant if name in documents]
        places = np.flatnonzero(np.isin(ids[order], wanted)) + 1
        queries.append(query)
        padding = np.full(len(relevant) - len(places), UNRANKED)
        ranks.append(np.concatenate([places, padding]))
    if not queries:
        raise SbirError(
            "no query has a relevant document in the qrels",
            where=run,
            remedy="name the --qrels of the same data",
        )
    if rows.keys().isdisjoint(queries):
        raise SbirError(
            "none of its queries is in the qrels", where=run, remedy="name those of the same data"
        )
    left_out = sum(not qrels.get(query) for query in rows)
    missing = sum(query not in rows for query in queries)
    return Scored(queries, ranks, len(documents), left_out, missing)


def _read_run(run: Path, documents: dict[str, int]) -> dict[str, tuple[array[int], array[float]]]:
    """Each query's document numbers and scores; numbers are given out in `documents`."""
    rows: dict[str, tuple[array[int], array[float]]] = {}
    for number, words in _lines(run):
        try:
            query, _, document, _, text, _ = words
            value = float(text)
        except ValueError as error:
            raise _wrong(run, number, "`query Q0 document rank score tag`") from error
        if not np.isfinite(value):
            raise _wrong(run, number, "a finite score")
        ids, scores = rows.setdefault(query, (array("q"), array("d")))
        ids.append(documents.setdefault(document, len(documents)))
        scores.append(value)
    return rows


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with open_text(path) as file:
            for number, line in enumerate(file, 1):
                words = line.split()
                if words:
                    yield number, words
    except OSError as error:
        raise SbirError(f"cannot be read ({error.strerror})", where=path) from error


def _wrong(path: Path, number: int, expected: str) -> SbirError:
    return SbirError(f"line {number} is not {expected}", where=path)
