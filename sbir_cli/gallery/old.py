"""The gallery as it was before an update."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sbir_cli.errors import MismatchError
from sbir_cli.gallery.embedding import PhotoEncoder
from sbir_cli.gallery.gallery import committed_index, pending_index, read_manifest_of
from sbir_cli.gallery.index import Matrix, read_index, stored_embeddings
from sbir_cli.gallery.manifest import Manifest, PhotoRow, read_rows


@dataclass(frozen=True)
class OldGallery:
    """Rows by path, and where their embeddings are; without arguments there was none."""

    manifest: Manifest | None = None
    rows: dict[bytes, PhotoRow] = field(default_factory=dict)
    ids: dict[bytes, int] = field(default_factory=dict)
    embeddings: Matrix | None = None

    @classmethod
    def read(cls, index: Path, encoder: PhotoEncoder) -> OldGallery:
        """The gallery at `index`, if there is one.

        Raises:
            GalleryError: it is damaged.
            MismatchError: another encoder made it.
        """
        if not index.exists() and not pending_index(index).exists():
            return cls()
        manifest = read_manifest_of(index)
        if manifest.fingerprint != encoder.fingerprint:
            raise MismatchError(
                f"the gallery was embedded by {manifest.encoder}, not by this {encoder.name}",
                where=index,
                remedy=f"add `--model {manifest.encoder}`, or `--rebuild` to embed it all anew",
            )
        file = committed_index(index, manifest)
        if file != index:  # a run was killed between its two renames: finish them
            file = file.replace(index)
        embeddings = stored_embeddings(read_index(file, manifest))
        rows = read_rows(index)
        ids = {row.path: i for i, row in rows.items() if row.reason is None}
        return cls(manifest, {row.path: row for row in rows.values()}, ids, embeddings)

    def moved_below(self, folder: Path) -> OldGallery:
        """The same photos, with paths relative to a root that `folder` leads up to."""
        if folder == Path():
            return self
        prefix = os.fsencode(folder.as_posix()) + b"/"
        rows = {prefix + path: replace(r, path=prefix + path) for path, r in self.rows.items()}
        return replace(self, rows=rows, ids={prefix + path: i for path, i in self.ids.items()})

    def embeddings_of(self, paths: Sequence[bytes]) -> Matrix:
        """(N, D) embeddings of N photos that it holds."""
        assert self.embeddings is not None
        return np.asarray(self.embeddings[[self.ids[path] for path in paths]])
