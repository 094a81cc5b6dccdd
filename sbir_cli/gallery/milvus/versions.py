"""Which collection is the gallery: the one that the alias names, once it was filled to the end.

`COLLECTION` is an alias of `COLLECTION_v1`; with `--rebuild` of `COLLECTION_v2`, and so on. So a
gallery that is made or rebuilt is not seen before it is whole, and a run that was interrupted
finds what it had done.
"""

from __future__ import annotations

import re
from typing import Any

from sbir_cli.errors import GalleryError
from sbir_cli.gallery.manifest import Manifest, manifest_of
from sbir_cli.gallery.milvus.address import MilvusAddress
from sbir_cli.gallery.milvus.collection import Collection, answering, connect

Notes = dict[str, Any]


def client_for_reading(address: MilvusAddress) -> Any:
    """A client; a Milvus Lite file that is not there is not made.

    Raises:
        GalleryError: there is no such file, or the server does not answer.
    """
    if address.lite is not None and not address.lite.exists():
        raise no_gallery(address)
    return connect(address)


def committed(client: Any, address: MilvusAddress) -> Collection | None:
    """The collection that is the gallery, if there is one.

    Raises:
        GalleryError: the name is that of a collection which sbir did not make.
    """
    from pymilvus.exceptions import MilvusException

    with answering(address):
        if not client.has_collection(address.collection):
            return None
    try:
        name = client.describe_alias(address.collection)["collection_name"]
    except MilvusException as error:
        raise foreign(address) from error
    return Collection(client, address, name)


def begun(client: Any, address: MilvusAddress) -> list[int]:
    """Numbers of the collections that were made for this gallery, rising."""
    with answering(address):
        names = client.list_collections()
    pattern = re.compile(re.escape(address.collection) + r"_v(\d+)")
    return sorted(int(found[1]) for name in names if (found := pattern.fullmatch(name)))


def manifest_from(collection: Collection, notes: Notes) -> Manifest:
    """The manifest among a collection's notes.

    Raises:
        GalleryError: it is not complete, or says another dimension than the collection has.
    """
    if not notes:
        raise foreign(collection.address)
    manifest = manifest_of(notes, collection.address, collection.damaged)
    if notes["vector"] != manifest.dimension:
        raise collection.damaged(f"its vectors have {notes['vector']} numbers")
    return manifest


def foreign(address: MilvusAddress) -> GalleryError:
    """The error for a collection that sbir did not make."""
    return GalleryError(
        "is a collection that sbir did not make",
        where=address,
        remedy="choose another name for the collection",
    )


def no_gallery(address: MilvusAddress) -> GalleryError:
    """The error where no gallery is."""
    return GalleryError(
        "no such gallery",
        where=address,
        remedy=f"make it with `sbir embed-gallery PHOTOS -o {address}`",
    )


def unfinished(address: MilvusAddress) -> GalleryError:
    """The error for a gallery that was never whole."""
    return GalleryError(
        "the gallery was not embedded to its end",
        where=address,
        remedy="run the same `sbir embed-gallery` again; it goes on where it stopped",
    )
