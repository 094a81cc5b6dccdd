"""Every knob, once: frozen dataclasses that check themselves. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sbir_cli.errors import UsageError

IndexType = Literal["auto", "flat", "hnsw", "ivf"]


def _require(condition: bool, option: str, rule: str) -> None:
    if not condition:
        raise UsageError(f"{option} {rule}")


@dataclass(frozen=True)
class SketchConfig:
    """How a drawing becomes the square black-on-white image that the encoder sees."""

    canvas: int = 256
    """Side in pixels of the square a vector drawing is rasterised on (at least 32)."""
    stroke_width: float = 0.022
    """Width of a vector drawing's strokes, as a share of the side (0 to 0.2)."""
    margin: float = 0.06
    """White border around a vector drawing, as a share of the side (0 to 0.4)."""
    min_contrast: int = 16
    """Smallest difference of the darkest and lightest grey (of 255) that counts as a drawing."""

    def __post_init__(self) -> None:
        _require(self.canvas >= 32, "canvas", "must be at least 32 pixels")
        _require(0 < self.stroke_width <= 0.2, "stroke width", "must be in (0, 0.2]")
        _require(0 <= self.margin <= 0.4, "margin", "must be in [0, 0.4]")
        _require(1 <= self.min_contrast <= 255, "min contrast", "must be in 1..255")


@dataclass(frozen=True)
class EmbedConfig:
    """How `embed-gallery` reads photos and hands them to the encoder."""

    batch_size: int = 64
    """Photos per forward pass (at least 1)."""
    workers: int = 2
    """Threads that decode photos ahead of the encoder (at least 1)."""
    prune: bool = False
    """Remove photos from the gallery that are no longer found under the given folders."""

    def __post_init__(self) -> None:
        _require(self.batch_size >= 1, "--batch-size", "must be at least 1")
        _require(self.workers >= 1, "--workers", "must be at least 1")


@dataclass(frozen=True)
class IndexConfig:
    """Which FAISS index holds the embeddings."""

    type: IndexType = "auto"
    """`auto`: `flat` (exact) up to `exact_limit` photos, `hnsw` above."""
    exact_limit: int = 200_000
    """Photos up to which an exact scan is fast enough (512-d: about 30 ms a query)."""
    target_recall: float = 0.95
    """recall@10 against exact search that an approximate index is tuned to (0 to 1)."""
    sample: int = 256
    """Photos whose neighbours are searched to measure that recall (at least 1)."""

    def __post_init__(self) -> None:
        _require(
            self.type in ("auto", "flat", "hnsw", "ivf"),
            "--index-type",
            "must be auto, flat, hnsw or ivf",
        )
        _require(0 < self.target_recall <= 1, "target recall", "must be in (0, 1]")
        _require(self.sample >= 1, "sample", "must be at least 1")


@dataclass(frozen=True)
class QueryConfig:
    """How many photos a query returns, and which are cut."""

    top: int = 10
    """Photos per sketch, best first (at least 1)."""
    min_score: float | None = None
    """Smallest cosine similarity that is still a hit (-1 to 1)."""
    min_share: float | None = None
    """Smallest share of the best photo's score that is still a hit (0 to 1)."""

    def __post_init__(self) -> None:
        _require(self.top >= 1, "--top", "must be at least 1")
        if self.min_score is not None:
            _require(-1 <= self.min_score <= 1, "--min-score", "must be a cosine in [-1, 1]")
        if self.min_share is not None:
            _require(0 < self.min_share <= 1, "--min-score", "as a share must be in (0 %, 100 %]")
