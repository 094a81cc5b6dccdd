"""`milvus://HOST:PORT/COLLECTION`: which server, and which collection of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sbir_cli.errors import UsageError

SCHEMES = ("milvus:", "milvus+https:")
_DEFAULT_PORT = 19530
_COLLECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_FORMS = "milvus://HOST:PORT/COLLECTION, or milvus:///FOLDER/FILE.db/COLLECTION for Milvus Lite"


@dataclass(frozen=True)
class MilvusAddress:
    """A collection of a Milvus server, or of a Milvus Lite file; `str` leaves the password out."""

    uri: str
    """What the client connects to: `http://...`, `https://...` or Milvus Lite's path."""
    collection: str
    shown: str
    token: str = field(default="", repr=False)
    """`user:password`, or empty."""

    @classmethod
    def parse(cls, text: str) -> MilvusAddress:
        """`milvus://[USER:PASSWORD@]HOST[:PORT]/COLLECTION`, with TLS `milvus+https://...`, or an
        absolute path to a Milvus Lite file, `milvus:///FOLDER/FILE.db/COLLECTION`.

        Raises:
            UsageError: it is none.
        """
        try:
            parts = urlsplit(text)
            port = parts.port or _DEFAULT_PORT
        except ValueError as error:
            raise UsageError(f"`{_without_password(text)}` is no address ({error})") from error
        place, _, collection = unquote(parts.path).rpartition("/")
        wrong = not _COLLECTION.fullmatch(collection) or parts.query or parts.fragment
        if parts.hostname is None:
            if wrong or parts.netloc or not place.startswith("/") or not place.endswith(".db"):
                raise _no_address(text)
            path = f"/{place.lstrip('/')}"
            return cls(path, collection, f"milvus://{path}/{collection}")
        if wrong or place:
            raise _no_address(text)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        scheme = "https" if parts.scheme == "milvus+https" else "http"
        token = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        return cls(
            f"{scheme}://{host}:{port}",
            collection,
            f"{parts.scheme}://{host}:{port}/{collection}",
            "" if token == ":" else token,
        )

    @property
    def lite(self) -> Path | None:
        """The path of Milvus Lite's file, which is a folder since its version 3."""
        return Path(self.uri) if self.uri.startswith("/") else None

    def __str__(self) -> str:
        return self.shown


def _no_address(text: str) -> UsageError:
    return UsageError(
        f"`{_without_password(text)}` is no address of a Milvus collection",
        remedy=f"write {_FORMS}; a collection's name is made of letters, digits and _",
    )


def _without_password(text: str) -> str:
    return re.sub(r"//[^/]*@", "//", text)
