"""Whether a folder is missing because its drive is: an unmounted drive must not empty a gallery."""

from __future__ import annotations

import os
from pathlib import Path

_PLACES = ("/media", "/mnt", "/net", "/Volumes", "/run/media")
_BY_USER = ("/media", "/run/media")  # with a folder for each user in between
_TABLE = Path("/etc/fstab")


def may_be_unmounted(path: Path) -> bool:
    """Whether a path that is missing or empty is one, or lies below one, where a drive is mounted
    at other times: named in /etc/fstab, or in a folder where systems mount drives."""
    points = _mount_points()
    for place in (path, *path.parents):
        known = str(place) in points or _is_drives_place(place)
        if known and not os.path.ismount(place) and _is_empty(place):
            return True
    return False


def _is_drives_place(place: Path) -> bool:
    parents = [str(parent) for parent in place.parents[:2]]
    return parents[:1] != [] and (
        parents[0] in _PLACES or (len(parents) > 1 and parents[1] in _BY_USER)
    )


def _is_empty(place: Path) -> bool:
    try:
        with os.scandir(place) as entries:
            return next(entries, None) is None
    except OSError:  # it is not there, or is no folder that can be listed
        return True


def _mount_points() -> set[str]:
    try:
        lines = _TABLE.read_text("utf-8", "replace").splitlines()
    except OSError:
        return set()
    words = [line.split() for line in lines if not line.lstrip().startswith("#")]
    points = {each[1].replace("\\040", " ").rstrip("/") for each in words if len(each) > 1}
    return points - {"", "none", "swap"}
