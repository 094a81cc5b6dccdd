"""From the page's question to the photos it shows."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sbir_cli.config import QueryConfig, SketchConfig
from sbir_cli.errors import ImageError, UsageError
from sbir_cli.explanation import LINES, MEANING, picture
from sbir_cli.gallery import Hit
from sbir_cli.imaging.sketches import Sketch, read_sketches
from sbir_cli.imaging.thumbnails import data_uri
from sbir_cli.question import NOTHING_ALIKE
from sbir_cli.search import Question
from sbir_cli.storage.names import printable
from sbir_cli.web.asking import Asked, OnePhoto, Steer
from sbir_cli.web.watched import Version, WatchedGallery

_FIT = SketchConfig(fit=True)  # as `sbir query` does
_SURE = 95  # percentile of drawings of nothing


class Finder:
    """Answers the page's questions from one or several galleries.

    Args:
        galleries: by what the page calls them; the first is shown first.
    """

    def __init__(self, galleries: Sequence[WatchedGallery]) -> None:
        self.galleries = {gallery.key: gallery for gallery in galleries}
        self._newest: dict[str, int] = {}
        self._lock = threading.Lock()

    def announce(self, asked: Asked) -> None:
        """Note a question before it waits for its turn, so that older ones need not have one."""
        with self._lock:
            self._newest.pop(asked.page, None)
            self._newest[asked.page] = asked.number
            if len(self._newest) > 1000:
                del self._newest[next(iter(self._newest))]

    def is_stale(self, asked: Asked) -> bool:
        """Whether its page has asked something newer."""
        return self._newest.get(asked.page, asked.number) != asked.number

    def gallery(self, key: str) -> WatchedGallery:
        """A gallery by its key.

        Raises:
            UsageError: there is none.
        """
        if key not in self.galleries:
            raise UsageError("no such gallery", remedy="reload the page")
        return self.galleries[key]

    def find(self, asked: Asked) -> dict[str, Any]:
        """The answer, ready for JSON, all of it from one version of the gallery.

        Raises:
            SbirError: the drawing cannot be read, or the question holds nothing.
        """
        watched = self.gallery(asked.gallery)
        version = watched.newest()
        more, less = (self._renumbered(s, watched, version) for s in (asked.more, asked.less))
        asked = replace(asked, more=more, less=less)
        sketch = _sketch(asked.like, "drawing")
        wanted = asked.offset + asked.count
        (answer,) = version.searcher.answers([_question(asked, sketch, version, wanted)])
        photos = version.searcher.gallery.manifest.photos
        return {
            "gallery": watched.key,
            "version": version.name,
            "photos": photos,
            "hits": [_shown(hit) for hit in answer.hits[asked.offset :]],
            "nothing": None if answer.hits or not asked.sure else f"{NOTHING_ALIKE.capitalize()}.",
            "further": len(answer.hits) == wanted < photos,
            "seen": _seen(sketch, version),
            "steer": {"more": _steers(more, watched), "less": _steers(less, watched)},
            "command": _command(asked, watched, wanted),
            "note": watched.trouble,
        }

    def explain(self, asked: OnePhoto, photo: Path) -> dict[str, Any]:
        """Which parts of the drawing look like which parts of the photo, ready for JSON: the
        picture of `sbir explain`. The first time loads the model in torch, which takes seconds.

        Raises:
            UsageError: there is no drawing.
            SbirError: the drawing or the photo cannot be read, or the model not be loaded.
        """
        sketch = _sketch(asked.like, "drawing")
        if sketch is None:
            raise UsageError("only a drawing can be compared with a photo: draw what you look for")
        if not photo.exists():
            raise ImageError("the photo is gone")
        searcher = self.gallery(asked.gallery).newest().searcher
        try:
            why = searcher.explain(sketch, photo)
        except ImageError as error:
            raise ImageError(error.what, where=printable(photo.name)) from error
        sheet = picture(why)
        return {
            "picture": data_uri(sheet, "PNG", max(sheet.size)),
            "pairs": min(len(why.pairs), LINES),
            "meaning": MEANING,
        }

    def _renumbered(
        self, steers: Sequence[Steer], watched: WatchedGallery, version: Version
    ) -> tuple[Steer, ...]:
        """The photos that steer, by their numbers in this version; those that left are dropped."""
        kept = []
        for steer in steers:
            old = watched.version(steer.version)
            if old is version:
                kept.append(steer)
            elif old is not None:
                number = version.searcher.gallery.id_of(old.path(steer.id))
                if number is not None:
                    kept.append(replace(steer, id=number, version=version.name))
        return tuple(kept)


def _sketch(data: bytes | None, name: str) -> Sketch | None:
    return None if data is None else read_sketches(name, data, _FIT)[0]


def _question(asked: Asked, sketch: Sketch | None, version: Version, top: int) -> Question:
    unlike = _sketch(asked.unlike, "the drawing of what it is not")
    embedding = version.searcher.photo
    return Question(
        sketch=sketch,
        words=asked.words,
        weight=asked.weight,
        unlike_sketches=() if unlike is None else (unlike,),
        like=tuple(embedding(steer.id) for steer in asked.more),
        unlike=tuple(embedding(steer.id) for steer in asked.less),
        mirror=asked.mirror,
        config=QueryConfig(
            top=top,
            min_share=None if asked.sure else asked.cut or None,
            min_percentile=_SURE if asked.sure else None,
            where=asked.where or None,
            dedupe=asked.dedupe,
        ),
    )


def _shown(hit: Hit) -> dict[str, Any]:
    return {
        "id": hit.id,
        "rank": hit.rank,
        "score": hit.score,
        "path": printable(str(hit.path)),
        "name": printable(hit.path.name),
        "key": os.fsencode(hit.path).decode("latin-1"),  # any name, told apart by its bytes
        "folded": hit.folded,
    }


def _seen(sketch: Sketch | None, version: Version) -> str | None:
    if sketch is None:
        return None
    return data_uri(sketch.image, "PNG", max(version.searcher.encoder.preprocess.size))


def _steers(steers: Sequence[Steer], watched: WatchedGallery) -> list[dict[str, Any]]:
    return [{**asdict(steer), "gallery": watched.key} for steer in steers]


def _command(asked: Asked, watched: WatchedGallery, top: int) -> str:
    """What gives the same list in a terminal, once the drawings are saved."""
    suffix = _suffix(asked.like or b"")
    words = ["sbir", "query"]
    words += [f"drawing.{suffix}"] if asked.like is not None else []
    words += [] if watched.is_bundled else ["-i", watched.named]
    words += ["--top", str(top)]
    words += ["--text", asked.words] if asked.words else []
    both = asked.words and (asked.like is not None or asked.more)
    words += ["--weight", f"{asked.weight:g}"] if both else []
    if asked.unlike is not None:
        words += ["--not", f"not.{_suffix(asked.unlike)}"]
    for option, steers in (("--like", asked.more), ("--unlike", asked.less)):
        for steer in steers:
            words += [option, str(steer.id)]
    words += ["--mirror"] if asked.mirror else []
    words += ["--dedupe"] if asked.dedupe else []
    words += ["--where", asked.where] if asked.where else []
    least = f"p{_SURE}" if asked.sure else f"{asked.cut:.0%}" if asked.cut else ""
    words += ["--min-score", least] if least else []
    return " ".join(shlex.quote(word) for word in words)


def _suffix(drawing: bytes) -> str:
    """Of the saved file that holds the very question: strokes as they were drawn, or pixels."""
    return "ndjson" if drawing.startswith(b"{") else "png"
