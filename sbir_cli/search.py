"""A question put to a gallery: sketches in, photos out.

    with Searcher.open("photos.faiss") as searcher:
        for hit in searcher.search("sketch.png", top=5):
            print(hit.rank, hit.score, hit.path)

A `Searcher` is an open gallery together with the encoder that made it; no other encoder can be put
to it. Opening one loads the model: open it once and keep it, as a server or a notebook does, and
ask it from as many threads as there are. It answers from the version of the gallery that it opened;
after an update, `searcher.on(Gallery.open(path))` asks the new version without loading the
model again. `search` asks one thing, `answers` many, embedded in batches.

A new kind of question is a new field of `question.Question` and a line in `Searcher._embed`;
everything behind an embedding stays as it is. What narrows the answer (the number of photos, a
least score, a folder) is a field of `QueryConfig`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby, islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from PIL.Image import Image

from sbir_cli.config import QueryConfig, SketchConfig
from sbir_cli.embedding import Embeddings, embed_batches, photo_image
from sbir_cli.encoder import SketchEncoder, load_sketch_encoder
from sbir_cli.encoder.graph_cache import GraphCache
from sbir_cli.encoder.model_files import canonical_name
from sbir_cli.errors import ImageError, UsageError
from sbir_cli.gallery import Gallery, Hit
from sbir_cli.gallery.background import Background, embedded, maker_of
from sbir_cli.gallery.previous import shipped_background
from sbir_cli.imaging.preprocess import Pixels
from sbir_cli.imaging.remote import root_path
from sbir_cli.imaging.sketches import Sketch, mirrored, read_sketches, sketch_of
from sbir_cli.imaging.thumbnails import data_uri, photo_uri
from sbir_cli.question import Parts, Question, Vector, blend
from sbir_cli.storage import resources
from sbir_cli.storage.names import printable
from sbir_cli.whole_model import WholeModel

if TYPE_CHECKING:
    from sbir_cli.explanation import Explanation

__all__ = ["Answer", "Question", "Searcher"]

_THUMBNAIL = 224  # pixels
_BATCH = 16  # questions embedded at a time
_PIXELS = 6_000_000  # of their sketches: in all it takes 20 bytes a pixel or more


@dataclass(frozen=True)
class Answer:
    """The photos found for one question, best first; a notebook shows it as a table of pictures."""

    sketch: Sketch | None
    """The drawing that was asked with, if there was one."""
    hits: list[Hit]
    asked: str = ""
    """What else was asked: words, or that photos were."""

    @property
    def name(self) -> str:
        """What results call the question: the sketch's name, or the words."""
        return self.sketch.name if self.sketch else self.asked

    def kept(self, thumbnail: bool = True) -> Answer:
        """The same with a small picture of its sketch, or a blank one: for many answers at once."""
        if self.sketch is None:
            return self
        image = self.sketch.image.copy()
        side = _THUMBNAIL if thumbnail else 1
        image.thumbnail((side, side))
        return replace(self, sketch=replace(self.sketch, image=image))

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def _repr_html_(self) -> str:
        picture = data_uri(self.sketch.image, "PNG", 96) if self.sketch else ""
        head = f'<img src="{picture}" width="96"><br>' if picture else ""
        rows = "".join(map(_row, self.hits)) or "<tr><td>no photo scores that high</td></tr>"
        title = escape(printable(self.name))
        return f"<table><caption>{head}{title}</caption>{rows}</table>"


