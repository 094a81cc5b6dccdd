"""Drawings of nothing, which no gallery holds: what a drawing of something has to beat."""

from __future__ import annotations

from importlib.resources import files

from sbir_cli.imaging.sketches import Sketch, read_sketches


def drawings_of_nothing() -> list[Sketch]:
    """100 drawings, each of strokes of several example drawings, turned and mixed
    (`making/make_background.py`)."""
    return read_sketches("background.ndjson", background_file())


def background_file() -> bytes:
    """What they are read from, as Quick, Draw! ndjson."""
    return (files("sbir_cli") / "imaging" / "background.ndjson").read_bytes()
