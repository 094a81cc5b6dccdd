"""The photos of folders as people have them, and a count of everything that is left out."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sbir_cli.errors import ImageError, SbirError
from sbir_cli.imaging.drives import may_be_unmounted
from sbir_cli.imaging.exclusion import Exclusion
from sbir_cli.imaging.formats import FOREIGN_SUFFIXES, PHOTO_SUFFIXES, RAW_SUFFIXES, format_of
from sbir_cli.imaging.left_out import LeftOut
from sbir_cli.imaging.remote import root_path
from sbir_cli.imaging.software_folders import is_software_folder

_NEVER = frozenset(
    {
        *(".json", ".xmp", ".aae", ".txt", ".md", ".html", ".htm", ".xml", ".csv", ".tsv", ".ini"),
        *(".db", ".sqlite", ".faiss", ".log", ".py", ".js", ".css", ".zip", ".gz", ".tar", ".7z"),
        *(".mp4", ".mov", ".avi", ".mkv", ".m4v", ".3gp", ".mts", ".m2ts", ".mpg", ".webm", ".wmv"),
        *(
            ".mp3",
            ".wav",
            ".m4a",
            ".flac",
            ".ogg",
            ".thm",
            ".lrv",
            ".doc",
            ".docx",
            ".xls",
            ".xlsx",
        ),
        *(".ppt", ".pptx", ".gpx", ".kml", ".dop", ".pp3", ".cos", ".nks", ".exe", ".dll", ".rar"),
        *(".ndjson", ".jsonl", ".npy", ".pt", ".safetensors", ".lrcat"),
    }
)
"""Names that are not looked into: what lies beside photos, and would cost a file server a read."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that is not on this machine, as its store lists it."""

    size: int
    mtime_ns: int
    start: int | None = None
    """Where it begins in its tar shard, if it lies in one."""


@dataclass(frozen=True)
class FoundPhotos:
    """The photo files below some inputs."""

    inputs: list[Path]
    """What was searched, absolute."""
    names: list[str]
    """Absolute paths in byte order, without repeats; as text, since there may be millions."""
    unreadable: list[tuple[Path, str]]
    """Folders that could not be listed, and why."""
    left_out: LeftOut = field(default_factory=LeftOut)
    gone: list[Path] = field(default_factory=list)
    """Inputs that are not there any more."""
    remote: Mapping[str, RemoteFile] = field(default_factory=dict)
    """Of the photos in remote storage, what the store says of each."""

    @property
    def paths(self) -> list[Path]:
        """The names as paths."""
        return list(map(root_path, self.names))


def find_photos(
    inputs: Iterable[Path],
    exclude: Sequence[str] = (),
    *,
    follow_links: bool = False,
    allow_gone: bool = False,
) -> FoundPhotos:
    """All photo files in `inputs`: files as they are named, folders recursively.

    Below a folder, names with a photo's suffix count, and files without a known suffix that begin
    like a photo. Left out and counted are hidden files and folders, bins and thumbnails of file
    servers and photo software, a RAW file beside a photo of its name, and what `exclude` matches.

    Args:
        exclude: patterns as in .gitignore, below each folder, or absolute.
        follow_links: go into linked folders too, each once; else they are counted.
        allow_gone: accept an input that is not there where the folder that held it is.

    Raises:
        SbirError: an input does not exist, or there is no photo in all of them.
        UsageError: a pattern is none.
    """
    given = list(inputs)
    tops = [Path(os.path.abspath(path)) for path in given]
    scan = _Scan(Exclusion(exclude), follow_links)
    gone: list[Path] = []
    for top in tops:
        try:
            kind = top.stat().st_mode
        except OSError as error:
            if not (allow_gone and isinstance(error, FileNotFoundError)):
                reason = (error.strerror or "cannot be read").lower()
                raise SbirError(reason, where=top, remedy="check the name") from error
            _require_parent(top)
            gone.append(top)
            continue
        if scan.exclusion.matches(top, top.parent, stat.S_ISDIR(kind)):
            scan.left_out.excluded += 1
        elif stat.S_ISDIR(kind):
            scan.folder(top)
        else:
            scan.names.add(str(top))
    scan.finish()
    scan.left_out.unmatched = scan.exclusion.unmatched()
    names = sorted(scan.names, key=os.fsencode)
    if not names and not gone:
        raise _nothing(given, scan)
    return FoundPhotos(tops, names, scan.unreadable, scan.left_out, gone)


def _require_parent(top: Path) -> None:
    """Refuse a missing input whose drive may be missing: its photos must not leave the gallery."""
    if not top.parent.is_dir() or may_be_unmounted(top):
        raise SbirError(
            "is not there, and its drive may not be mounted",
            where=top,
            remedy="mount it, or name the folder above it that is there",
        )


