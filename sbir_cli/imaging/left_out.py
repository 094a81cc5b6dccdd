"""What a search for photos saw and left out, counted by reason and told in one line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

_SHOWN = 5  # names of each reason


@dataclass
class LeftOut:
    """Counts of what was seen and left out."""

    formats: Counter[str] = field(default_factory=Counter)
    """Pictures of formats that are not read, by format."""
    others: Counter[str] = field(default_factory=Counter)
    """Files that are no pictures, by suffix."""
    beside: int = 0
    """RAW files beside a photo of their name."""
    hidden: int = 0
    folders: Counter[str] = field(default_factory=Counter)
    """Folders of file servers and photo software, by name."""
    links: int = 0
    """Linked folders that are not followed."""
    loops: int = 0
    """Linked folders that lead to what was read already, or back to where they are."""
    twice: int = 0
    """Links to photos that are found themselves."""
    excluded: int = 0
    """Files and folders that a pattern excludes."""
    unmatched: list[str] = field(default_factory=list)
    """Patterns that matched nothing."""

    def sentence(self) -> str:
        """All counts in one line; empty where nothing was left out."""
        software = f"of bins, snapshots and previews{_named(self.folders)}"
        files_and_folders = "files and folders"
        parts = [
            _counted(self.formats, "file", f"of formats that are not read{_named(self.formats)}"),
            _counted(self.others, "other file", _named(self.others).lstrip()),
            _counted(self.beside, "RAW file", "beside a photo of the same name"),
            _counted(self.hidden, "hidden file or folder", "", f"hidden {files_and_folders}"),
            _counted(self.folders, "folder", software),
            _counted(self.links, "linked folder", "(--follow-links reads them)"),
            _counted(self.loops, "linked folder", "that lead to what was read already"),
            _counted(self.twice, "link", "to photos that are there themselves"),
            _counted(self.excluded, "file or folder", "by --exclude", files_and_folders),
        ]
        return ", ".join(filter(None, parts))


def _counted(counts: Counter[str] | int, one: str, what: str, many: str | None = None) -> str:
    count = counts if isinstance(counts, int) else sum(counts.values())
    return f"{count:,} {one if count == 1 else many or one + 's'} {what}".rstrip() if count else ""


def _named(counter: Counter[str]) -> str:
    names = sorted(counter, key=lambda name: (-counter[name], name))[:_SHOWN]
    return f" ({', '.join(names)}{', ...' if len(counter) > _SHOWN else ''})" if names else ""
