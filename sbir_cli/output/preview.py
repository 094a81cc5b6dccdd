"""Answers as pictures in the terminal."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.text import Text

from sbir_cli.errors import ImageError
from sbir_cli.gallery import Hit
from sbir_cli.imaging.images import read_photo
from sbir_cli.search import Answer
from sbir_cli.storage.names import printable

_SIDE, _GAP = 192, 8  # pixels of a photo, and beside it
_CELLS = 20  # columns of the terminal that a photo takes
_MOST = 8  # photos in a row


def print_preview(answers: list[Answer], console: Console) -> None:
    """The photos of each answer in rows, best first, by what the terminal can show: Kitty's
    graphics, Sixel (iTerm2 and others) or coloured half blocks.

    Raises:
        ImportError: textual-image is missing (`pip install 'sbir[preview]'`).
    """
    from textual_image.renderable import Image as Inline

    for answer in answers:
        if not answer.hits:
            continue
        columns = max(min(console.width // _CELLS, _MOST, len(answer.hits)), 1)
        if len(answers) > 1:
            console.print(Text(printable(answer.name)))
        console.print(
            Inline(sheet(answer.hits, columns), width=min(columns * _CELLS, console.width))
        )


def sheet(hits: list[Hit], columns: int) -> Image.Image:
    """The photos in rows, each with its rank; one that cannot be read leaves its place grey."""
    step = _SIDE + _GAP
    rows = -(-len(hits) // columns)
    image = Image.new("RGB", (columns * step, rows * step), "black")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(22)
    for place, hit in enumerate(hits):
        left, top = place % columns * step + _GAP // 2, place // columns * step + _GAP // 2
        photo = _photo(hit)
        spot = left + (_SIDE - photo.width) // 2, top + (_SIDE - photo.height) // 2
        image.paste(photo, spot)
        label = str(hit.rank)
        width = round(font.getlength(label)) + 12
        pen.rectangle((left, top, left + width, top + 28), fill="black")
        pen.text((left + 6, top + 1), label, fill="white", font=font)
    return image


def _photo(hit: Hit) -> Image.Image:
    try:
        photo = read_photo(hit.path, reduce_to=_SIDE)
    except ImageError:
        return Image.new("RGB", (_SIDE, _SIDE), "dimgrey")
    photo.thumbnail((_SIDE, _SIDE))
    return photo
