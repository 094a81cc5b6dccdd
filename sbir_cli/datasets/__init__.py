"""Data sets: folders of sketches and photos by class, and the published splits of them."""

from __future__ import annotations

from sbir_cli.datasets.folders import (
    DataSet,
    read_dataset,
    resolve_split,
)
from sbir_cli.datasets.published import DATASETS, Split, load_split

__all__ = [
    "DATASETS",
    "DataSet",
    "Split",
    "load_split",
    "read_dataset",
    "resolve_split",
]
