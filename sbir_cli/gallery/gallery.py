"""An open gallery: what it holds, and the photos nearest to an embedding of its own encoder."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sbir_cli.config import QueryConfig
from sbir_cli.embedding import Embeddings
from sbir_cli.encoder import AnyEncoder
from sbir_cli.errors import GalleryError, MismatchError, UsageError
from sbir_cli.gallery.index import read_index, stored_embeddings
from sbir_cli.gallery.manifest import Database, Manifest, PhotoRow, file_digest, reading, remake
from sbir_cli.gallery.narrowing import (
    NEARLY_THE_SAME,
    Ids,
    folded_into,
    matching_ids,
    search_among,
    stored,
)
from sbir_cli.storage import resources

_DECIMALS = 6  # of a score
_SAMPLE = 2048  # photos that the spread of scores is measured on
_PATTERNS = 16  # whose photos are remembered

Pair = tuple[float, int]


@dataclass(frozen=True)
class Hit:
    """One photo found for a sketch."""

    rank: int
    """From 1, by falling score, then by rising path."""
    score: float
    """Cosine similarity, larger is better."""
    id: int
    """Position in this version of the index; the path is the lasting name."""
    path: Path
    """Absolute."""
    folded: int = 0
    """Near-duplicates that this photo stands for (`QueryConfig.dedupe`)."""


class Gallery:
    """A gallery opened for searching: one version of it, whatever an update does meanwhile.

    Attributes:
        path: the index file.
        manifest: what it holds and who embedded it.
        root: absolute folder that the photos' paths are relative to.
        photos_found: whether photos are there, so that paths can be trusted.
    """

    def __init__(
        self, path: Path, database: Database, manifest: Manifest, root: Path | None, index: Any
    ) -> None:
        self.path, self.manifest = path, manifest
        self._database, self._index = database, index
        self._patterns: dict[str, Ids] = {}
        self.root = root.absolute() if root else find_root(path, database, manifest)
        self.photos_found = holds_photos(self.root, database)

    @classmethod
    def open(cls, path: Path, root: Path | None = None) -> Gallery:
        """Open `idx.faiss` and the `idx.faiss.db` beside it.

        Args:
            path: the index file.
            root: where the photos are now, if they moved without the index.

        Raises:
            GalleryError: missing, damaged, of another version, or two files that do not belong
                together.
            UsageError: the root is no folder.
        """
        if root is not None and not root.is_dir():
            raise UsageError(f"{root} is no folder; give --root the folder of the photos")
        try:
            return cls._open(path, root)
        except GalleryError:  # an update may have renamed one of the two files in between
            return cls._open(path, root)

    @classmethod
    def _open(cls, path: Path, root: Path | None) -> Gallery:
        require_index(path)
        database = Database(path)
        try:
            manifest = database.manifest()
            index = read_index(committed_index(path, manifest), manifest)
            return cls(path, database, manifest, root, index)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Close the database; the index needs no closing."""
        self._database.close()

    def require(self, encoder: AnyEncoder) -> None:
        """Refuse an encoder that did not make the gallery: its embeddings lie in another space,
        and would be ranked without any sign of it.

        Raises:
            MismatchError: it did not; the message has the command that mends it.
        """
        if encoder.photo_fingerprint == self.manifest.fingerprint:
            return
        root, file, name = (shlex.quote(str(p)) for p in (self.root, self.path, encoder.name))
        remedy = f"`sbir embed-gallery {root} -o {file} --model {name} --rebuild` mends it"
        if resources.is_bundled(self.path):  # not to be overwritten: other models need it
            remedy = (
                f"`sbir embed-gallery {root} -o my.faiss --model {name}` makes one: -i my.faiss"
            )
        raise MismatchError(
            f"the gallery was not embedded by {encoder.name} as it is now",
            where=self.path,
            remedy=remedy,
        )

    def nearest(
        self, embeddings: Embeddings, encoder: AnyEncoder, config: QueryConfig
    ) -> list[list[Hit]]:
        """The best photos for each of (Q, D) unit-length embeddings; see `search.Searcher`, which
        makes them of sketches.

        Scores that agree to six decimals are ranked by path (the same picture twice differs in
        the last bits, by its place in a batch); a gallery smaller than `top` gives fewer hits.

        Args:
            encoder: what made the embeddings.

        Raises:
            MismatchError: another encoder made the gallery.
            GalleryError: the database turns out to be damaged.
        """
        self.require(encoder)
        among = None if config.where is None else self._below(config.where)
        total = self._index.ntotal if among is None else len(among)
        if not total:
            return [[] for _ in embeddings]
        want = min(config.top, total)
        if not config.dedupe:
            ranked = self._ranked(embeddings, want, total, among)
            return [self._hits(pairs, config) for pairs in ranked]
        return [self._folded(e[None], want, total, among, config) for e in embeddings]

    def _ranked(
        self, embeddings: Embeddings, want: int, total: int, among: Ids | None
    ) -> list[list[Pair]]:
        """The first `want` photos of each: (score with its sign turned, id)."""
        fetch = want
        while True:  # go on while photos beyond the cut score like the last one before it
            fetch = min(fetch + 16, total)
            if among is None:
                scores, ids = self._index.search(embeddings, fetch)
            else:
                scores, ids = search_among(self._index, embeddings, fetch, among)
            tied = scores[:, want - 1] - scores[:, fetch - 1] < 10**-_DECIMALS
            if fetch == total or not tied.any():
                break
        pairs = (zip(s.tolist(), i.tolist(), strict=True) for s, i in zip(scores, ids, strict=True))
        return [
            sorted((-round(score, _DECIMALS), i) for score, i in row if i >= 0)[:want]
            for row in pairs
        ]

    def _folded(
        self, embedding: Embeddings, want: int, total: int, among: Ids | None, config: QueryConfig
    ) -> list[Hit]:
        """The first `want` photos that are no near-duplicate of a better one."""
        fetch = want
        while True:
            fetch = min(2 * fetch, total)
            pairs = self._ranked(embedding, fetch, total, among)[0]
            vectors = stored(self._index, np.array([i for _, i in pairs], dtype=np.int64))
            places = Counter(folded_into(vectors, NEARLY_THE_SAME * self._usual_distance))
            if len(places) >= want or fetch == total:
                break
        first = sorted(places)[:want]
        hits = self._hits([pairs[place] for place in first], config)
        return [
            replace(hit, folded=places[place] - 1)
            for hit, place in zip(hits, first, strict=False)  # the cut takes them from the end
        ]

    def _hits(self, pairs: list[Pair], config: QueryConfig) -> list[Hit]:
        least = -1.0 if config.min_score is None else config.min_score
        if config.min_share is not None and pairs:
            best = -pairs[0][0]  # a share of a negative score would drop the best photo itself
            least = max(least, best * config.min_share if best > 0 else best)
        kept = [(i, -minus) for minus, i in pairs if -minus >= least]
        return [Hit(rank, score, i, self.path_of(i)) for rank, (i, score) in enumerate(kept, 1)]

    def rows(self) -> dict[int, PhotoRow]:
        """All rows by id, photos first, then what was skipped."""
        return self._database.rows()

    def row(self, photo: int) -> PhotoRow:
        """The row of one photo; errors as `path_of`."""
        self._require_photo(photo)
        return self._database.row(photo)

    def embeddings(self) -> Embeddings:
        """(N, D) embeddings of all photos, by id."""
        return stored_embeddings(self._index)

    def path_of(self, photo: int) -> Path:
        """The absolute path of a photo by its id.

        Raises:
            UsageError: the index holds no such photo.
        """
        self._require_photo(photo)
        return self.root / os.fsdecode(self._database.row(photo).path)

    def id_of(self, path: Path) -> int | None:
        """The id of a photo file, if the gallery has embedded it."""
        absolute = Path(os.path.abspath(path))
        if not absolute.is_relative_to(self.root):
            return None
        below = absolute.relative_to(self.root)
        return self._database.find(os.fsencode(below).replace(os.fsencode(os.sep), b"/"))

    def embedding_of(self, photo: int) -> Embeddings:
        """The (D,) embedding of a photo by its id.

        Raises:
            UsageError: there is no such photo.
        """
        self._require_photo(photo)
        return np.asarray(stored(self._index, np.array([photo], dtype=np.int64))[0])

    def _require_photo(self, photo: int) -> None:
        last = self._index.ntotal - 1
        if not 0 <= photo <= last:
            raise UsageError(f"the gallery has no photo {photo}; ids are 0 to {last}")

    def spread(self, vector: Embeddings) -> float:
        """Standard deviation of the photos' cosines with a (D,) vector, above 0."""
        deviation = float((self._sample @ vector).std()) if len(self._sample) > 2 else 1.0
        return max(deviation, 1e-4)

    @cached_property
    def _sample(self) -> Embeddings:
        """Embeddings of photos spread evenly over the gallery."""
        count = min(_SAMPLE, self._index.ntotal)
        return stored(self._index, np.linspace(0, self._index.ntotal - 1, count, dtype=np.int64))

    @cached_property
    def _usual_distance(self) -> float:
        """Mean distance (1 - cosine) of two photos."""
        return 1 - float(np.square(self._sample.mean(axis=0)).sum())

    def _below(self, pattern: str) -> Ids:
        if pattern not in self._patterns:
            if len(self._patterns) >= _PATTERNS:
                self._patterns.clear()
            self._patterns[pattern] = matching_ids(self._database, pattern)
        return self._patterns[pattern]


