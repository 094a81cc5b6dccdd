"""Photos into a gallery: incremental, resumable after any kill, atomic.

1. Scan the folders and compare size and modification time with the gallery: what to embed.
2. Embed it in batches; each batch goes into the journal in one transaction.
3. Write the new index and database beside the old ones, then rename the database (the commit)
   and the index, and delete the journal.

Photos are kept in the order of their paths, so a run that was interrupted and resumed writes the
same bytes as one that was not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast

from sbir_cli.config import EmbedConfig, IndexConfig, IndexType
from sbir_cli.embedding import Progress
from sbir_cli.encoder import PhotoEncoder, load_encoder, load_photo_graph
from sbir_cli.encoder.loading import LoadEncoder, MakeEncoder
from sbir_cli.errors import UsageError
from sbir_cli.gallery.home import FileHome, Home
from sbir_cli.gallery.milvus.address import MilvusAddress
from sbir_cli.gallery.places import Place, place_of
from sbir_cli.gallery.previous import PreviousGallery
from sbir_cli.gallery.run import Introduce, UpdateReport, UpdateRun
from sbir_cli.gallery.timings import Timings, timed
from sbir_cli.imaging.images import FoundPhotos, find_photos
from sbir_cli.imaging.remote import is_remote, root_path
from sbir_cli.imaging.remote_listing import find_remote


def embed_gallery(
    photos: str | Path | Iterable[str | Path],
    index: str | Place,
    *,
    model: str | None = None,
    device: str = "auto",
    exclude: Sequence[str] = (),
    follow_links: bool = False,
    embed: EmbedConfig | None = None,
    storage: IndexConfig | None = None,
    root: Path | None = None,
    portable: bool | None = None,
    rebuild: bool = False,
    introduce: Introduce = lambda encoder: None,
    progress: Progress = lambda done, total: None,
    timings: Timings | None = None,
) -> UpdateReport:
    """Embed photos into the gallery at `index`, or update it; what is not said stays as it is.

    Args:
        photos: photo files and folders, which are searched recursively; or addresses of remote
            storage, see `find_remote`.
        index: the index file, whose database lies beside it, or `milvus://HOST:PORT/COLLECTION`.
        model: see `load_encoder`. None: the model that made the gallery (which is not downloaded),
            or the bundled one for a new gallery.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        exclude, follow_links: see `find_photos`.
        introduce: told the encoder before it begins to embed.
        embed, storage, root, portable, rebuild, progress, timings: see `update_gallery`.

    Raises:
        SbirError: as `find_photos`, `load_encoder` and `update_gallery`.
    """
    place = place_of(index)
    home = home_of(place)
    given = [photos] if isinstance(photos, (str, Path)) else list(photos)
    if "" in given:  # an unset variable of the shell would mean the working folder
        raise UsageError("the name of a photo or folder is empty; name what to embed")
    home.require_target()
    kept = home.stored_manifest(rebuild)
    embed = embed or EmbedConfig()
    remote = [str(each) for each in given if is_remote(each)]
    if remote and len(remote) < len(given):
        raise UsageError(
            "photos here and in remote storage share no folder; make a gallery of each"
        )
    wanted = model or (kept.encoder if kept else None)
    download = model is not None

    def graph() -> PhotoEncoder | None:
        with timed(timings, "load"):
            return None if embed.ray else load_photo_graph(wanted, device, download)

    with ThreadPoolExecutor(1) as beside:  # a large folder takes as long as a graph
        loading = beside.submit(graph)
        with timed(timings, "scan"):
            if remote:
                found = find_remote(remote, exclude)
            else:
                found = find_photos(
                    map(Path, given), exclude, follow_links=follow_links, allow_gone=embed.prune
                )
    light = loading.result()
    with timed(timings, "load"):
        encoder = light or load_encoder(wanted, device, download)
    return update_gallery(
        place,
        found,
        encoder,
        embed=embed,
        storage=storage,
        root=root,
        portable=portable,
        rebuild=rebuild,
        # each process of a cluster sees the GPU that is its own, whatever its number is here
        make_encoder=LoadEncoder(encoder.name, device.partition(":")[0], download),
        for_many=LoadEncoder(encoder.name, device, download) if light else None,
        introduce=introduce,
        progress=progress,
        timings=timings,
    )


def update_gallery(
    index: str | Place,
    found: FoundPhotos,
    encoder: PhotoEncoder,
    *,
    embed: EmbedConfig | None = None,
    storage: IndexConfig | None = None,
    root: Path | None = None,
    portable: bool | None = None,
    rebuild: bool = False,
    make_encoder: MakeEncoder | None = None,
    for_many: MakeEncoder | None = None,
    introduce: Introduce = lambda encoder: None,
    progress: Progress = lambda done, total: None,
    timings: Timings | None = None,
) -> UpdateReport:
    """Make or update the gallery at `index` by an encoder at hand.

    Args:
        index: see `embed_gallery`.
        found: the photos, from `images.find_photos`.
        encoder: embeds (N, 3, H, W) float32 pixels as (N, D) unit vectors.
        storage: which index; without a type in it the gallery's own, `auto` for a new one.
        root: folder that paths are stored relative to (default: the folder that holds all inputs;
            for a gallery that exists, the folder where its photos are now).
        portable: leave out where the root was on this machine, for a gallery that is given away.
            None: as the gallery is.
        rebuild: embed everything anew and keep none of the gallery's photos.
        make_encoder: loads the encoder again on other machines, for `EmbedConfig.ray` (None: the
            encoder at hand is sent to them).
        for_many: loads an encoder that starts later and embeds faster than the one at hand, where
            there is one.
        introduce: told which of them embeds.
        progress: told after every batch.
        timings: filled, where one wants to know what takes how long on this machine.

    Raises:
        SbirError: no photo could be read, the target cannot be written, or another run is at work.
        MismatchError: the gallery was embedded by another encoder.
    """
    home = home_of(place_of(index))
    home.require_target()
    with home.writing(encoder, rebuild):
        kept = home.stored_manifest(rebuild)
        storage = storage or IndexConfig()
        own = cast(IndexType, kept.index_choice) if kept else "auto"
        if portable is None:
            portable = kept is not None and kept.root_absolute is None
        with timed(timings, "scan"):
            before = PreviousGallery() if rebuild else home.previous(encoder)
        place, before = _place(before, found, root)
        run = UpdateRun(
            home=home,
            root=place,
            found=found,
            before=before,
            encoder=encoder,
            embed=embed or EmbedConfig(),
            storage=replace(storage, type=storage.type or own),
            portable=portable,
            make_encoder=make_encoder,
            for_many=for_many,
            introduce=introduce,
            timings=timings,
        )
        return run.update(progress)


def home_of(place: Place) -> Home:
    """Where an update writes the gallery of that place."""
    if isinstance(place, MilvusAddress):
        from sbir_cli.gallery.milvus.home import CollectionHome

        return CollectionHome(place)
    return FileHome(place)


def _place(
    before: PreviousGallery, found: FoundPhotos, root: Path | None
) -> tuple[Path, PreviousGallery]:
    """The folder that paths are relative to, and the gallery as it was with its paths below it."""
    there = before.photos_found or bool(found.gone)  # what is gone is to leave the gallery
    if root is None and before.manifest is not None and not there:
        raise UsageError(
            f"none of the gallery's photos is below {before.root} any more",
            remedy="give --root where they are now, or --rebuild to embed PHOTOS alone",
        )
    folders = [path if path.is_dir() else path.parent for path in found.inputs]
    try:
        above = os.path.commonpath([*folders, before.root] if before.manifest else folders)
    except ValueError as error:  # two drives
        raise UsageError("the photos share no folder; make one gallery per drive") from error
    place = root_path(above if root is None else root).absolute()
    return place, before.rooted_at(place, there) if before.manifest else before
