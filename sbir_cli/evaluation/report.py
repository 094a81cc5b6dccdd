"""What an evaluation found and what it was done with, so that numbers can be compared."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sbir_cli import __version__
from sbir_cli.evaluation.summary import Average, ClassRow, Value

SCHEMA = 1
_PACKAGES = ("numpy", "pillow", "torch", "open-clip-torch")


@dataclass(frozen=True)
class Partial:
    """The metrics when only the first strokes are drawn."""

    share: float
    """Of the drawing's length, 0 to 1."""
    values: list[Value]


@dataclass(frozen=True)
class Report:
    """One evaluation; `as_dict` is what is written to JSON."""

    task: str
    """`category`, `generalized`, `fine-grained`, or `run` for a TREC run file."""
    data: str
    """Data set and split, or the names of the run and qrels files."""
    average: Average
    """What the values are means over."""
    queries: int
    """Sketches that were scored."""
    gallery: int
    """Photos that were ranked, in all."""
    classes: int
    """Classes of the queries; 0 where they are not known."""
    values: list[Value]
    """The headline first."""
    per_class: list[ClassRow]
    seed: int
    """Of the bootstrap behind the intervals."""
    resamples: int
    left_out: int = 0
    """Queries without a relevant photo: they take no part in any mean."""
    unreadable: list[dict[str, str]] = field(default_factory=list)
    """Files that took no part, with path and reason."""
    model: str = ""
    fingerprint: str = ""
    """Hash of weights, prompts and preprocessing."""
    device: str = ""
    unseen: list[str] = field(default_factory=list)
    seen_in_gallery: list[str] = field(default_factory=list)
    """Seen classes whose photos are ranked too (generalised)."""
    files_sha256: str = ""
    """Of the relative paths of all sketches and photos, a line each, sorted by bytes."""
    split_source: str = ""
    partial: list[Partial] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a reader of the numbers must know."""

    @property
    def headline(self) -> Value:
        """The number to quote, with its protocol."""
        return self.values[0]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, of schema 1."""
        ties = "score descending, then path ascending"
        return {
            "schema": SCHEMA,
            "headline": asdict(self.headline),
            **asdict(self),
            "ties": ties,
            "versions": versions(),
        }


def versions() -> dict[str, str]:
    """Of sbir, Python and what computes the numbers."""
    found = {"sbir": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
