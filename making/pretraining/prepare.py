"""Decode the training data once into arrays: ``python prepare.py --data DIR --work DIR``.

Writes into the work folder (N photos, M sketches, V variants of each sketch):

    photos.npy    (N, 64, 64, 3) uint8, RGB
    sketches.npy  (M, V, 64, 64) uint8, ink: 0 is white paper, 255 is a full black line
    labels.json   names, groups, and per photo and sketch their numbers; the photo of each sketch
    sketchy/      links to sketchy25 but for the held-out photos and their sketches, for
                  ``sbir train`` to learn prompts from (it leaves the unseen classes alone)
    held-out/     links to those, for ``sbir evaluate``
    validation/   links to the validation classes, likewise
"""

import argparse
import io
import json
import zipfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from names import VALIDATION, canonical, group_of, read_anchors, takes_part
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Bytes = NDArray[np.uint8]

SIZE = 64
VARIANTS = 24
# Widths in pixels of the line-thickening filter on a 256 px Sketchy sketch; each has VARIANTS / 4.
THICKENING = (1, 3, 5, 7)
PICTURE_ROWS, VIEW_ROWS = 8, 3  # photos made of each cut-out picture, by different grounds
HELD_OUT_PHOTOS = 4  # of each class of sketchy25, one of them with its sketches


@dataclass
class Labels:
    """What is known of each photo and sketch; numbers index ``names`` and ``groups``."""

    names: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    photo_name: list[int] = field(default_factory=list)
    photo_group: list[int] = field(default_factory=list)
    sketch_name: list[int] = field(default_factory=list)
    sketch_group: list[int] = field(default_factory=list)
    sketch_photo: list[int] = field(default_factory=list)  # the photo it was drawn from, or -1

    def number(self, name: str) -> tuple[int, int]:
        """The numbers of a name and of its group, new ones if they are new."""
        group = group_of(name)
        if name not in self.names:
            self.names.append(name)
        if group not in self.groups:
            self.groups.append(group)
        return self.names.index(name), self.groups.index(group)


def held_out(photos: list[str], sketches: list[str]) -> set[str]:
    """Stems of the photos of a class that take no part, nor do their sketches.

    The photo with the fewest sketches, and the last ones of those without any; ``sketches`` are
    stems like ``<photo>-<number>``.
    """
    drawn = Counter(stem.rsplit("-", 1)[0] for stem in sketches)
    fewest = min(sorted(drawn), key=lambda stem: drawn[stem])
    return {fewest, *[p for p in sorted(photos) if p not in drawn][1 - HELD_OUT_PHOTOS :]}


def square_photo(image: Image.Image) -> Bytes:
    """The photo's shorter side to 64 px (bicubic), centre crop, (64, 64, 3) uint8."""
    image = image.convert("RGB")
    if image.size != (SIZE, SIZE):
        scale = SIZE / min(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.BICUBIC)
        left, top = (image.width - SIZE) // 2, (image.height - SIZE) // 2
        image = image.crop((left, top, left + SIZE, top + SIZE))
    return np.asarray(image)


