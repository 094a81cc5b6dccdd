"""Embeddings that another program made: a `.npy` of numbers, or a FAISS index that keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sbir_cli.errors import GalleryError
from sbir_cli.gallery.flat import Matrix
from sbir_cli.gallery.index import stored_embeddings

_NPY = b"\x93NUMPY"


def read_vectors(path: Path) -> Matrix:
    """(N, D) float32 vectors, N and D at least 1, in the order of their ids; not of unit length.

    Args:
        path: what it is, its bytes say, not its name.

    Raises:
        GalleryError: it cannot be read, holds something else, or keeps the vectors compressed.
    """
    try:
        with path.open("rb") as file:
            found = _array(path) if file.read(len(_NPY)) == _NPY else _index(path)
    except OSError as error:
        raise GalleryError((error.strerror or "cannot be read").lower(), where=path) from error
    if found.ndim != 2 or not found.size:
        raise GalleryError(
            f"holds numbers of shape {found.shape}", where=path, remedy="one row a photo is needed"
        )
    return np.array(found, dtype=np.float32, order="C")  # of our own: it may be mapped


def _array(path: Path) -> Any:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise GalleryError(
            f"the .npy is damaged or holds no numbers ({error})", where=path
        ) from error
    if found.dtype.kind not in "fiu":
        raise GalleryError(f"holds {found.dtype} and no real numbers", where=path)
    return found


def _index(path: Path) -> Matrix:
    import faiss

    python_faiss: Any = faiss  # its type stubs lack the callbacks
    try:
        with path.open("rb") as file:  # FAISS opens UTF-8 names alone
            index: Any = faiss.read_index(python_faiss.PyCallbackIOReader(file.read))
        numbered = isinstance(index, faiss.IndexIDMap)
        inner = python_faiss.downcast_index(index.index) if numbered else index
        _require_exact(inner, path)
        vectors = stored_embeddings(inner)
    except RuntimeError as error:
        raise GalleryError(
            "is neither a .npy nor a FAISS index whose vectors can be read by their number",
            where=path,
            remedy="save the vectors as .npy, a row a photo",
        ) from error
    if not numbered:
        return vectors
    return _by_id(vectors, python_faiss.vector_to_array(index.id_map), path)


def _require_exact(index: Any, path: Path) -> None:
    import faiss

    if not isinstance(index, (faiss.IndexFlat, faiss.IndexHNSWFlat, faiss.IndexIVFFlat)):
        raise GalleryError(
            f"a {type(index).__name__} does not keep the vectors as they were",
            where=path,
            remedy="take in the vectors that it was made of, as .npy",
        )


def _by_id(vectors: Matrix, ids: Any, path: Path) -> Matrix:
    if not np.array_equal(np.sort(ids), np.arange(len(vectors))):
        raise GalleryError(
            f"its ids are not 0 to {len(vectors) - 1}, so no line of a list belongs to them",
            where=path,
            remedy="save the vectors as .npy, in the order of the list",
        )
    ordered = np.empty_like(vectors)
    ordered[ids] = vectors
    return ordered
