"""What `sbir query` can ask beside a drawing: its options, and the question they make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sbir_cli.config import QueryConfig, SketchConfig
    from sbir_cli.imaging.sketches import Sketch
    from sbir_cli.question import Vector
    from sbir_cli.search import Question, Searcher

_PANEL = "Richer questions"

Text = Annotated[
    str,
    typer.Option(
        "--text",
        "-t",
        metavar="WORDS",
        help="Words beside the drawing, or alone: 'red, on grass'. Each part of a question is "
        "divided by the spread of its scores over the gallery, so that drawing and words, whose "
        "scores lie on different scales, have the say that --weight gives them; the score is then "
        "the cosine with the whole question.",
        rich_help_panel=_PANEL,
    ),
]
Weight = Annotated[
    float,
    typer.Option(
        "--weight",
        envvar="SBIR_WEIGHT",
        help="Of the words beside drawing and photos, 0 to 1.",
        rich_help_panel=_PANEL,
    ),
]
Not = Annotated[
    list[str] | None,
    typer.Option(
        "--not",
        metavar="SKETCH|PHOTO|WORDS",
        help="What it is not: a photo of the gallery, another file's drawing, or words; may be "
        "repeated.",
        rich_help_panel=_PANEL,
    ),
]
Like = Annotated[
    list[str] | None,
    typer.Option(
        "--like",
        metavar="ID|PHOTO",
        help="More like this photo, beside the drawing or alone; may be repeated.",
        rich_help_panel=_PANEL,
    ),
]
Unlike = Annotated[
    list[str] | None,
    typer.Option(
        "--unlike",
        metavar="ID|PHOTO",
        help="Less like this photo; may be repeated.",
        rich_help_panel=_PANEL,
    ),
]
Mirror = Annotated[
    bool,
    typer.Option(
        "--mirror",
        envvar="SBIR_MIRROR",
        help="Look for the mirrored drawing too.",
        rich_help_panel=_PANEL,
    ),
]
Together = Annotated[
    bool,
    typer.Option(
        "--together",
        help="All sketches are one question: drawings of the same thing.",
        rich_help_panel=_PANEL,
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="GLOB",
        help="Only photos whose path in the gallery matches: '2024/*', '*beach*'.",
        rich_help_panel=_PANEL,
    ),
]
Dedupe = Annotated[
    bool,
    typer.Option(
        "--dedupe",
        envvar="SBIR_DEDUPE",
        help="Fold near-duplicates into the best of them; JSON Lines tell how many.",
        rich_help_panel=_PANEL,
    ),
]


@dataclass(frozen=True)
class Beside:
    """What is asked beside the drawings, as it was typed."""

    words: str
    weight: float
    unlike: Sequence[str]
    like_photos: Sequence[str]
    unlike_photos: Sequence[str]
    mirror: bool
    together: bool

    @property
    def stands_alone(self) -> bool:
        """Whether it is a question without a drawing."""
        return bool(self.words.strip() or self.like_photos)

    def questions(
        self,
        searcher: Searcher,
        drawings: Iterable[Sketch] | None,
        config: QueryConfig,
        reading: SketchConfig,
    ) -> Iterator[Question]:
        """A question for each drawing, as it is asked for, or one of them all.

        Args:
            drawings: None: what is asked stands alone.

        Raises:
            UsageError: an id or file that is not there.
            ImageError: a file of `--not` that cannot be read.
        """
        from sbir_cli.search import Question

        like = tuple(_photo(searcher, each, "--like") for each in self.like_photos)
        away, away_drawings, away_words = self._unlike(searcher, reading)
        away += [_photo(searcher, each, "--unlike") for each in self.unlike_photos]
        groups: Iterable[tuple[Sketch, ...]] = ((drawing,) for drawing in drawings or ())
        if self.together or drawings is None:
            groups = [tuple(drawings or ())]
        return (
            Question(
                sketch=group[0] if group else None,
                config=config,
                also=group[1:],
                words=self.words,
                weight=self.weight,
                like=like,
                unlike=tuple(away),
                unlike_sketches=tuple(away_drawings),
                unlike_words=tuple(away_words),
                mirror=self.mirror,
            )
            for group in groups
        )

    def _unlike(
        self, searcher: Searcher, reading: SketchConfig
    ) -> tuple[list[Vector], list[Sketch], list[str]]:
        """`--not` told apart: photos of the gallery, drawings, words."""
        from sbir_cli.imaging.sketches import read_sketches

        photos: list[Vector] = []
        drawings: list[Sketch] = []
        words: list[str] = []
        for each in self.unlike:
            if not _is_file(each, "--not"):
                words.append(each)
            elif searcher.gallery.id_of(Path(each)) is not None:
                photos.append(searcher.photo(each))
            else:
                drawings += read_sketches(each, config=reading)
        return photos, drawings, words


def _is_file(text: str, option: str) -> bool:
    """Whether it names a file; a file's name without the file is no word."""
    from sbir_cli.errors import UsageError
    from sbir_cli.imaging.images import PHOTO_SUFFIXES

    path = Path(text)
    try:
        if path.is_file():
            return True
    except (OSError, ValueError):  # longer than a name can be
        return False
    if path.suffix.lower() in PHOTO_SUFFIXES | {".svg", ".ndjson"}:
        raise UsageError(f"{option} {text}: no such file; name a drawing or photo, or write words")
    return False


def _photo(searcher: Searcher, text: str, option: str) -> Vector:
    from sbir_cli.errors import UsageError

    if text.isdecimal() and not Path(text).exists():
        return searcher.photo(int(text))
    if not Path(text).is_file():
        raise UsageError(f"{option} {text}: no such photo; give an id of the gallery or a file")
    return searcher.photo(text)