class Searcher:
    """An open gallery and the encoder that made it.

    Args:
        gallery: closed with the searcher.
        encoder: embeds the sketches.

    Raises:
        MismatchError: the gallery was embedded by another encoder.
    """

    def __init__(self, gallery: Gallery, encoder: SketchEncoder) -> None:
        gallery.require(encoder)
        self.gallery, self.encoder = gallery, encoder
        self._one_at_a_time = threading.Lock()  # a prompted tower is changed while it computes
        self._whole_model = WholeModel(encoder, self._one_at_a_time)
        self._nothings: Background | None = None
        self._reached: dict[str | None, list[float]] = {}

    @classmethod
    def open(
        cls,
        index: str | Path | None = None,
        model: str | None = None,
        device: str = "auto",
        root: str | Path | None = None,
        cache: GraphCache | None = None,
        beside: Sequence[Searcher] = (),
    ) -> Searcher:
        """Open a gallery and load its encoder.

        Args:
            index: the index file, or `milvus://HOST:PORT/COLLECTION` (None: the prebuilt gallery of
                the example photos).
            model: the encoder's name (None: what the gallery says made it; it is not downloaded).
            device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
            root: where the photos are now, if they moved without the index.
            cache: where graphs of models that start fast are kept (None: nowhere).
            beside: others that are open, on the same device; one of the same model lends it.

        Raises:
            GalleryError: the gallery is missing or damaged.
            ModelError: the model cannot be found or loaded.
            MismatchError: the gallery was embedded by another encoder.
            UsageError: no such device, or the root is no folder.
        """
        gallery = Gallery.open(
            resources.bundled_index() if index is None else index,
            None if root is None else root_path(root),
        )
        try:
            wanted = model or gallery.manifest.encoder
            for other in beside:
                if other.encoder.name == canonical_name(wanted):
                    return other.on(gallery)
            named = model is not None
            return cls(gallery, load_sketch_encoder(wanted, device, download=named, cache=cache))
        except BaseException:
            gallery.close()
            raise

    def on(self, gallery: Gallery) -> Searcher:
        """The same encoder, with all of it that is loaded, put to another gallery, or to another
        version of this one. Both can be asked at the same time, and are closed each for itself.

        Raises:
            MismatchError: the gallery was embedded by another encoder.
        """
        gallery.require(self.encoder)
        other = copy(self)  # the lock too: it is the encoder's
        other.gallery, other._reached = gallery, {}
        return other

    def search(
        self,
        sketch: str | Path | Image | Sketch,
        *,
        top: int = 10,
        min_score: float | None = None,
        min_share: float | None = None,
        min_percentile: float | None = None,
        fit: bool = True,
    ) -> Answer:
        """The photos that look like one drawing.

        Args:
            sketch: a drawing's name, such as `cat.png` or `cats.ndjson#3`, or an image.
            top, min_score, min_share, min_percentile: see `QueryConfig`.
            fit: crop a raster drawing to its ink, so that a small one in a corner is seen large.

        Raises:
            ImageError: the drawing cannot be read, or is blank.
            UsageError: a number is out of its range, or the file holds several drawings.
        """
        config = QueryConfig(top, min_score, min_share, min_percentile)
        (answer,) = self.answers([Question(_one_sketch(sketch, fit), config)])
        return answer

    def answers(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """An answer to each question, in their order; questions are taken as answers are asked for.

        Raises:
            ImageError: a sketch's image cannot be brought to the model's size.
            GalleryError: the gallery turns out to be damaged.
            ModelError: there are words, and the model has no text tower.
        """
        for part in _batches(questions):
            pairs = zip(part, self._embed(part), strict=True)
            for config, group in groupby(pairs, lambda pair: pair[0].config):
                asked, vectors = zip(*group, strict=True)
                narrowed = self._least_score(config)
                found = self.gallery.nearest(np.stack(vectors), self.encoder, narrowed)
                for question, hits in zip(asked, found, strict=True):
                    yield Answer(question.sketch, hits, question.name)

    def photo(self, photo: int | str | Path) -> Vector:
        """The (D,) embedding of a photo to be like or unlike (`Question.like`).

        Args:
            photo: its id in the gallery, or a file: one of the gallery is taken from there, any
                other is embedded now, which loads the model's photo branch.

        Raises:
            UsageError: the gallery has no photo of that id.
            ImageError: the file cannot be read.
        """
        if isinstance(photo, int):
            return self.gallery.embedding_of(photo)
        number = self.gallery.id_of(Path(photo))
        if number is not None:
            return self.gallery.embedding_of(number)
        return self._whole_model.photos([Path(photo)])[0]

    def explain(self, sketch: Sketch, photo: Path) -> Explanation:
        """Which parts of a drawing look like which parts of a photo to the model. The first time
        loads it in torch, whole, which takes seconds.

        Raises:
            ImageError: the photo cannot be read.
            ModelError: the model cannot be loaded, or has no tokens that can be compared.
        """
        from sbir_cli.explanation import explain

        model = self._whole_model.load()
        image = photo_image(photo, model.preprocess)
        with self._one_at_a_time:
            return explain(model, sketch.image, image)

    def ready_for_words(self) -> None:
        """Load what words and photos need, so that the first question need not wait for it.

        Raises:
            ModelError: the model cannot be loaded in full.
        """
        self._whole_model.ready()

    def _embed(self, questions: list[Question]) -> list[Vector]:
        """A (D,) unit-length embedding of each."""
        wanted = [[*q.sketches, *map(mirrored, q.sketches if q.mirror else ())] for q in questions]
        drawn = iter(self._sketches([s for sketches in wanted for s in sketches]))
        refused = iter(self._sketches([s for q in questions for s in q.unlike_sketches]))
        vectors = []
        for question, sketches in zip(questions, wanted, strict=True):
            texts = [question.words] if question.words.strip() else []
            encoded = self._whole_model.words([*texts, *question.unlike_words])
            parts = Parts(
                sketches=list(islice(drawn, len(sketches))),
                words=encoded[: len(texts)],
                like=question.like,
                unlike=[
                    *question.unlike,
                    *islice(refused, len(question.unlike_sketches)),
                    *encoded[len(texts) :],
                ],
            )
            vectors.append(blend(parts, question.weight, self.gallery.spread))
        return vectors

    def _least_score(self, config: QueryConfig) -> QueryConfig:
        """A percentile as the score that it is in this gallery."""
        if config.min_percentile is None:
            return config
        reached = self._background(config.where)
        least = float(np.percentile(reached, config.min_percentile)) if reached else -1.0
        given = -1.0 if config.min_score is None else config.min_score
        return replace(config, min_percentile=None, min_score=min(max(least, given), 1.0))

    def _background(self, where: str | None) -> list[float]:
        """The best score of each drawing of nothing."""
        held = self.gallery.background
        if where is None and held is not None and held.maker == maker_of(self.encoder):
            return list(held.best)
        reached = self._reached.get(where)
        if reached is None:
            config = QueryConfig(top=1, where=where)
            found = self.gallery.nearest(self._nothing().embeddings, self.encoder, config)
            reached = [hits[0].score for hits in found if hits]
            self._reached = {where: reached}
        return reached

    def _nothing(self) -> Background:
        """The drawings of nothing: the gallery's, those that ship, or embedded now."""
        if self._nothings is None:
            maker = maker_of(self.encoder)
            known = filter(None, (self.gallery.background, shipped_background()))
            self._nothings = next((each for each in known if each.maker == maker), None)
        if self._nothings is None:
            self._nothings = embedded(self.encoder, self._encode)
        return self._nothings

    def _encode(self, pixels: Pixels) -> Embeddings:
        with self._one_at_a_time:
            return self.encoder.encode_sketches(pixels)

    def _sketches(self, sketches: list[Sketch]) -> list[Vector]:
        images = [sketch.image for sketch in sketches]
        vectors: list[Vector] = []
        for _, part in embed_batches([images], self.encoder.preprocess, self._encode, workers=1):
            for each in part:
                if isinstance(each, ImageError):
                    raise each
                vectors.append(each)
        return vectors

    def close(self) -> None:
        """Close the gallery."""
        self.gallery.close()

    def __enter__(self) -> Searcher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _batches(questions: Iterable[Question]) -> Iterator[list[Question]]:
    part, pixels = list[Question](), 0
    for question in questions:
        part.append(question)
        pixels += sum(sketch.image.width * sketch.image.height for sketch in question.sketches)
        if len(part) == _BATCH or pixels >= _PIXELS:
            yield part
            part, pixels = [], 0
    if part:
        yield part


def _one_sketch(source: str | Path | Image | Sketch, fit: bool) -> Sketch:
    if isinstance(source, Sketch):
        return source
    config = SketchConfig(fit=fit)
    if isinstance(source, Image):
        return sketch_of(source, "image", config)
    found = read_sketches(str(source), config=config)
    if len(found) != 1:
        raise UsageError(
            f"{source}: holds {len(found)} drawings; name one, such as {source}#1, or put them "
            "all as questions to `Searcher.answers`"
        )
    return found[0]


def _row(hit: Hit) -> str:
    try:
        picture = f'<img src="{photo_uri(hit.path, 96)}" width="96">'
    except ImageError as error:
        picture = escape(error.what)
    name = escape(printable(str(hit.path)))
    return f"<tr><td>{hit.rank}</td><td>{picture}</td><td>{hit.score:.3f}</td><td>{name}</td></tr>"
