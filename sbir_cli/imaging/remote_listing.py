"""The photos below addresses: folders, files, patterns and tar shards of remote storage."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sbir_cli.errors import SbirError
from sbir_cli.imaging.exclusion import Exclusion
from sbir_cli.imaging.folders import FoundPhotos, RemoteFile
from sbir_cli.imaging.formats import PHOTO_SUFFIXES, RAW_SUFFIXES
from sbir_cli.imaging.left_out import LeftOut
from sbir_cli.imaging.remote import (
    SHARD,
    RemotePath,
    changed_at,
    file_system,
    members_of,
    reason_of,
)

_NO_RIGHTS = ("credential", "forbidden", "denied", "unauthorized", "401", "403", "permission")


def find_remote(inputs: Iterable[str], exclude: Sequence[str] = ()) -> FoundPhotos:
    """All photos below some addresses, as `find_photos` finds them below folders; files without a
    photo's suffix are left out, and a tar shard counts as a folder.

    Raises:
        SbirError: one cannot be listed, its package is missing, or there is no photo in all.
        UsageError: there is no such kind of address, or a pattern is none.
    """
    given = list(inputs)
    scan = _Scan(Exclusion(exclude))
    for url in given:
        try:
            scan.input(url)
        except SbirError:
            raise
        except Exception as error:  # each store's client has errors of its own
            raise _cannot_be_listed(url, error) from error
    scan.left_out.unmatched = scan.exclusion.unmatched()
    if not scan.files:
        raise SbirError(
            f"no photo found{f' (left out: {said})' if (said := scan.left_out.sentence()) else ''}",
            where=", ".join(given),
            remedy="name folders or tar shards that hold JPEG, PNG, WebP or other photos",
        )
    names = sorted(scan.files, key=os.fsencode)
    return FoundPhotos(scan.inputs, names, [], scan.left_out, [], scan.files)


def _cannot_be_listed(url: str, error: Exception) -> SbirError:
    reason = reason_of(error)
    if isinstance(error, PermissionError) or any(word in reason.lower() for word in _NO_RIGHTS):
        return SbirError(
            f"may not be read ({reason})",
            where=url,
            remedy="give the rights as the store's own client takes them (AWS_PROFILE, "
            "GOOGLE_APPLICATION_CREDENTIALS, HF_TOKEN, ...)",
        )
    return SbirError(f"cannot be listed ({reason})", where=url, remedy="check the address")


@dataclass
class _Scan:
    """What was found so far."""

    exclusion: Exclusion
    inputs: list[Path] = field(default_factory=list)
    files: dict[str, RemoteFile] = field(default_factory=dict)
    left_out: LeftOut = field(default_factory=LeftOut)

    def input(self, url: str) -> None:
        """One address: a folder, a file, or a pattern of them."""
        store, path = file_system(url)
        found = store.glob(path) if any(sign in path for sign in "*?[") else [path]
        if not found:
            raise FileNotFoundError(url)
        for each in found:
            top = _address(store, each)
            self.inputs.append(top)
            facts = store.info(each)
            if facts["type"] == "directory":
                for name, entry in sorted(store.find(each, detail=True).items()):
                    self._file(_address(store, name), top, entry)
            else:
                self._file(top, top.parent, facts, named=True)

    def _file(self, path: Path, top: Path, facts: dict[str, Any], named: bool = False) -> None:
        if not named and any(part.startswith(".") for part in path.relative_to(top).parts):
            self.left_out.hidden += 1
        elif self._excluded(path, top):
            self.left_out.excluded += 1
        elif path.suffix == SHARD:
            for member in members_of(str(path)):
                if not member.name.startswith("/") and ".." not in member.name.split("/"):
                    file = RemoteFile(member.size, member.mtime_ns, member.start)
                    self._take(path / member.name, path, file)
        else:
            self._take(path, top, RemoteFile(int(facts.get("size") or 0), changed_at(facts)))

    def _take(self, path: Path, top: Path, file: RemoteFile) -> None:
        if path.suffix.lower() not in PHOTO_SUFFIXES | RAW_SUFFIXES:
            self.left_out.others[path.suffix[1:].upper() or "no suffix"] += 1
        elif file.start is not None and self._excluded(path, top):
            self.left_out.excluded += 1
        else:
            self.files[str(path)] = file

    def _excluded(self, path: Path, top: Path) -> bool:
        above = [folder for folder in path.parents if folder.is_relative_to(top) and folder != top]
        return any(self.exclusion.matches(folder, top, True) for folder in reversed(above)) or (
            self.exclusion.matches(path, top, False)
        )


def _address(store: Any, path: str) -> Path:
    return cast(Path, RemotePath(store.unstrip_protocol(path)))
