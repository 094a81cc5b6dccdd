"""Does a drawing find its class whatever it comes in? Conditions down, class first and in five.

    python benchmarks/conditions.py [--pictures FOLDER] [--only TEXT] [--json FILE]

Protocol: 30 example sketches against the prebuilt gallery: of each class, in alphabetical order,
the first sketch whose class comes first when it is plain, until there are 30. Each is drawn anew
from its strokes and held up in every condition (`held_up/`); the seed is the condition's name.
`--pictures` writes, for each condition, one sketch as it comes and as the model sees it.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from held_up.conditions import CONDITIONS
from held_up.pages import Stroke
from PIL import Image

from sbir_cli.config import QueryConfig, SketchConfig
from sbir_cli.errors import ImageError
from sbir_cli.imaging import vector
from sbir_cli.imaging.sketches import Sketch, read_sketches
from sbir_cli.search import Question, Searcher

SKETCHES = Path(__file__).parents[1] / "examples" / "sketches"
COUNT = 30


class Ranks:
    """Ranks classes for drawings, on the prebuilt gallery."""

    def __init__(self) -> None:
        self.searcher = Searcher.open()
        self.config = QueryConfig(top=self.searcher.gallery.manifest.photos)

    def of(self, files: Sequence[tuple[bytes, str]]) -> list[tuple[int, Image.Image | None]]:
        """For each file and its class: the rank of the first photo of the class, and what the
        model was shown; a drawing that cannot be read is told on stderr and ranked last."""
        sketches: list[Sketch | None] = []
        for data, name in files:
            try:
                sketches += read_sketches("-", data, SketchConfig(fit=True))
            except ImageError as error:
                print(f"{name}: {error}", file=sys.stderr)
                sketches.append(None)
        read = [sketch for sketch in sketches if sketch is not None]
        answers = self.searcher.answers(Question(sketch, self.config) for sketch in read)
        found: list[tuple[int, Image.Image | None]] = []
        for sketch, (_, name) in zip(sketches, files, strict=True):
            if sketch is None:
                found.append((10**6, None))
                continue
            hits = next(answers).hits
            rank = next(hit.rank for hit in hits if hit.path.parent.name == name)
            found.append((rank, sketch.image))
        return found


def hold_up(strokes: Sequence[Stroke], name: str, seed: int) -> bytes:
    """The file of one drawing in one condition."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), seed])
    buffer = io.BytesIO()
    CONDITIONS[name](strokes, rng).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def choose(ranks: Ranks) -> list[tuple[str, list[Stroke]]]:
    """Classes and strokes of the drawings that take part."""
    chosen = []
    for folder in sorted(SKETCHES.iterdir()):
        drawn = [vector.parse_svg(path.read_bytes()) for path in sorted(folder.glob("*.svg"))]
        files = [(hold_up(strokes, "plain", 0), folder.name) for strokes in drawn]
        first = [s for s, (rank, _) in zip(drawn, ranks.of(files), strict=True) if rank == 1]
        chosen += [(folder.name, strokes) for strokes in first[:1]]
    return chosen[:COUNT]


def show(data: bytes, seen: Image.Image | None, path: Path) -> None:
    """A picture as it comes and as it is seen, side by side."""
    page = Image.new("RGB", (820, 410), "silver")
    came = Image.open(io.BytesIO(data)).convert("RGBA")
    for image, left in ((came, 5), (seen, 415)):
        if image is not None:
            small = image.convert("RGBA")
            small.thumbnail((400, 400))
            page.paste(small, (left, 5), small)
    page.save(path)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="write example pictures to this folder")
    parser.add_argument("--only", default="", help="conditions whose name has this in it")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    ranks = Ranks()
    drawings = choose(ranks)
    table: dict[str, dict[str, int]] = {}
    print(f"{'condition':42} {'first':>5} {'in five':>7}   not first, of {len(drawings)}")
    for name in [name for name in CONDITIONS if options.only in name]:
        files = [(hold_up(strokes, name, i), label) for i, (label, strokes) in enumerate(drawings)]
        found = ranks.of(files)
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            i = zlib.crc32(name.encode()) % len(files)
            show(files[i][0], found[i][1], options.pictures / f"{name}.png")
        table[name] = {
            "first": sum(rank == 1 for rank, _ in found),
            "in five": sum(rank <= 5 for rank, _ in found),
        }
        missed = [label for (label, _), (rank, _) in zip(drawings, found, strict=True) if rank > 1]
        counts = f"{table[name]['first']:5} {table[name]['in five']:7}"
        print(f"{name:42} {counts}   {', '.join(missed)}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
