"""Render the example photos with Blender's Cycles.

    python making/make_photos.py [--only CLASS] [--count N] [--force] [--contours DIR]

Needs `pip install bpy pillow numpy`. Photos that exist are skipped.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
sys.path.insert(0, str(HERE))

from PIL import Image  # noqa: E402
from rendering import contours, scene  # noqa: E402
from rendering.catalogue import CLASSES  # noqa: E402
from rendering.subject import Subject  # noqa: E402


def make_photo(name: str, number: int, photo: Path, outline: Path | None, samples: int) -> None:
    """Build, photograph and, if asked, outline one instance of a class."""
    build, shot = CLASSES[name]
    scene.clear()
    subject = Subject(name, number)
    build(subject)
    camera = scene.stage(subject, shot)
    if outline is not None:
        contours.save(outline, subject, camera)
    if samples == 0:
        return
    with tempfile.TemporaryDirectory() as folder:
        png = Path(folder) / "render.png"
        scene.render(png, samples)
        photo.parent.mkdir(parents=True, exist_ok=True)
        Image.open(png).convert("RGB").save(photo, quality=88, optimize=True)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(CLASSES), action="append", help="a class to make")
    parser.add_argument("--count", type=int, default=8, help="instances of each class")
    parser.add_argument("--number", type=int, action="append", help="an instance to make")
    parser.add_argument("--force", action="store_true", help="replace photos that exist")
    parser.add_argument("--samples", type=int, default=16, help="per pixel; 0 makes no photo")
    parser.add_argument("--contours", type=Path, help="also write what make_sketches.py needs here")
    parser.add_argument("--out", type=Path, default=EXAMPLES / "photos")
    return parser.parse_args()


def main() -> None:
    """Make every photo that is missing."""
    args = parse_arguments()
    for name in args.only or CLASSES:
        for number in args.number or range(1, args.count + 1):
            photo = args.out / name / f"{name}_{number}.jpg"
            outline = args.contours and args.contours / f"{name}_{number}.npz"
            done = photo.exists() and (outline is None or outline.exists())
            if done and not args.force:
                continue
            start = time.perf_counter()
            make_photo(name, number, photo, outline, args.samples)
            print(f"{photo.name} {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
