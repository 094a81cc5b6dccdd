"""One hash for what decides an embedding: weights, prompts and preprocessing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sbir_cli.imaging.preprocess import Preprocess

Arrays = Mapping[str, npt.NDArray[np.generic]]


def hash_arrays(arrays: Arrays) -> str:
    """SHA-256 over the sorted names, shapes and float32 values of some tensors.

    Values and not files are hashed, so that the same weights in half precision, in full
    precision or under another file name are the same model.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name], dtype=np.float32)
        digest.update(f"{name}{values.shape}".encode())
        digest.update(values.data)
    return digest.hexdigest()


def of_photos(branches: Arrays) -> Arrays:
    """The branches as far as they decide what photos are embedded as: none where the photo branch
    is the bare tower, so that a gallery of the plain model serves every checkpoint that trained
    the sketch branch alone; else all of them.

    Args:
        branches: named as in a checkpoint, `shared.`, `sketch.` and `photo.`.
    """
    own = (a.size for name, a in branches.items() if not name.startswith("sketch."))
    return branches if any(own) else {}


def fingerprint(weights: str, branches: Arrays, preprocess: Preprocess) -> str:
    """The encoder as one hash: its image tower (hashed before), branches and preprocessing."""
    settings = json.dumps(preprocess.as_dict(), sort_keys=True)
    trained = hash_arrays({name: array for name, array in branches.items() if array.size})
    return hashlib.sha256(f"{weights}\n{trained}\n{settings}".encode()).hexdigest()
