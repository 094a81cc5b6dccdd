"""Photos in remote storage, by fsspec (`s3://`, `gs://`, `hf://`), and members of tar shards."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, cast
from urllib.parse import quote

from sbir_cli.errors import ImageError, SbirError, UsageError

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/")
_LOCAL = "file"
SHARD = ".tar"
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")
_TAGS = ("ETag", "etag", "blob_id", "checksum", "md5Hash")


class RemotePath(PurePosixPath):
    """An address such as `s3://bucket/photos/a.jpg`, used as a path is; a shard is a folder of its
    members, `s3://bucket/000.tar/a.jpg`."""

    def __str__(self) -> str:
        scheme, _, rest = super().__str__().partition(":/")
        return f"{scheme}:///{rest}" if scheme == _LOCAL else f"{scheme}://{rest}"

    def __fspath__(self) -> str:
        return str(self)

    def as_uri(self) -> str:
        """The address, ready for a link."""
        return quote(str(self), safe="/:")

    def absolute(self) -> RemotePath:
        """Itself."""
        return self

    def exists(self) -> bool:
        """Taken for granted: a search makes no request that nobody asked for."""
        return True

    def is_dir(self) -> bool:
        """Whether its name is not that of a file; a shard holds files."""
        return self.suffix in ("", SHARD)

    def read_bytes(self) -> bytes:
        """What it holds.

        Raises:
            ImageError: it cannot be read.
        """
        shard = shard_of(self)
        if shard is None:
            with _reading(self):
                files, path = file_system(str(self))
                return bytes(files.cat_file(path))
        member = self._member(shard)
        return member_bytes(self, member.start, member.size)

    def stat(self) -> Status:
        """Its size and time, by a request.

        Raises:
            FileNotFoundError: it is not there, or cannot be asked for.
        """
        shard = shard_of(self)
        try:
            if shard is not None:
                member = self._member(shard)
                return Status(member.size, member.mtime_ns)
            files, path = file_system(str(self))
            facts = files.info(path)
        except Exception as error:  # each store's client has errors of its own
            raise FileNotFoundError(str(self)) from error
        return Status(int(facts.get("size") or 0), changed_at(facts))

    def _member(self, shard: RemotePath) -> Member:
        name = str(self)[len(str(shard)) + 1 :]
        found = next((each for each in _members(str(shard)) if each.name == name), None)
        if found is None:
            raise ImageError("no such file in the shard")
        return found


@dataclass(frozen=True)
class Status:
    """What `os.stat` would tell of a file, as far as it is needed."""

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True)
class Member:
    """A file in a tar shard."""

    name: str
    start: int
    size: int
    mtime_ns: int


def member_bytes(path: PurePath, start: int, size: int) -> bytes:
    """What a member of a shard holds, by its place there.

    Raises:
        ImageError: it cannot be read.
    """
    with _reading(path):
        files, shard = file_system(str(shard_of(path)))
        return bytes(files.cat_file(shard, start=start, end=start + size))


def is_remote(text: object) -> bool:
    """Whether it begins as an address does."""
    return bool(_ADDRESS.match(str(text)))


def root_path(text: str | Path) -> Path:
    """A folder's path, or its address, as other code uses paths."""
    return cast(Path, RemotePath(text)) if is_remote(text) else Path(text)


def shard_of(path: Any) -> RemotePath | None:
    """The tar shard that an address leads into, if it does."""
    parents = path.parents if isinstance(path, RemotePath) else ()
    return next((above for above in parents if above.suffix == SHARD), None)


def file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system for an address, and the path there.

    Raises:
        UsageError: there is no such kind of address.
        SbirError: its package is not installed.
    """
    import fsspec

    try:
        return cast("tuple[Any, str]", fsspec.url_to_fs(url))
    except ImportError as error:
        raise SbirError(
            f"needs an extra ({error})", where=url, remedy="pip install 'sbir[remote]'"
        ) from error
    except ValueError as error:
        raise UsageError(
            f"{url}: {error}; name a folder, or an address such as s3://BUCKET/FOLDER"
        ) from error


@lru_cache(maxsize=8)
def _members(shard: str) -> tuple[Member, ...]:
    return tuple(members_of(shard))


def members_of(shard: str) -> Iterator[Member]:
    """The files in a shard, which is read through once.

    Raises:
        OSError, tarfile.TarError: it cannot be read.
    """
    import tarfile

    files, path = file_system(shard)
    with files.open(path, "rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            if member.isfile():
                name, nanoseconds = member.name.removeprefix("./"), int(member.mtime * 1e9)
                yield Member(name, member.offset_data, member.size, nanoseconds)


def changed_at(facts: Mapping[str, Any]) -> int:
    """When a file was changed, in nanoseconds, by what its store tells; else a number that differs
    for another content."""
    for name in _TIMES:
        value = facts.get(name)
        if isinstance(value, datetime):
            return int(value.timestamp() * 1e6) * 1000
        if isinstance(value, (int, float)):
            return int(value * 1e9)
    tags = "".join(str(facts[name]) for name in (*_TAGS, *_TIMES) if facts.get(name))
    return int.from_bytes(hashlib.sha256(tags.encode()).digest()[:7], "big")


@contextmanager
def _reading(path: object) -> Iterator[None]:
    try:
        yield
    except (SbirError, ImageError):
        raise
    except Exception as error:  # each store's client has errors of its own
        raise ImageError(f"cannot be fetched ({reason_of(error)})") from error


def reason_of(error: BaseException) -> str:
    """A client's error in a few words."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
