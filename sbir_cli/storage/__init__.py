"""Whole or no files, lock files, and what ships with the package. Standard library and filelock."""
