"""Are photos told from screenshots, and near-duplicates from different photos?

    python benchmarks/photo_contents.py PHOTOS... [--most 1500] [--json contents.json]

Protocol: up to `--most` photos, drawn by seed, that are known to be photos and different from each
other. Counted: those taken for a screenshot or a graphic; pairs taken for near-duplicates; copies
of which a strip of 2, 4 or 8 % of each side is cut off somewhere, turned by up to as many
fifths of a degree and made up to 8 % lighter or darker, that are taken for near-duplicates of the
original; and drawn screens (text, panels and in every second a photo) taken for graphics, as PNG
and as JPEG of quality 75. No real screenshot is at hand.
"""

from __future__ import annotations

import argparse
import io
import json
import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from sbir_cli.datasets import read_photos
from sbir_cli.datasets.photo_contents import is_graphic, near_duplicates, small_image
from sbir_cli.imaging.images import read_photo

_SCREENS = ((1170, 2532), (1920, 1080), (1440, 900))
_TEXT = ("a", "line", "of", "words", "that", "stands", "on", "a", "screen", "and", "says", "what")


def main() -> None:
    """Count, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=1500)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    draw = random.Random(0)
    paths = read_photos(options.photos).photos
    paths = draw.sample(paths, min(options.most, len(paths)))
    images = [read_photo(path, reduce_to=64) for path in paths]
    small = np.stack([small_image(image) for image in images])
    groups = near_duplicates(small)
    result: dict[str, float] = {
        "photos": len(images),
        "taken for graphics": sum(map(is_graphic, images)),
        "taken for near-duplicates of others": len(images) - len(np.unique(groups)),
    }
    for percent in (2, 4, 8):
        moved = np.stack([small_image(_moved(image, percent / 100, draw)) for image in images])
        pairs = (near_duplicates(np.stack(pair)) for pair in zip(small, moved, strict=True))
        found = sum(int(pair[0] == pair[1]) for pair in pairs)
        result[f"copies moved by {percent} % that are told, %"] = round(
            100 * found / len(images), 1
        )
    screens = [_screen(draw, images) for _ in range(60)]
    result["screens of 60 told, PNG"] = sum(map(is_graphic, screens))
    result["screens of 60 told, JPEG"] = sum(is_graphic(_as_jpeg(screen)) for screen in screens)
    for name, value in result.items():
        print(f"{name:40} {value}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


def _moved(image: Image.Image, share: float, draw: random.Random) -> Image.Image:
    x, y = (int(side * share * draw.random()) for side in image.size)
    width, height = (int(side * (1 - share)) for side in image.size)
    part = image.crop((x, y, x + width, y + height))
    part = part.rotate(draw.uniform(-20, 20) * share, Image.Resampling.BILINEAR)
    return ImageEnhance.Brightness(part).enhance(draw.uniform(0.92, 1.08))


def _screen(draw: random.Random, photos: list[Image.Image]) -> Image.Image:
    width, height = draw.choice(_SCREENS)
    paper, ink = draw.choice((((255, 255, 255), (20, 20, 20)), ((18, 18, 20), (235, 235, 240))))
    screen = Image.new("RGB", (width, height), paper)
    pen = ImageDraw.Draw(screen)
    y = 30
    while y < height - 40:
        if draw.random() < 0.3:
            box = (20, y - 6, int(width * draw.uniform(0.4, 0.9)), y + 50)
            pen.rounded_rectangle(box, 20, fill=tuple(draw.randrange(256) for _ in range(3)))
        words = " ".join(draw.choices(_TEXT, k=draw.randrange(2, 14)))
        pen.text((30, y), words, ink, ImageFont.load_default(draw.choice((14, 20, 32))))
        y += draw.randrange(30, 90)
    if draw.random() < 0.5:
        photo = draw.choice(photos).resize((width // 3, width // 3))
        screen.paste(photo, (width // 2, height // 2))
    return screen


def _as_jpeg(image: Image.Image) -> Image.Image:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=75)
    return Image.open(data).convert("RGB")


if __name__ == "__main__":
    main()
