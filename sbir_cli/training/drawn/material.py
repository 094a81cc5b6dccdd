"""What is learned from: photos as embeddings and packed drawings, named drawings packed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as serialise

from sbir_cli.config import TrainConfig
from sbir_cli.datasets import DrawingSet, PhotoSet
from sbir_cli.embedding import Embeddings, photo_image
from sbir_cli.errors import ImageError, SbirError
from sbir_cli.imaging.decoding import decode_ahead
from sbir_cli.imaging.images import read_photo
from sbir_cli.imaging.preprocess import Bytes, Pixels
from sbir_cli.imaging.sketches import read_sketches
from sbir_cli.storage.files import write_file
from sbir_cli.training.drawn.ink import PACKED, drawn_ink, pack, photo_drawings, unpack

if TYPE_CHECKING:
    from sbir_cli.encoder.torch_encoder import PromptedEncoder
    from sbir_cli.training.loop import Watcher

MADE = "drawings.safetensors"
"""What was made of the photos, for as long as a run is not done."""
_BATCH = 64
_SHOWN = 320  # pixels of a photo that is shown beside its drawings
_REMEDY = "make room or choose another --output, and go on with --resume"
_NO_LINES = "there is nothing to draw in it"

Result = TypeVar("Result")
Left = list[tuple[Path, str]]
"""What was left out, and why."""


@dataclass(frozen=True)
class Photos:
    """The photos that could be read and drawn, P of them."""

    files: PhotoSet
    embeddings: Embeddings
    """(P, D) of the plain model."""
    drawings: Bytes
    """(P, K, PACKED), K of each."""


@dataclass(frozen=True)
class Named:
    """The named drawings that could be read, N of them."""

    files: DrawingSet
    drawings: Bytes
    """(N, PACKED)."""


def seed_of(photo: Path, root: Path, seed: int) -> list[int]:
    """What decides a photo's drawings: the run's seed and the photo's place below the root."""
    return [seed, zlib.crc32(photo.relative_to(root).as_posix().encode("utf-8", "surrogateescape"))]


def per_photo(photos: PhotoSet, config: TrainConfig) -> int:
    """Drawings of each photo: as many as asked for, or as fit into the memory."""
    room = int(config.memory * 1e9) // (PACKED * max(1, len(photos.photos)))
    return max(1, min(config.drawings_per_photo, room))


def draw_photos(
    photos: PhotoSet, encoder: PromptedEncoder, config: TrainConfig, watch: Watcher
) -> tuple[Photos, Left]:
    """Embed each photo once by the plain model and draw it, in one reading of its file.

    Raises:
        SbirError: none can be read and drawn.
    """
    count, left = per_photo(photos, config), Left()
    kept: list[int] = []
    embedded: list[Embeddings] = []
    drawn: list[Bytes] = []

    def read(i: int) -> tuple[Pixels, Bytes]:
        image = photo_image(photos.photos[i], encoder.preprocess)
        seed = seed_of(photos.photos[i], photos.root, config.seed)
        made = photo_drawings(image, count, seed)
        if made is None:
            raise ImageError(_NO_LINES)
        return encoder.preprocess(image), made

    total = len(photos.photos)
    for batch, results in decode_ahead(_batches(total), read, config.workers):
        good = _good(batch, results, photos.photos, left)
        kept += [i for i, _ in good]
        drawn += [made for _, (_, made) in good]
        if good:
            embedded.append(encoder.encode_photos(np.stack([pixels for _, (pixels, _) in good])))
        watch("drawing", batch[-1] + 1, total, {})
    if not kept:
        raise SbirError(f"none of its photos can be drawn (first: {left[0][1]})", where=photos.root)
    return Photos(photos.keep(kept), np.concatenate(embedded), np.stack(drawn)), left


def sample(
    photos: PhotoSet, config: TrainConfig, count: int, left: Left
) -> list[tuple[Image.Image, Bytes]]:
    """Some of the photos, drawn by the seed, each with the ink of its drawings, (K, SIDE, SIDE);
    what cannot be drawn is added to `left`.

    Raises:
        SbirError: none of the first ones can be.
    """
    rows: list[tuple[Image.Image, Bytes]] = []
    order = np.random.default_rng([config.seed, 6]).permutation(len(photos.photos))
    for i in order[: 4 * count]:
        path = photos.photos[i]
        try:
            image = read_photo(path, reduce_to=_SHOWN)
        except ImageError as error:
            left.append((path, error.what))
            continue
        made = photo_drawings(
            image, config.drawings_per_photo, seed_of(path, photos.root, config.seed)
        )
        if made is None:
            left.append((path, _NO_LINES))
        else:
            rows.append((image, unpack(made)))
        if len(rows) == count:
            break
    if not rows:
        raise SbirError(f"none of its photos can be drawn (first: {left[0][1]})", where=photos.root)
    return rows


def read_named(drawings: DrawingSet, config: TrainConfig, watch: Watcher) -> tuple[Named, Left]:
    """Read each named drawing once.

    Raises:
        SbirError: none can be read.
    """
    left = Left()
    kept: list[int] = []
    read: list[Bytes] = []

    def ink(i: int) -> Bytes:
        name = str(drawings.drawings[i])
        sketch = next(iter(read_sketches(name, drawings.read(i))))
        return pack(drawn_ink(sketch.image))

    total = len(drawings.drawings)
    for batch, results in decode_ahead(_batches(total), ink, config.workers):
        good = _good(batch, results, drawings.drawings, left)
        kept += [i for i, _ in good]
        read += [packed for _, packed in good]
        watch("reading drawings", batch[-1] + 1, total, {})
    if not kept:
        raise SbirError(
            f"none of its drawings can be read (first: {left[0][1]})", where=drawings.root
        )
    return Named(drawings.keep(kept), np.stack(read)), left


def save_photos(path: Path, made: Photos, left: Left, identity: dict[str, Any]) -> None:
    """Keep them for a run that goes on after a kill; `identity` is what they depend on."""
    tensors: dict[str, npt.NDArray[Any]] = {
        "embeddings": made.embeddings,
        "drawings": made.drawings,
    }
    names = [str(photo) for photo in made.files.photos]
    facts = {"identity": identity, "photos": names, "left": [[str(p), why] for p, why in left]}
    write_file(path, serialise(tensors, metadata={"facts": json.dumps(facts)}), _REMEDY)


def load_photos(
    path: Path, photos: PhotoSet, identity: dict[str, Any]
) -> tuple[Photos, Left] | None:
    """What `save_photos` wrote, or None where it is not there or of something else."""
    try:
        with safe_open(path, "np") as file:
            facts = json.loads(file.metadata()["facts"])
            embeddings, drawings = (file.get_tensor(k) for k in ("embeddings", "drawings"))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    row = {str(photo): i for i, photo in enumerate(photos.photos)}
    if facts["identity"] != identity or not row.keys() >= set(facts["photos"]):
        return None
    kept = photos.keep([row[name] for name in facts["photos"]])
    return Photos(kept, embeddings, drawings), [(Path(p), why) for p, why in facts["left"]]


def _batches(count: int) -> list[range]:
    return [range(count)[i : i + _BATCH] for i in range(0, count, _BATCH)]


def _good(
    batch: Sequence[int], results: list[Result | ImageError], paths: list[Path], left: Left
) -> list[tuple[int, Result]]:
    """What came out well, with its number; the rest is added to `left`."""
    found = []
    for i, result in zip(batch, results, strict=True):
        if isinstance(result, ImageError):
            left.append((paths[i], result.what))
        else:
            found.append((i, result))
    return found
