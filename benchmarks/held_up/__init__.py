"""Drawings as people hold them up: pages, surroundings, light and a camera, all seeded."""
