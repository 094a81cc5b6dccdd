"""Data sets: folders of sketches and photos by class, and the published splits of them."""

from __future__ import annotations

from sbir_cli.datasets.check import Check, check
from sbir_cli.datasets.dataset import DataSet
from sbir_cli.datasets.drawing_sets import DrawingSet, read_drawings
from sbir_cli.datasets.photo_sets import PhotoSet, look_at, read_photos
from sbir_cli.datasets.published import DATASETS, Split, load_split
from sbir_cli.datasets.reading import read_dataset
from sbir_cli.datasets.splits import resolve_split

__all__ = [
    "DATASETS",
    "Check",
    "DataSet",
    "DrawingSet",
    "PhotoSet",
    "Split",
    "check",
    "load_split",
    "look_at",
    "read_dataset",
    "read_drawings",
    "read_photos",
    "resolve_split",
]
