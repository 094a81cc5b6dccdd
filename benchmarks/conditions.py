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
from sbir_cli.encoder import SketchEncoder, load_sketch_encoder
from sbir_cli.errors import ImageError
from sbir_cli.gallery import Gallery
from sbir_cli.imaging import vector
from sbir_cli.imaging.sketches import read_sketches
from sbir_cli.storage import resources

SKETCHES = Path(__file__).parents[1] / "examples" / "sketches"
COUNT = 30


class Searcher:
    """Ranks classes for a drawing."""

    def __init__(self) -> None:
        self.gallery = Gallery.open(resources.bundled_index())
        self.encoder: SketchEncoder = load_sketch_encoder()
        self.config = QueryConfig(top=self.gallery.manifest.photos)

    def rank(self, data: bytes, name: str) -> tuple[int, Image.Image | None]:
        """The rank of the first photo of this class, and what the model was shown."""
        try:
            sketch = read_sketches("-", data, SketchConfig(fit=True))[0].image
        except ImageError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 10**6, None
        pixels = self.encoder.preprocess(sketch)
        hits = self.gallery.nearest(
            self.encoder.encode_sketches(pixels[None]), self.encoder, self.config
        )[0]
        return next(hit.rank for hit in hits if hit.path.parent.name == name), sketch


def hold_up(strokes: Sequence[Stroke], name: str, seed: int) -> bytes:
    """The file of one drawing in one condition."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), seed])
    buffer = io.BytesIO()
    CONDITIONS[name](strokes, rng).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def choose(searcher: Searcher) -> list[tuple[str, list[Stroke]]]:
    """Classes and strokes of the drawings that take part."""
    chosen = []
    for folder in sorted(SKETCHES.iterdir()):
        for path in sorted(folder.glob("*.svg")):
            strokes = vector.parse_svg(path.read_bytes())
            if searcher.rank(hold_up(strokes, "plain", 0), folder.name)[0] == 1:
                chosen.append((folder.name, strokes))
                break
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
    parser.add_argument("--all-pictures", action="store_true", help="of every drawing")
    parser.add_argument("--only", default="", help="conditions whose name has this in it")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    searcher = Searcher()
    drawings = choose(searcher)
    table: dict[str, dict[str, object]] = {}
    print(f"{'condition':42} {'first':>5} {'in five':>7}   not first, of {len(drawings)}")
    for name in [name for name in CONDITIONS if options.only in name]:
        ranks = {}
        for seed, (label, strokes) in enumerate(drawings):
            data = hold_up(strokes, name, seed)
            ranks[label], seen = searcher.rank(data, label)
            if options.pictures and (
                options.all_pictures or seed == zlib.crc32(name.encode()) % 30
            ):
                options.pictures.mkdir(parents=True, exist_ok=True)
                show(data, seen, options.pictures / f"{name}-{label}.png")
        missed = [label for label, rank in ranks.items() if rank > 1]
        table[name] = {
            "first": sum(rank == 1 for rank in ranks.values()),
            "in five": sum(rank <= 5 for rank in ranks.values()),
        }
        counts = f"{table[name]['first']:5} {table[name]['in five']:7}"
        print(f"{name:42} {counts}   {', '.join(missed)}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n")


if __name__ == "__main__":
    main()
