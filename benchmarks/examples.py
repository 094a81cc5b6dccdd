"""Do the example sketches find their class? Rank of the first photo of the sketch's own class.

    python benchmarks/examples.py [--json examples.json]

Protocol: every SVG sketch in examples/ against the whole prebuilt gallery. For the pairs: the rank
of the very photo a sketch was drawn from among the photos of its class (`fine-grained`).
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

from sbir_cli.search import Searcher

EXAMPLES = Path(__file__).parents[1] / "examples"


def main() -> None:
    """Search with each sketch and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    searcher = Searcher.open()
    class_ranks: dict[str, int] = {}
    pair_ranks: dict[str, int] = {}
    with (EXAMPLES / "pairs.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            sketch, photo = EXAMPLES / row["sketch"], EXAMPLES / row["photo"]
            hits = searcher.search(sketch, top=searcher.gallery.manifest.photos, fit=False).hits
            own = [hit for hit in hits if hit.path.parent.name == photo.parent.name]
            class_ranks[row["sketch"]] = own[0].rank
            pair_ranks[row["sketch"]] = [hit.path.name for hit in own].index(photo.name) + 1
    count = len(class_ranks)
    result = {
        "sketches": count,
        "own class first": sum(rank == 1 for rank in class_ranks.values()) / count,
        "own class in the first five": sum(rank <= 5 for rank in class_ranks.values()) / count,
        "own photo first in its class": sum(rank == 1 for rank in pair_ranks.values()) / count,
        "not in the first five": [name for name, rank in class_ranks.items() if rank > 5],
    }
    for name, value in result.items():
        print(f"{name:30} {value}")
    if options.json:
        options.json.write_text(json.dumps({**result, "ranks": class_ranks}, indent=2) + "\n")


if __name__ == "__main__":
    main()
