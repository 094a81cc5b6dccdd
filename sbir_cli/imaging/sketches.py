"""Sketches from files, bytes or strokes to the square black-on-white image the encoder sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sbir_cli.config import SketchConfig
from sbir_cli.errors import ImageError
from sbir_cli.imaging import containers, images, vector
from sbir_cli.imaging.drawing import normalise, prepare
from sbir_cli.imaging.drawing_files import drawing_bytes

_PAINTED_SIDE = 512  # pixels


@dataclass(frozen=True)
class Sketch:
    """One drawing: `name` is its path (`path#3` for the third line of an ndjson file, `-` for
    the standard input); `image` is square RGB, dark strokes on white."""

    name: str
    image: Image.Image


def read_sketches(
    name: str,
    data: bytes | None = None,
    config: SketchConfig | None = None,
    bad_lines: list[ImageError] | None = None,
) -> list[Sketch]:
    """All drawings of one file: one a line for ndjson, one for everything else.

    Args:
        name: a drawing's name (see `drawing_files`), or any label when `data` is given.
        data: the file's bytes, when they are at hand; the format is told from them.
        bad_lines: where errors of single lines of an ndjson file go; without it the first one is
            raised.

    Raises:
        ImageError: unreadable, of an unknown format, or blank; `where` names the drawing.
    """
    config = config or SketchConfig()
    data = drawing_bytes(Path(name)) if data is None else data
    try:
        content = containers.unpack(data)
    except ImageError as error:
        raise ImageError(error.what, where=name, remedy=error.remedy) from error
    lines = None
    if content.kind == "json":
        from sbir_cli.imaging import documents  # rarer than pictures: import when met

        lines = documents.split_lines(content.text)
    if lines is None:
        return [_read(name, content, config)]
    return _read_lines(name, lines, config, bad_lines)


def read_sketch(path: Path, config: SketchConfig | None = None) -> Sketch:
    """One drawing by its name, such as `cat.png` or `cat.ndjson#3`.

    Raises:
        ImageError: as `read_sketches`.
    """
    data = drawing_bytes(path)
    try:
        content = containers.unpack(data)
    except ImageError as error:
        raise ImageError(error.what, where=path, remedy=error.remedy) from error
    return _read(str(path), content, config or SketchConfig())


def sketch_of(image: Image.Image, name: str = "", config: SketchConfig | None = None) -> Sketch:
    """The sketch that a raster image of any size and mode is.

    Raises:
        ImageError: it is blank.
    """
    config = config or SketchConfig()
    return Sketch(name, prepare(image, config) if config.fit else normalise(image, config))


def mirrored(sketch: Sketch) -> Sketch:
    """The drawing seen in a mirror."""
    return Sketch(sketch.name, sketch.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


def draw(strokes: Sequence[vector.Stroke], config: SketchConfig | None = None) -> Image.Image:
    """The square image of some strokes, fitted to the canvas.

    Raises:
        ImageError: there is nothing to see.
    """
    return normalise(vector.rasterise(strokes, config), config)


def _read_lines(
    name: str,
    lines: list[tuple[int, str]],
    config: SketchConfig,
    bad_lines: list[ImageError] | None,
) -> list[Sketch]:
    sketches = []
    for number, line in lines:
        try:
            content = containers.Content("json", line.encode())
            sketches.append(_read(f"{name}#{number}", content, config))
        except ImageError as error:
            if bad_lines is None:
                raise
            bad_lines.append(error)
    return sketches


def _read(name: str, content: containers.Content, config: SketchConfig) -> Sketch:
    try:
        if content.kind == "raster":
            return sketch_of(images.read_image(content.data), name, config)
        from sbir_cli.imaging import documents, painting

        drawn = content.data
        if content.kind == "json":
            document = documents.read_document(content.text)
            if isinstance(document, list):
                return Sketch(name, draw(document, config))
            drawn = document
        return Sketch(name, prepare(painting.paint(drawn, _PAINTED_SIDE), config, tight=True))
    except ImageError as error:
        raise ImageError(error.what, where=name, remedy=error.remedy) from error
