"""How long does it take to say what a data set is? Sketchy's size, in empty files.

    python benchmarks/datasets.py [--json datasets.json]

Protocol: a tree as Sketchy is handed around (125 classes, 100 photos each with their sketches, the
extended folder with its own photos and the originals once more), 75,471 sketches and 85,502 photo
files of 73,002 photos, made in a temporary folder. Wall-clock and processor seconds of reading it
(no file is opened) and of comparing it with the published counts, as `sbir evaluate --check` does.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from sbir_cli.datasets import check, read_dataset, resolve_split
from sbir_cli.datasets.published import published_classes, published_totals


def main() -> None:
    """Make the tree, and time reading it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_sketchy(Path(folder))
        wall, cpu = time.perf_counter(), time.process_time()
        data = read_dataset(Path(folder), "sketchy")
        found = check(data, resolve_split(data, None))
        result = {
            "sketches": len(data.sketches),
            "photos": len(data.photos),
            "counts compared": len(found.counts),
            "wall clock, s": round(time.perf_counter() - wall, 2),
            "processor, s": round(time.process_time() - cpu, 2),
        }
    for name, value in result.items():
        print(f"{name:20} {value}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def make_sketchy(root: Path) -> None:
    """Empty files, as many as Sketchy has, evenly in its classes."""
    classes, totals = published_classes("sketchy"), published_totals("sketchy")
    originals = totals.paired_photos // len(classes)
    for number, name in enumerate(classes):
        sketches = _share(totals.sketches, number, len(classes))
        extra = _share(totals.photos - totals.paired_photos, number, len(classes))
        photos = [f"n0_{i}" for i in range(originals)]
        drawn = [f"n0_{i % originals}-{i // originals}.png" for i in range(sketches)]
        _touch(root / "256x256" / "sketch" / "tx_000000000000" / name, drawn)
        _touch(root / "256x256" / "photo" / "tx_000000000000" / name, [f"{p}.jpg" for p in photos])
        photos += [f"ext_{i}" for i in range(extra)]
        _touch(root / "EXTEND_image_sketchy" / name, [f"{p}.jpg" for p in photos])


def _share(total: int, part: int, parts: int) -> int:
    return total * (part + 1) // parts - total * part // parts


def _touch(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch()


if __name__ == "__main__":
    main()
