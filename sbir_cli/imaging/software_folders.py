"""Folders that hold no photo of their own: bins, snapshots, thumbnails and previews."""

from __future__ import annotations

import re

SKIPPED_FOLDERS = frozenset(
    {
        # file servers: Synology, QNAP, Asustor, NetApp, Buffalo
        *("@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@snapshot"),
        *("@tmp", "@sharebin", "@sharesnap", "@transcode", "@__thumb", "~snapshot", "trashbox"),
        *("@appstore", "@upload_cache", "@metadata", "@trash", "network trash folder"),
        # systems
        *("$recycle.bin", "recycler", "recycled", "system volume information", "lost+found"),
        *("__macosx", "temporary items"),
        # photo software
        *("captureone", "files_trashbin", "files_versions", "ipod photo cache", "thumbnails"),
    }
)
_SOFTWARE = re.compile(
    r".*\.(lrdata|lrcat-data|cocatalog|cocatalogdb|thumbs|thumbnails)"
    r"|(adobe )?lightroom.*previews.*|appdata_\w+|[@#](eadir|snapshot|recycle).*|found\.\d{3}"
)
_LIBRARY = re.compile(r".*\.(photoslibrary|photolibrary|aplibrary|migratedphotolibrary)")
_ORIGINALS = frozenset({"originals", "masters"})


def is_software_folder(name: str, parent: str = "") -> bool:
    """Whether a folder of this name is a file server's or a photo program's own.

    Of an Apple photo library, which is a folder too, only the originals are photos.

    Args:
        parent: the name of the folder that it lies in.
    """
    lower = name.casefold()
    if _LIBRARY.fullmatch(parent.casefold()):
        return lower not in _ORIGINALS
    return lower in SKIPPED_FOLDERS or _SOFTWARE.fullmatch(lower) is not None