def _nothing(given: list[Path], scan: _Scan) -> SbirError:
    why = [f"{path}: {reason}" for path, reason in scan.unreadable[:1]]
    left_out = scan.left_out.sentence()
    why += [f"left out: {left_out}"] if left_out else []
    return SbirError(
        f"no photo found ({'; '.join(why)})" if why else "no photo found",
        where=", ".join(map(str, given)),
        remedy="name folders that hold JPEG, PNG, WebP, TIFF, BMP, GIF or AVIF files",
    )


class _Scan:
    """A walk through folders, links last: what lies in them itself has the better path."""

    def __init__(self, exclusion: Exclusion, follow_links: bool) -> None:
        self.exclusion, self.follow_links = exclusion, follow_links
        self.names: set[str] = set()
        self.unreadable: list[tuple[Path, str]] = []
        self.left_out = LeftOut()
        self._seen: set[tuple[int, int]] = set()
        self._linked_folders: list[tuple[Path, Path]] = []
        self._linked_files: set[str] = set()

    def folder(self, top: Path, start: Path | None = None) -> None:
        """Everything below a folder that was given, or below a linked one (`start`) in it."""
        waiting = [top if start is None else start]
        while waiting:
            folder = waiting.pop()
            try:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in self._seen:
                    continue
                self._seen.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as found:
                    entries = list(found)
            except OSError as error:
                self.unreadable.append((folder, error.strerror or "cannot be listed"))
                continue
            if not entries and folder == top and may_be_unmounted(top):
                self.unreadable.append((top, "is empty, and its drive may not be mounted"))
            waiting += [path for entry in entries if (path := self._entry(entry, top))]

    def _entry(self, entry: os.DirEntry[str], top: Path) -> Path | None:
        """Take or count one entry; returns it where it is a folder to go into."""
        name = entry.name
        folder = _is_folder(entry)
        if self.exclusion.matches(entry.path, top, folder):
            self.left_out.excluded += 1
        elif name.startswith("."):
            self.left_out.hidden += 1
        elif not folder:
            self._file(entry)
        elif is_software_folder(name, Path(entry.path).parent.name):
            self.left_out.folders[name] += 1
        elif _is_link(entry):
            self._linked_folders.append((Path(entry.path), top))
        else:
            return Path(entry.path)
        return None

    def _file(self, entry: os.DirEntry[str]) -> None:
        suffix = _suffix(entry.name)
        if suffix in PHOTO_SUFFIXES or suffix in RAW_SUFFIXES or _begins_like_photo(entry):
            (self._linked_files if entry.is_symlink() else self.names).add(entry.path)
        elif suffix in FOREIGN_SUFFIXES:
            self.left_out.formats[suffix[1:].upper()] += 1
        else:
            self.left_out.others[suffix[1:].upper() or "no suffix"] += 1

    def finish(self) -> None:
        """Links and RAW files, which depend on what else was found."""
        while self.follow_links and self._linked_folders:
            self._linked_folders.sort()
            path, top = self._linked_folders.pop(0)
            status = os.stat(path)
            known = (status.st_dev, status.st_ino) in self._seen
            if known or Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(path)):
                self.left_out.loops += 1
            else:
                self.folder(top, path)
        self.left_out.links = len(self._linked_folders)
        real = {os.path.realpath(name) for name in self.names} if self._linked_files else set()
        for name in sorted(self._linked_files, key=os.fsencode):
            target = os.path.realpath(name)
            self.left_out.twice += target in real
            if target not in real:
                self.names.add(name)
            real.add(target)
        self._leave_out_raws()

    def _leave_out_raws(self) -> None:
        """Of the files of one picture only one: what the camera or the user developed, else the
        first RAW."""
        ends = tuple(RAW_SUFFIXES)
        raws = sorted(Path(name) for name in self.names if name.lower().endswith(ends))
        if not raws:
            return
        others = map(Path, self.names - set(map(str, raws)))
        taken = {(path.parent, path.stem.casefold()) for path in others}
        for path in raws:
            stem, whole = (path.parent, path.stem.casefold()), (path.parent, path.name.casefold())
            if stem in taken or whole in taken:
                self.names.discard(str(path))
                self.left_out.beside += 1
            taken.add(stem)


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def _is_link(entry: os.DirEntry[str]) -> bool:
    junction = getattr(entry, "is_junction", None)  # Windows, since Python 3.12
    return entry.is_symlink() or (junction is not None and bool(junction()))


def _begins_like_photo(entry: os.DirEntry[str]) -> bool:
    """Whether a file of no known suffix is a photo: by its first bytes."""
    suffix = _suffix(entry.name)
    if suffix in _NEVER or suffix in FOREIGN_SUFFIXES:
        return False
    try:
        if not entry.is_file():
            return False
        with Path(entry.path).open("rb") as file:
            format_of(file)
    except (ImageError, OSError):
        return False
    return True
