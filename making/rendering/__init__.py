"""Scenes, shapes and pens that make the example photos and sketches (not part of the package)."""
