"""Images to 8-bit pixels at the model's size: decoded once and held, as far as memory goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbir_cli.datasets import DataSet
from sbir_cli.embedding import Progress, photo_image
from sbir_cli.errors import ImageError, SbirError
from sbir_cli.imaging.decoding import decode_ahead
from sbir_cli.imaging.preprocess import Bytes, Preprocess
from sbir_cli.imaging.sketches import read_sketch

Decode = Callable[[Path], Bytes]

_CHUNK = 256  # images decoded ahead of being stored


class Images:
    """The readable ones of some image files.

    Args:
        paths: the files, each of which was decoded once without error.
        decode: a file to (3, H, W) uint8.
        held: the pixels of the first files.
        pool: threads that decode the others when they are asked for.
    """

    def __init__(
        self, paths: list[Path], decode: Decode, held: Bytes, pool: ThreadPoolExecutor
    ) -> None:
        self._paths, self._decode, self._held, self._pool = paths, decode, held, pool
        self._rows = np.arange(len(paths))

    def __len__(self) -> int:
        return len(self._rows)

    def only(self, paths: list[Path]) -> Images:
        """These files, in this order; the pixels are not copied."""
        part = Images(self._paths, self._decode, self._held, self._pool)
        row = {path: i for i, path in enumerate(self._paths)}
        part._rows = np.array([row[path] for path in paths], dtype=np.int64)
        return part

    def take(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> Bytes:
        """(N, 3, H, W) uint8.

        Raises:
            ImageError: a file that could be read before cannot be read any more.
        """
        wanted = self._rows[np.asarray(indices)]
        held = wanted < len(self._held)
        pixels = np.empty((len(wanted), *self._held.shape[1:]), np.uint8)
        pixels[held] = self._held[wanted[held]]
        rest = np.flatnonzero(~held)
        paths = [self._paths[i] for i in wanted[rest]]
        for row, decoded in zip(rest, self._pool.map(self._decode, paths), strict=True):
            pixels[row] = decoded
        return pixels


@dataclass(frozen=True)
class Loaded:
    """A data set without its unreadable images, and the pixels of the others."""

    dataset: DataSet
    sketches: Images
    photos: Images
    unreadable: list[tuple[Path, str]]

    def only(self, dataset: DataSet) -> Loaded:
        """The images of a part of the data set."""
        sketches, photos = self.sketches.only(dataset.sketches), self.photos.only(dataset.photos)
        return Loaded(dataset, sketches, photos, self.unreadable)


class Loader:
    """Reads data sets until the memory budget is spent.

    Args:
        preprocess: the model's.
        gigabytes: what all pixels held may take together.
        workers: threads that decode.
    """

    def __init__(self, preprocess: Preprocess, gigabytes: float, workers: int) -> None:
        self._preprocess = preprocess
        self._left = int(gigabytes * 1e9)
        self._workers, self._pool = workers, ThreadPoolExecutor(workers)

    def load(self, dataset: DataSet, progress: Progress = lambda done, total: None) -> Loaded:
        """Decode every sketch and photo once; unreadable ones are left out and named.

        Raises:
            SbirError: none of the sketches or none of the photos can be read.
        """
        total = len(dataset.sketches) + len(dataset.photos)
        sketches, kept, bad = self._decode_all(
            dataset.sketches, self._sketch, lambda done: progress(done, total)
        )
        before = len(dataset.sketches)
        photos, also_kept, also_bad = self._decode_all(
            dataset.photos, self._photo, lambda done: progress(before + done, total)
        )
        if not kept or not also_kept:
            path, reason = (bad or also_bad)[0]
            side = "photos" if kept else "sketches"
            raise SbirError(f"none of the {side} can be read (first: {reason})", where=path)
        return Loaded(dataset.keep(kept, also_kept), sketches, photos, bad + also_bad)

    def _decode_all(
        self, paths: list[Path], decode: Decode, progress: Callable[[int], None]
    ) -> tuple[Images, list[int], list[tuple[Path, str]]]:
        height, width = self._preprocess.size
        room = min(len(paths), self._left // (3 * height * width))
        held = np.empty((room, 3, height, width), np.uint8)
        kept: list[int] = []
        bad: list[tuple[Path, str]] = []

        indices = range(len(paths))
        chunks = [indices[i : i + _CHUNK] for i in range(0, len(paths), _CHUNK)]
        for chunk, decoded in decode_ahead(chunks, lambda i: decode(paths[i]), self._workers):
            for i, result in zip(chunk, decoded, strict=True):
                if isinstance(result, ImageError):
                    bad.append((paths[i], result.what))
                    continue
                if len(kept) < room:
                    held[len(kept)] = result
                kept.append(i)
            progress(chunk[-1] + 1)
        held = held[: len(kept)]
        self._left -= held.nbytes
        return Images([paths[i] for i in kept], decode, held, self._pool), kept, bad

    def _sketch(self, path: Path) -> Bytes:
        return self._preprocess.resized(read_sketch(path).image)

    def _photo(self, path: Path) -> Bytes:
        return self._preprocess.resized(photo_image(path, self._preprocess))
