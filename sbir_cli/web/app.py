"""The page's addresses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sbir_cli.errors import ImageError, SbirError
from sbir_cli.storage import resources
from sbir_cli.web.asking import OnePhoto, parse, parse_photo
from sbir_cli.web.finding import Finder
from sbir_cli.web.reading import read_drawing
from sbir_cli.web.thumbnails import SIDES, Thumbnails
from sbir_cli.web.watched import WatchedGallery

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_SEARCHES, _PICTURES, _READS, _REASONS = 2, 2, 1, 1  # at a time; the rest wait
_EXAMPLES = ("guitar", "hourglass", "chair", "sailboat", "umbrella", "ice_cream", "fish", "cup")
_UPDATED = "the gallery was updated; ask again"

Reveal = Callable[[Path], None]


class DrawingPage:
    """The Starlette application of some galleries.

    Args:
        galleries: what can be searched.
        reveal: shows a photo in the file manager; None where that would be another machine's.
    """

    def __init__(self, galleries: Sequence[WatchedGallery], reveal: Reveal | None = None) -> None:
        self.finder, self.reveal = Finder(galleries), reveal
        self.thumbnails = Thumbnails()
        self._static = _static_files()
        self._examples: list[dict[str, Any]] | None = None
        self._searches, self._pictures, self._reads, self._reasons = (
            CapacityLimiter(count) for count in (_SEARCHES, _PICTURES, _READS, _REASONS)
        )
        self.app = Starlette(
            routes=[
                Route("/", self._index),
                Route("/static/{name}", self._file),
                Route("/api/start", self._start),
                Route("/api/words", self._words),
                Route("/api/find", self._find, methods=["POST"]),
                Route("/api/explain", self._explain, methods=["POST"]),
                Route("/api/read", self._read, methods=["POST"]),
                Route("/api/reveal", self._reveal, methods=["POST"]),
                Route("/photo/{gallery}/{version}/{photo:int}/{size}", self._photo),
            ],
            exception_handlers={SbirError: _refused, Exception: _failed, 404: _unknown},
        )

    async def _index(self, request: Request) -> Response:
        return self._served("index.html")

    async def _file(self, request: Request) -> Response:
        return self._served(request.path_params["name"])

    def _served(self, name: str) -> Response:
        if name not in self._static:
            return _error(404, "no such page")
        return Response(self._static[name], media_type=_TYPES[Path(name).suffix])

    async def _start(self, request: Request) -> Response:
        if self._examples is None:
            self._examples = await to_thread.run_sync(_examples)
        galleries = [
            {
                "id": gallery.key,
                "name": gallery.name,
                "photos": gallery.newest().searcher.gallery.manifest.photos,
            }
            for gallery in self.finder.galleries.values()
        ]
        facts = {
            "galleries": galleries,
            "reveal": self.reveal is not None,
            "examples": self._examples,
        }
        return JSONResponse(facts)

    async def _words(self, request: Request) -> Response:
        """Load what understands words, before the first one is written."""
        for gallery in self.finder.galleries.values():
            await to_thread.run_sync(gallery.newest().searcher.ready_for_words)
        return JSONResponse({})

    async def _find(self, request: Request) -> Response:
        asked = parse(await request.body())
        self.finder.announce(asked)
        async with self._searches:
            if self.finder.is_stale(asked):
                return _error(409, "a newer question was asked")
            return JSONResponse(await to_thread.run_sync(self.finder.find, asked))

    async def _explain(self, request: Request) -> Response:
        asked = parse_photo(await request.body())
        photo = self._path(asked)
        if photo is None:
            return _error(410, _UPDATED)
        async with self._reasons:
            if await request.is_disconnected():  # turned to another photo meanwhile
                return _error(409, "nobody waits for it")
            return JSONResponse(await to_thread.run_sync(self.finder.explain, asked, photo))

    async def _read(self, request: Request) -> Response:
        name = request.query_params.get("name", "drawing")[:200]
        data = await request.body()
        return JSONResponse(await to_thread.run_sync(read_drawing, name, data, limiter=self._reads))

    async def _reveal(self, request: Request) -> Response:
        if self.reveal is None:
            return _error(403, "folders are opened only on the machine that shows the page")
        photo = self._path(parse_photo(await request.body()))
        if photo is None:
            return _error(410, _UPDATED)
        await to_thread.run_sync(self.reveal, photo)
        return JSONResponse({})

    async def _photo(self, request: Request) -> Response:
        given = request.path_params
        photo = self._path(OnePhoto(given["gallery"], given["version"], given["photo"], None))
        if photo is None:
            return _error(410, _UPDATED)
        size = next((size for size in SIDES if size == given["size"]), None)
        if size is None:
            return _error(404, "no such size")
        try:
            jpeg = await to_thread.run_sync(
                self.thumbnails.jpeg, photo, size, limiter=self._pictures
            )
        except (ImageError, OSError) as error:
            gone = isinstance(error, FileNotFoundError)
            return _error(404 if gone else 415, "the photo is gone" if gone else str(error))
        kept = {"Cache-Control": "private, max-age=3600, immutable"}
        return Response(jpeg, media_type="image/jpeg", headers=kept)

    def _path(self, asked: OnePhoto) -> Path | None:
        held = self.finder.gallery(asked.gallery).version(asked.version)
        return None if held is None else held.path(asked.id)


def _static_files() -> dict[str, bytes]:
    folder = files("sbir_cli.web") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def _examples() -> list[dict[str, Any]]:
    found = []
    for name in _EXAMPLES:
        path = resources.example_sketch(name)
        if path.is_file():
            drawing = read_drawing(path.name, path.read_bytes())
            found.append({"name": name.replace("_", " "), **drawing})
    return found


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)


async def _refused(request: Request, error: Exception) -> Response:
    return _error(422, str(error))


async def _unknown(request: Request, error: Exception) -> Response:
    return _error(404, "no such page")


async def _failed(request: Request, error: Exception) -> Response:
    logging.getLogger("sbir").debug("traceback", exc_info=error)
    return _error(500, f"internal error, {type(error).__name__}; `sbir -v draw` shows where")