def require_index(path: Path) -> None:
    """Refuse a path where no gallery is; errors as `Gallery.open`."""
    if path.is_dir():
        raise GalleryError("is a folder", where=path, remedy="name the index file in it")
    if not path.is_file() and not pending_index(path).is_file():
        raise GalleryError(
            "no such index",
            where=path,
            remedy=f"make it with `sbir embed-gallery PHOTOS -o {path}`",
        )


def pending_index(path: Path) -> Path:
    """Where a new index waits for its database; see `commit`."""
    return path.with_name(path.name + ".new")


def committed_index(path: Path, manifest: Manifest) -> Path:
    """The index file that the manifest describes.

    The database is renamed into place first: a run killed right then leaves the new index under
    its temporary name, where it is as good.

    Raises:
        GalleryError: neither file is the one.
    """
    with reading(path):
        for candidate in (pending_index(path), path):
            if (
                candidate.is_file()
                and candidate.stat().st_size == manifest.index_bytes
                and file_digest(candidate) == manifest.index_digest
            ):
                return candidate
    raise GalleryError(
        "the index is damaged, or its .db belongs to another index",
        where=path,
        remedy=remake(path),
    )


def holds_photos(root: Path, database: Database) -> bool:
    """Whether any of a few photos of the gallery is found below `root`."""
    return any((root / os.fsdecode(path)).exists() for path in database.sample())


def find_root(path: Path, database: Database, manifest: Manifest) -> Path:
    """The folder where the photos are: beside the index as when it was written, beside the file
    that a link to the index leads to, or where it was on the machine that wrote it."""
    candidates = [
        Path(os.path.normpath(folder / manifest.root))
        for folder in (path.absolute().parent, path.resolve().parent)
    ]
    if manifest.root_absolute is not None:
        candidates.append(Path(manifest.root_absolute))
    return next((root for root in candidates if holds_photos(root, database)), candidates[0])
