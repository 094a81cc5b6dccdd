"""A gallery's embeddings with their photos, for other programs: .npy with .jsonl, or Parquet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from sbir_cli.errors import SbirError
from sbir_cli.gallery import Gallery
from sbir_cli.output.answers import json_line, shown_path
from sbir_cli.storage.files import whole_file, write_file

_REMEDY = "choose another --output"
_ROWS = 16_384  # of a row group


def write_npy(gallery: Gallery, output: Path) -> str:
    """(N, D) float32 as .npy, and a JSON line of id and path for each row beside it.

    Returns:
        What was written, for the person.

    Raises:
        SbirError: a file cannot be written.
    """
    embeddings = gallery.embeddings()
    with whole_file(output, _REMEDY) as file:
        np.save(file, embeddings)
    names = output.with_suffix(".jsonl")
    lines = (json_line({"id": i, "path": path}) for i, path in enumerate(_paths(gallery)))
    write_file(names, "".join(lines).encode(), _REMEDY)
    return f"{_size(embeddings)}; paths in {names}"


def write_parquet(gallery: Gallery, output: Path) -> str:
    """A table of `id`, `path` and `embedding` (a list of D float32); who embedded them is in the
    schema's metadata. A name's bytes that are no UTF-8 are written as `\\udcXX`.

    Returns:
        What was written, for the person.

    Raises:
        SbirError: pyarrow is missing, or the file cannot be written.
    """
    try:
        import pyarrow
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise SbirError(
            "writing Parquet needs an extra", remedy="pip install 'sbir[parquet]'"
        ) from error
    manifest, embeddings = gallery.manifest, gallery.embeddings()
    schema: Any = pyarrow.schema(
        [
            ("id", pyarrow.int64()),
            ("path", pyarrow.string()),
            ("embedding", pyarrow.list_(pyarrow.float32(), embeddings.shape[1])),
        ],
        metadata={"encoder": manifest.encoder, "fingerprint": manifest.fingerprint},
    )
    paths = (path.encode(errors="backslashreplace").decode() for path in _paths(gallery))
    with whole_file(output, _REMEDY) as file, ParquetWriter(file, schema) as writer:
        for start in range(0, len(embeddings), _ROWS):
            part = embeddings[start : start + _ROWS]
            vectors = pyarrow.FixedSizeListArray.from_arrays(part.ravel(), part.shape[1])
            ids = np.arange(start, start + len(part))
            columns = [pyarrow.array(ids), pyarrow.array(list(islice(paths, len(part)))), vectors]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))
    return _size(embeddings)


WRITERS = {".npy": write_npy, ".parquet": write_parquet}


def _paths(gallery: Gallery) -> Iterator[str]:
    """The photos' paths in the order of their embeddings."""
    for row in gallery.rows().values():
        if row.reason is None:
            yield shown_path(gallery.root / os.fsdecode(row.path))


def _size(embeddings: Any) -> str:
    return f"{embeddings.shape[0]:,} x {embeddings.shape[1]} float32"