def square_sketch(image: Image.Image, thickening: int = 1) -> Bytes:
    """The sketch on white, padded to a square, to 64 px (bicubic), (64, 64) uint8, grey."""
    rgba = image.convert("RGBA")
    flat = Image.new("RGBA", rgba.size, "white")
    grey = Image.alpha_composite(flat, rgba).convert("L")
    side = max(grey.size)
    canvas = Image.new("L", (side, side), 255)
    canvas.paste(grey, ((side - grey.width) // 2, (side - grey.height) // 2))
    if thickening > 1:
        canvas = canvas.filter(ImageFilter.MinFilter(thickening))
    return np.asarray(canvas.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def draw_strokes(strokes: list[list[list[int]]], rng: np.random.Generator) -> Bytes:
    """One random rendering of a vector drawing as ink, (64, 64) uint8.

    Strokes are lists of x and y in 0..255. Points are jittered, a stroke is dropped now and then,
    and the line is 2 to 9 px wide on 256 px.
    """
    low = np.min([np.min(s, axis=1) for s in strokes], axis=0)
    high = np.max([np.max(s, axis=1) for s in strokes], axis=0)
    scale = rng.uniform(200, 240) / max(float((high - low).max()), 1.0)
    offset = 128 - scale * (low + high) / 2
    width = round(float(np.exp(rng.uniform(np.log(2), np.log(9)))))
    jitter = rng.uniform(0, 2.5)
    canvas = Image.new("L", (256, 256), 0)
    pen = ImageDraw.Draw(canvas)
    for stroke in strokes:
        if len(strokes) > 3 and rng.random() < 0.08:
            continue
        points = scale * np.asarray(stroke, dtype=np.float64) + offset[:, None]
        points = points + rng.normal(0, jitter, points.shape) + rng.normal(0, jitter, (2, 1))
        pen.line(points.T.ravel().tolist(), fill=255, width=width)
    return np.asarray(canvas.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def decode_shard(path: Path) -> dict[str, Bytes]:
    """The photos of one Tiny ImageNet shard by WordNet number, (n, 64, 64, 3) uint8 each."""
    found: dict[str, list[Bytes]] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            photo = square_photo(Image.open(io.BytesIO(archive.read(name))))
            found.setdefault(name.split("/")[0], []).append(photo)
    return {wnid: np.stack(photos) for wnid, photos in found.items()}


def draw_file(path: Path) -> Bytes:
    """All drawings of one Quick, Draw! file in V renderings, (n, V, 64, 64) uint8."""
    rng = np.random.default_rng(list(path.stem.encode()))
    rows = [json.loads(line)["drawing"] for line in path.read_text().splitlines()]
    return np.stack([[draw_strokes(row, rng) for _ in range(VARIANTS)] for row in rows])


def thicken_class(folder: Path) -> dict[str, Bytes]:
    """The Sketchy sketches of one class by file stem, (V, 64, 64) uint8 ink each."""
    found: dict[str, Bytes] = {}
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as image:
            inks = [255 - square_sketch(image, width) for width in THICKENING]
            found[path.stem] = np.repeat(np.stack(inks), VARIANTS // len(THICKENING), axis=0)
    return found


def collect(data: Path, pictures: Path, pool: ProcessPoolExecutor) -> tuple[Bytes, Bytes, Labels]:
    """Read the sources; returns photos, sketches and their labels."""
    labels, photos, sketches = Labels(), list[Bytes](), list[Bytes]()
    sketchy = data / "sketchy25"
    folders = [f for f in sorted((sketchy / "photo").iterdir()) if takes_part(canonical(f.name))]
    drawings = sorted((data / "quickdraw").glob("*.ndjson"))
    drawings = [f for f in drawings if takes_part(canonical(f.stem))]
    known = frozenset(canonical(f.stem) for f in [*folders, *drawings])
    known |= frozenset(read_anchors(data))
    thickened = pool.map(thicken_class, [sketchy / "sketch" / f.name for f in folders])
    drawn = pool.map(draw_file, drawings, chunksize=8)
    for folder, variants in zip(folders, thickened, strict=True):
        name, group = labels.number(canonical(folder.name))
        left_out = held_out([p.stem for p in folder.glob("*.jpg")], list(variants))
        files = [p for p in sorted(folder.glob("*.jpg")) if p.stem not in left_out]
        place = {p.stem: len(photos) + i for i, p in enumerate(files)}
        photos += [square_photo(Image.open(p)) for p in files]
        labels.photo_name += [name] * len(place)
        labels.photo_group += [group] * len(place)
        kept = [stem for stem in variants if stem.rsplit("-", 1)[0] in place]
        sketches += [variants[stem] for stem in kept]
        labels.sketch_photo += [place[stem.rsplit("-", 1)[0]] for stem in kept]
        labels.sketch_name += [name] * len(kept)
        labels.sketch_group += [group] * len(kept)
    for path, inks in zip(drawings, drawn, strict=True):
        name, group = labels.number(canonical(path.stem))
        sketches += list(inks)
        labels.sketch_photo += [-1] * len(inks)
        labels.sketch_name += [name] * len(inks)
        labels.sketch_group += [group] * len(inks)
    add_tiny_imagenet(data / "tiny-imagenet-64", pool, known, photos, labels)
    add_pictures(pictures, photos, sketches, labels)
    return np.stack(photos), np.stack(sketches), labels


def add_tiny_imagenet(
    folder: Path,
    pool: ProcessPoolExecutor,
    known: frozenset[str],
    photos: list[Bytes],
    labels: Labels,
) -> None:
    """Append the Tiny ImageNet photos of the classes that take part."""
    titles: dict[str, str] = json.loads((folder / "classes.json").read_text())
    for shard in pool.map(decode_shard, sorted(folder.glob("*.zip"))):
        for wnid, batch in shard.items():
            title = canonical(titles[wnid], known)
            if not takes_part(title) or not takes_part(group_of(title)):
                continue
            name, group = labels.number(title)
            photos += list(batch)
            labels.photo_name += [name] * len(batch)
            labels.photo_group += [group] * len(batch)


def add_pictures(folder: Path, photos: list[Bytes], sketches: list[Bytes], labels: Labels) -> None:
    """Append what ``pictures.py`` and ``views.py`` found, if they were run."""
    rng = np.random.default_rng(0)
    backdrops = list(photos)
    for path in sorted(folder.glob("photo/*/*.png")):
        name, group = labels.number(path.parent.name)
        with Image.open(path) as image:
            rows = VIEW_ROWS if path.name.startswith("view") else PICTURE_ROWS
            photos += [set_before(image.convert("RGBA"), backdrops, rng) for _ in range(rows)]
        labels.photo_name += [name] * rows
        labels.photo_group += [group] * rows
    for path in sorted(folder.glob("sketch/*/*.png")):
        name, group = labels.number(path.parent.name)
        with Image.open(path) as image:
            ink = 255 - square_sketch(image)
        sketches.append(np.repeat(ink[None], VARIANTS, axis=0))
        labels.sketch_photo.append(-1)
        labels.sketch_name.append(name)
        labels.sketch_group.append(group)


def set_before(picture: Image.Image, backdrops: list[Bytes], rng: np.random.Generator) -> Bytes:
    """A cut-out picture somewhere on paper, a plain or shaded ground, or a photo, (64, 64, 3)."""
    ground = Image.fromarray(make_ground(backdrops, rng))
    picture = picture.crop(picture.getchannel("A").getbbox())
    scale = rng.uniform(0.6, 1.0) * SIZE / max(picture.size)
    width, height = (max(1, round(scale * side)) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    place = (int(rng.integers(SIZE - width + 1)), int(rng.integers(SIZE - height + 1)))
    if rng.random() < 0.5:  # a soft shadow
        shadow = Image.new("L", (SIZE, SIZE))
        shadow.paste(picture.getchannel("A"), (place[0] + int(rng.integers(-4, 5)), place[1] + 3))
        shadow = shadow.filter(ImageFilter.GaussianBlur(3)).point(lambda v: v // 2)
        ground.paste((20, 20, 20), (0, 0), shadow)
    ground.paste(picture, place, picture)
    return np.asarray(ground)


def make_ground(backdrops: list[Bytes], rng: np.random.Generator) -> Bytes:
    """White or nearly so, one colour, two colours with a horizon, or a blurred photo."""
    kind = rng.random()
    if kind < 0.3:
        return np.full((SIZE, SIZE, 3), rng.integers(230, 256), np.uint8)
    if kind < 0.7:
        wall, floor = rng.integers(40, 250, (2, 3))
        light = np.linspace(rng.uniform(0.7, 1.1), rng.uniform(0.7, 1.1), SIZE)[:, None, None]
        horizon = rng.integers(30, 60) if kind < 0.5 else SIZE
        colour = np.where(np.arange(SIZE)[:, None] < horizon, wall, floor)[:, None]
        return np.broadcast_to((light * colour).clip(0, 255), (SIZE, SIZE, 3)).astype(np.uint8)
    photo = Image.fromarray(backdrops[rng.integers(len(backdrops))])
    return np.asarray(photo.filter(ImageFilter.GaussianBlur(rng.uniform(0, 4))))


def link(path: Path, source: Path, out: Path) -> None:
    """A link to source/x at out/x."""
    place = out / path.relative_to(source)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(path.absolute())


def link_sketchy(source: Path, work: Path) -> None:
    """Fill ``sketchy/``, ``held-out/`` and ``validation/``."""
    for folder in sorted((source / "photo").iterdir()):
        photos = sorted(folder.iterdir())
        sketches = sorted((source / "sketch" / folder.name).iterdir())
        left_out = set[str]()
        if takes_part(canonical(folder.name)):
            left_out = held_out([p.stem for p in photos], [p.stem for p in sketches])
        for path in (*photos, *sketches):
            away = bool(left_out & {path.stem, path.stem.rsplit("-", 1)[0]})
            link(path, source, work / ("held-out" if away else "sketchy"))
            if canonical(folder.name) in VALIDATION:
                link(path, source, work / "validation")


def main() -> None:
    """Decode everything and write the arrays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.processes) as pool:
        photos, sketches, labels = collect(options.data, options.work / "pictures", pool)
    np.save(options.work / "photos.npy", photos)
    np.save(options.work / "sketches.npy", sketches)
    (options.work / "labels.json").write_text(json.dumps(asdict(labels)))
    link_sketchy(options.data / "sketchy25", options.work)
    paired = set(labels.photo_group) & set(labels.sketch_group)
    print(f"{len(photos)} photos, {len(sketches)} sketches, {len(labels.names)} names,")
    print(f"{len(paired)} groups with both photos and sketches")


if __name__ == "__main__":
    main()
