"""Answers as one HTML file that holds its pictures: the sketch, then photos with rank and score."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path

from sbir_cli import __version__
from sbir_cli.errors import ImageError
from sbir_cli.gallery import Hit
from sbir_cli.imaging.thumbnails import data_uri, photo_uri
from sbir_cli.output.answers import shown_path
from sbir_cli.search import Answer
from sbir_cli.storage.names import printable

STYLE = """.answer { display: grid; grid-template-columns: 150px 1fr; gap: 1.2rem;
  margin-bottom: 2.5rem; }
.hits { display: flex; flex-wrap: wrap; gap: .8rem; }
figure { margin: 0; width: 150px; }
figure img, .missing { width: 150px; height: 150px; object-fit: cover; border-radius: 6px;
  background: #8882; display: block; }
.sketch img { object-fit: contain; background: #fff; outline: 2px solid #d33; }
.match img, .match .missing { outline: 4px solid #2a4; }
.missing { display: grid; place-items: center; font-size: .8rem; }
figcaption { font-size: .8rem; overflow-wrap: anywhere; }
figcaption b { font-size: .95rem; }
figure a { color: inherit; text-decoration: none; }
"""
"""How a page shows answers."""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="sbir {version}">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }}
body {{ margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }}
h1 {{ font-size: 1.2rem; font-weight: 600; }}
{style}</style>
<h1>{title}</h1>
{sections}
</html>
"""


def contact_sheet(
    answers: Iterable[Answer],
    title: str = "Photos found by sketch",
    matches: Callable[[Answer, Hit], bool] = lambda answer, hit: False,
) -> str:
    """A self-contained HTML page; a photo that is gone leaves a labelled gap.

    Args:
        matches: tells which photos are framed.
    """
    sections = "\n".join(shown(answer, matches) for answer in answers)
    return _PAGE.format(version=__version__, title=escape(title), style=STYLE, sections=sections)


def shown(answer: Answer, matches: Callable[[Answer, Hit], bool], *, linked: bool = True) -> str:
    """One answer: the sketch, then its photos; STYLE is what it looks like.

    Args:
        matches: tells which photos are framed.
        linked: each picture leads to its file, by the place that it has on this machine.
    """
    name = escape(printable(answer.name))
    picture = ""
    if answer.sketch is not None:
        picture = f'<img src="{data_uri(answer.sketch.image, "PNG")}" alt="sketch {name}">'
    caption = escape(printable(Path(answer.name).name))
    sketch = f'<figure class="sketch" title="{name}">{picture}<figcaption>{caption}</figcaption>'
    hits = "\n".join(_figure(hit, matches(answer, hit), linked) for hit in answer.hits)
    return f'<section class="answer">{sketch}</figure><div class="hits">{hits}</div></section>'


def _figure(hit: Hit, framed: bool, linked: bool) -> str:
    path = escape(printable(shown_path(hit.path) if linked else hit.path.name))
    try:
        picture = f'<img src="{photo_uri(hit.path)}" alt="{path}" loading="lazy">'
    except ImageError as error:
        picture = f'<div class="missing">{escape(error.what)}</div>'
    caption = f"<b>{hit.rank}</b> &middot; {hit.score:.3f}<br>{escape(printable(hit.path.name))}"
    link = (
        f'<a href="{escape(hit.path.as_uri())}" title="{path}">{picture}</a>' if linked else picture
    )
    opening = '<figure class="match">' if framed else "<figure>"
    return f"{opening}{link}<figcaption>{caption}</figcaption></figure>"
