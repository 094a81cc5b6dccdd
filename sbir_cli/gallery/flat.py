"""The file of a flat index, read and written a part at a time, without FAISS and to its very bytes.

Most galleries are flat. An update of one copies the embeddings that stay from file to file, and so
needs neither their memory nor the time in which FAISS is imported.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

FOURCC = b"IxFI"
HEADER = struct.Struct("<4siqqqBi")
"""Of any index: fourcc, dimension, count, 2 unused, trained, metric."""
INNER_PRODUCT = 0  # faiss.METRIC_INNER_PRODUCT
_UNUSED = 1 << 20
_NUMBERS = struct.Struct("<q")  # how many follow
_AT_A_TIME = 1024  # embeddings, which so stay in the processor's cache


class Embedded:
    """(N, D) embeddings, given out a part at a time.

    Args:
        shape: N and D.
        part: the embeddings of the photos from one to another.
    """

    def __init__(self, shape: tuple[int, int], part: Callable[[int, int], Matrix]) -> None:
        self.shape, self.part = shape, part

    def parts(self) -> list[tuple[int, int]]:
        """Where each part begins and ends."""
        count = self.shape[0]
        return [(i, min(i + _AT_A_TIME, count)) for i in range(0, count, _AT_A_TIME)]

    def whole(self) -> Matrix:
        """All of them at once."""
        matrix = np.empty(self.shape, dtype=np.float32)
        for start, end in self.parts():
            matrix[start:end] = self.part(start, end)
        return matrix


def held(matrix: Matrix) -> Embedded:
    """A matrix that is at hand."""
    count, dimension = matrix.shape
    return Embedded((count, dimension), lambda start, end: matrix[start:end])


def flat_bytes(count: int, dimension: int) -> int:
    """Size of a flat index's file."""
    return _start(dimension, count)


def write_flat(path: Path, embeddings: Embedded) -> None:
    """Write a flat index of inner products, and flush it to disk.

    Raises:
        OSError: it cannot be written.
    """
    count, dimension = embeddings.shape
    with path.open("wb") as file:
        fields = (FOURCC, dimension, count, _UNUSED, _UNUSED, 1, INNER_PRODUCT)
        file.write(HEADER.pack(*fields) + _NUMBERS.pack(count * dimension))
        for start, end in embeddings.parts():
            file.write(np.ascontiguousarray(embeddings.part(start, end), dtype="<f4").data)
        file.flush()
        os.fsync(file.fileno())


def read_flat(path: Path, ids: Ids, dimension: int) -> Matrix:
    """(N, D) embeddings of N photos of a flat index, whose header has been checked."""
    found = np.empty((len(ids), dimension), dtype="<f4")
    ends = [*np.flatnonzero(np.diff(ids) != 1) + 1, len(ids)]  # of ids that lie in a row
    begin = 0
    with path.open("rb") as file:
        for end in ends if len(ids) else ():
            file.seek(_start(dimension, int(ids[begin])))
            file.readinto(found[begin:end].data)
            begin = end
    return found


class HeldIndex:
    """A small flat index in memory, asked as FAISS's are: it is searched before FAISS would be
    imported.

    Args:
        embeddings: (N, D).
    """

    def __init__(self, embeddings: Matrix) -> None:
        self._embeddings, self.ntotal = embeddings, len(embeddings)

    def search(self, questions: Matrix, count: int) -> tuple[Matrix, Ids]:
        """(Q, count) cosines and ids of the nearest, best first."""
        return best_of(questions @ self._embeddings.T, count)

    def reconstruct_batch(self, ids: Ids) -> Matrix:
        """(N, D) of N photos."""
        return self._embeddings[ids]

    def reconstruct_n(self, first: int, count: int) -> Matrix:
        """(N, D) of photos in a row."""
        return self._embeddings[first : first + count].copy()


def best_of(scores: Matrix, count: int) -> tuple[Matrix, Ids]:
    """The highest of each row of (Q, N) scores and their places, best first."""
    some = np.argpartition(-scores, min(count, scores.shape[1]) - 1, axis=1)[:, :count]
    some.sort(axis=1)  # so that the first of equals comes first
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    places = np.take_along_axis(some, order, axis=1)
    return np.take_along_axis(scores, places, axis=1), places.astype(np.int64)


def _start(dimension: int, photo: int) -> int:
    return HEADER.size + _NUMBERS.size + 4 * dimension * photo
