"""An open gallery: what it holds, and the photos nearest to an embedding of its own encoder."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from sbir_cli.config import QueryConfig
from sbir_cli.embedding import Embeddings
from sbir_cli.encoder import AnyEncoder
from sbir_cli.errors import GalleryError, MismatchError, UsageError
from sbir_cli.gallery.background import Background
from sbir_cli.gallery.contents import Contents, FileContents, Selection
from sbir_cli.gallery.files import find_root, holds_photos
from sbir_cli.gallery.manifest import PhotoRow
from sbir_cli.gallery.milvus.address import MilvusAddress
from sbir_cli.gallery.narrowing import NEARLY_THE_SAME, folded_into
from sbir_cli.gallery.places import Place, place_of
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
        path: the index file, or the address of a Milvus collection.
        manifest: what it holds and who embedded it.
        root: absolute folder that the photos' paths are relative to.
        photos_found: whether photos are there, so that paths can be trusted.
    """

    def __init__(self, path: Place, contents: Contents, root: Path | None) -> None:
        self.path, self.manifest = path, contents.manifest
        self._contents = contents
        self._patterns: dict[str, Selection] = {}
        sample = contents.sample()
        self.root = root.absolute() if root else find_root(contents.roots(), sample)
        self.photos_found = holds_photos(self.root, sample)

    @classmethod
    def open(cls, path: str | Place, root: Path | None = None) -> Gallery:
        """Open `idx.faiss` and the `idx.faiss.db` beside it, or `milvus://HOST:PORT/COLLECTION`.

        Args:
            path: the index file, or the address.
            root: where the photos are now, if they moved without the index.

        Raises:
            GalleryError: missing, damaged, of another version, two files that do not belong
                together, or a server that does not answer.
            UsageError: the root is no folder.
        """
        if root is not None and not root.is_dir():
            raise UsageError(f"{root} is no folder; give --root the folder of the photos")
        place = place_of(path)
        if isinstance(place, MilvusAddress):
            return cls._open(place, root)
        try:
            return cls._open(place, root)
        except GalleryError:  # an update may have renamed one of the two files in between
            return cls._open(place, root)

    @classmethod
    def _open(cls, place: Place, root: Path | None) -> Gallery:
        contents: Contents
        if isinstance(place, MilvusAddress):
            from sbir_cli.gallery.milvus.contents import CollectionContents

            contents = CollectionContents.open(place)
        else:
            contents = FileContents.open(place)
        try:
            return cls(place, contents, root)
        except BaseException:
            contents.close()
            raise

    def close(self) -> None:
        """Let go of its files or connection."""
        self._contents.close()

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
        if isinstance(self.path, Path) and resources.is_bundled(
            self.path
        ):  # not to be overwritten: other models need it
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
            GalleryError: the database turns out to be damaged, or the server does not answer.
            UsageError: the gallery cannot give that many photos, or look for such a pattern.
        """
        self.require(encoder)
        most = self._contents.most
        if config.top > most:
            raise UsageError(f"--top can be at most {most:,} in {self.path}, not {config.top:,}")
        among = None if config.where is None else self._below(config.where)
        total = min(self.manifest.photos if among is None else len(among), most)
        if not total:
            return [[] for _ in embeddings]
        want = min(config.top, total)
        if not config.dedupe:
            ranked = self._ranked(embeddings, want, total, among)
            return [self._hits(pairs, config) for pairs in ranked]
        return [self._folded(e[None], want, total, among, config) for e in embeddings]

    def _ranked(
        self, embeddings: Embeddings, want: int, total: int, among: Selection | None
    ) -> list[list[Pair]]:
        """The first `want` photos of each: (score with its sign turned, id)."""
        fetch = want
        while True:  # go on while photos beyond the cut score like the last one before it
            fetch = min(fetch + 16, total)
            scores, ids = self._contents.search(embeddings, fetch, among)
            tied = scores[:, want - 1] - scores[:, fetch - 1] < 10**-_DECIMALS
            if fetch == total or not tied.any():
                break
        pairs = (zip(s.tolist(), i.tolist(), strict=True) for s, i in zip(scores, ids, strict=True))
        order = self._contents.order
        return [
            sorted(
                ((-round(score, _DECIMALS), i) for score, i in row if i >= 0),
                key=lambda pair: (pair[0], order(pair[1])),
            )[:want]
            for row in pairs
        ]

    def _folded(
        self,
        embedding: Embeddings,
        want: int,
        total: int,
        among: Selection | None,
        config: QueryConfig,
    ) -> list[Hit]:
        """The first `want` photos that are no near-duplicate of a better one."""
        fetch = want
        while True:
            fetch = min(2 * fetch, total)
            pairs = self._ranked(embedding, fetch, total, among)[0]
            vectors = self._contents.stored(np.array([i for _, i in pairs], dtype=np.int64))
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
        return self._contents.rows()

    def row(self, photo: int) -> PhotoRow:
        """The row of one photo; errors as `path_of`."""
        return self._contents.row(photo)

    def embeddings(self) -> Embeddings:
        """(N, D) embeddings of all photos, by rising id."""
        return self._contents.embeddings()

    def spread_ids(self, count: int) -> list[int]:
        """Ids of up to `count` photos spread evenly over the gallery."""
        return [int(photo) for photo in self._contents.evenly(count)]

    def path_of(self, photo: int) -> Path:
        """The absolute path of a photo by its id.

        Raises:
            UsageError: the index holds no such photo.
        """
        return self.root / os.fsdecode(self._contents.row(photo).path)

    def id_of(self, path: Path) -> int | None:
        """The id of a photo file, if the gallery has embedded it."""
        absolute = Path(os.path.abspath(path))
        if not absolute.is_relative_to(self.root):
            return None
        below = absolute.relative_to(self.root)
        return self._contents.find(os.fsencode(below).replace(os.fsencode(os.sep), b"/"))

    def embedding_of(self, photo: int) -> Embeddings:
        """The (D,) embedding of a photo by its id.

        Raises:
            UsageError: there is no such photo.
        """
        self._contents.row(photo)
        return np.asarray(self._contents.stored(np.array([photo], dtype=np.int64))[0])

    def spread(self, vector: Embeddings) -> float:
        """Standard deviation of the photos' cosines with a (D,) vector, above 0."""
        deviation = float((self._sample @ vector).std()) if len(self._sample) > 2 else 1.0
        return max(deviation, 1e-4)

    @cached_property
    def background(self) -> Background | None:
        """What drawings of nothing reach here, if that was measured when it was built.

        Raises:
            GalleryError: the database turns out to be damaged.
        """
        return self._contents.background()

    @cached_property
    def _sample(self) -> Embeddings:
        """Embeddings of photos spread evenly over the gallery."""
        return self._contents.stored(self._contents.evenly(_SAMPLE))

    @cached_property
    def _usual_distance(self) -> float:
        """Mean distance (1 - cosine) of two photos."""
        return 1 - float(np.square(self._sample.mean(axis=0)).sum())

    def _below(self, pattern: str) -> Selection:
        if pattern not in self._patterns:
            if len(self._patterns) >= _PATTERNS:
                self._patterns.clear()
            self._patterns[pattern] = self._contents.matching(pattern)
        return self._patterns[pattern]
