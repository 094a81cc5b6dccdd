"""The error family: everything a user can cause is a `SbirError`, caught once, at the top."""

from __future__ import annotations


class SbirError(Exception):
    """One clear sentence: where it happened, what is wrong, and the remedy.

    Args:
        what: what is wrong, without a final full stop.
        where: the file, option or name it is about.
        remedy: what the user can do about it.
    """

    def __init__(self, what: str, *, where: object = None, remedy: str | None = None) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        place = "" if where is None else f"{where}: "
        cure = "" if remedy is None else f"; {remedy}"
        super().__init__(f"{place}{what}{cure}")


class UsageError(SbirError):
    """An option or argument that cannot be right, whatever the files hold."""


class ImageError(SbirError):
    """One image or drawing that cannot be read; a run over many counts it and goes on."""


class ModelError(SbirError):
    """A model that cannot be found, loaded or given prompts."""


class GalleryError(SbirError):
    """A gallery that is missing, damaged, locked or cannot be written."""


class MismatchError(SbirError):
    """An index and a model that do not belong together."""
