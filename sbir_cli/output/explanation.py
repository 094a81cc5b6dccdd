"""Why a photo was found: as a picture, a page, or its pairs as JSON."""

from __future__ import annotations

import io
import json
from html import escape

import numpy as np

from sbir_cli import __version__
from sbir_cli.explanation import MEANING, Explanation, colour, picture
from sbir_cli.imaging.thumbnails import data_uri
from sbir_cli.storage.names import printable

SCHEMA = 1
_SIDE = 480  # of a picture on the page

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="sbir {version}">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }}
body {{ margin: 2rem auto; max-width: 64rem; padding: 0 1rem; }}
h1 {{ font-size: 1.2rem; font-weight: 600; overflow-wrap: anywhere; }}
svg, img {{ width: 100%; height: auto; background: #fff; border-radius: 6px; }}
line {{ stroke-width: 3; }} g:hover line, g:focus line {{ stroke-width: 9; }}
circle {{ stroke: #fff; stroke-width: 2; }}
td, th {{ padding: .1rem .8rem; text-align: right; }}
</style>
<h1>{title}</h1>
<p>Score {score:.3f}. {meaning}</p>
{lines}
<h2>Heat maps</h2>
<img src="{heat}" alt="above, sketch and photo with lines; below, where each is like the other">
<h2>Pairs</h2>
<table><tr><th>similarity</th><th>sketch x, y</th><th>photo x, y</th></tr>
{rows}
</table>
</html>
"""


def as_png(why: Explanation) -> bytes:
    """The picture as PNG."""
    buffer = io.BytesIO()
    picture(why).save(buffer, "PNG")
    return buffer.getvalue()


def as_json(why: Explanation, sketch: str, photo: str, model: str) -> str:
    """One JSON object of schema 1; x and y are shares of the width and height of the square drawing
    that the model sees and of the upright photo, from the top left."""
    pairs = [
        {
            "sketch": {"x": pair.sketch[0], "y": pair.sketch[1]},
            "photo": {"x": pair.photo[0], "y": pair.photo[1]},
            "similarity": pair.similarity,
        }
        for pair in why.pairs
    ]
    head = {"schema": SCHEMA, "sketch": sketch, "photo": photo, "model": model}
    return json.dumps({**head, "score": round(why.score, 6), "pairs": pairs}) + "\n"


def as_html(why: Explanation, sketch: str, photo: str) -> str:
    """One file that holds its pictures; a line under the pointer tells its similarity."""
    rows = "\n".join(
        "<tr><td>{:.3f}</td><td>{:.2f}, {:.2f}</td><td>{:.2f}, {:.2f}</td></tr>".format(
            pair.similarity, *pair.sketch, *pair.photo
        )
        for pair in why.pairs
    )
    return _PAGE.format(
        version=__version__,
        title=escape(printable(f"{sketch} and {photo}")),
        score=why.score,
        meaning=MEANING,
        lines=_lines(why),
        heat=data_uri(picture(why), "PNG", 2 * _SIDE),
        rows=rows,
    )


def _lines(why: Explanation) -> str:
    """Both pictures side by side in one drawing, with the lines over them."""
    sizes = [np.array(i.size) * (_SIDE / max(i.size)) for i in (why.sketch, why.photo)]
    starts = (np.zeros(2), np.array([sizes[0][0] + 20, 0]))
    addresses = data_uri(why.sketch, "PNG", _SIDE), data_uri(why.photo, "JPEG", _SIDE)
    pictures = "".join(
        f'<image href="{address}" x="{start[0]:.0f}" y="0" '
        f'width="{size[0]:.0f}" height="{size[1]:.0f}"/>'
        for address, start, size in zip(addresses, starts, sizes, strict=True)
    )
    drawn = []
    for pair in why.pairs:
        (x1, y1), (x2, y2) = (
            start + size * np.array(spot)
            for start, size, spot in zip(starts, sizes, (pair.sketch, pair.photo), strict=True)
        )
        paint = "rgb({}, {}, {})".format(*colour(pair))
        ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{paint}"'
        spots = "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{paint}"/>'
            for x, y in ((x1, y1), (x2, y2))
        )
        said = f"<title>similarity {pair.similarity:.3f}</title>"
        drawn.append(f'<g tabindex="0">{said}<line {ends}/>{spots}</g>')
    width, height = starts[1][0] + sizes[1][0], max(size[1] for size in sizes)
    inside = pictures + "".join(drawn)
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img">{inside}</svg>'
