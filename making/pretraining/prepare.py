"""Decode the training data once: ``python prepare.py --data DATA --work WORK``, 25 minutes.

Photos and drawings are squares of SIDE pixels. Writes into WORK (N photos, L drawings):

    photos.npy    (N, SIDE, SIDE, 3) uint8, RGB
    drawings.npy  (L, SIDE, SIDE) uint8, ink: 0 is white paper, 255 is a full black line
    labels.json   names and groups; of each photo its numbers; of each drawing its numbers, the
                  photo it shows (-1: none is known) and its kind
    sketchy/      links to sketchy25 but for the held-out photos and their sketches, for
                  ``sbir train`` (it leaves the unseen classes alone)
    thick/        its sketches again, as by a thicker pen
    held-out/     links to those, for ``sbir evaluate``
    validation/   links to the validation classes, likewise

The photos: Sketchy's, one of each ImageNet class, a part of Tiny ImageNet's, and what pictures.py
and views.py found, set before a ground. The drawings: line drawings of all of these
(``sbir_cli.imaging.line_drawing``), Sketchy's, Quick, Draw!'s, and icons.
"""

import argparse
import functools
import io
import itertools
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from names import IMAGENET_AWAY, VALIDATION, canonical, group_of, read_anchors, takes_part
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sbir_cli.imaging.line_drawing import STYLES, Study, draw, is_drawing

Bytes = NDArray[np.uint8]
SIDE = 192
RENDERINGS = 4  # of each Quick, Draw! drawing
PICTURE_GROUNDS, VIEW_GROUNDS = 3, 1  # photos made of each cut-out picture
TINY_PHOTOS, TINY_DRAWN = 125, 40  # of each Tiny ImageNet class
HELD_OUT_PHOTOS = 4  # of each class of sketchy25, one of them with its sketches
THICKER = (3, 5, 7, 9)  # of each sketch in turn: what a pixel of ink grows to, on a side
KINDS = ("line", "sketchy", "quickdraw", "icon")


@dataclass
class Labels:
    """What is known of each photo and drawing; numbers index ``names`` and ``groups``."""

    names: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    photo_name: list[int] = field(default_factory=list)
    photo_group: list[int] = field(default_factory=list)
    drawing_name: list[int] = field(default_factory=list)
    drawing_group: list[int] = field(default_factory=list)
    drawing_photo: list[int] = field(default_factory=list)
    drawing_kind: list[int] = field(default_factory=list)

    def number(self, name: str) -> tuple[int, int]:
        """The numbers of a name and of its group, new ones if they are new."""
        group = group_of(name)
        if name not in self.names:
            self.names.append(name)
        if group not in self.groups:
            self.groups.append(group)
        return self.names.index(name), self.groups.index(group)


@dataclass(frozen=True)
class Task:
    """One file to decode: what it shows, and how many line drawings to make of it."""

    name: str
    kind: str
    source: Path
    member: str = ""  # inside an archive
    stem: str = ""
    lines: int = 0
    grounds: int = 1
    subject: bool = True  # whether to look for it: small photos are drawn whole


@dataclass(frozen=True)
class Made:
    """What became of a file: photos, line drawings of them, other drawings."""

    photos: list[Bytes] = field(default_factory=list)
    lines: list[Bytes] = field(default_factory=list)
    drawings: list[Bytes] = field(default_factory=list)


def held_out(photos: list[str], sketches: list[str]) -> set[str]:
    """Stems of the photos of a class that take no part, nor do their sketches.

    The photo with the fewest sketches, and the last ones of those without any; ``sketches`` are
    stems like ``<photo>-<number>``.
    """
    drawn = Counter(stem.rsplit("-", 1)[0] for stem in sketches)
    fewest = min(sorted(drawn), key=lambda stem: drawn[stem])
    return {fewest, *[p for p in sorted(photos) if p not in drawn][1 - HELD_OUT_PHOTOS :]}


def square_photo(image: Image.Image, side: int = SIDE) -> Bytes:
    """The photo's shorter side to ``side`` px (bicubic), centre crop, (side, side, 3) uint8."""
    image = image.convert("RGB")
    scale = side / min(image.size)
    size = (max(side, round(image.width * scale)), max(side, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.asarray(image.crop((left, top, left + side, top + side)))


def square_sketch(image: Image.Image, side: int = SIDE) -> Bytes:
    """The sketch on white, padded to a square, to ``side`` px (bicubic), (side, side) grey."""
    rgba = image.convert("RGBA")
    grey = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("L")
    longer = max(grey.size)
    canvas = Image.new("L", (longer, longer), 255)
    canvas.paste(grey, ((longer - grey.width) // 2, (longer - grey.height) // 2))
    return np.asarray(canvas.resize((side, side), Image.Resampling.BICUBIC))


def draw_strokes(strokes: list[list[list[int]]], rng: np.random.Generator) -> Bytes:
    """One random rendering of a vector drawing as ink, (SIDE, SIDE) uint8.

    Strokes are lists of x and y in 0..255. Points are jittered, a stroke is dropped now and then,
    and the line is 0.8 to 3.5 % of the side wide.
    """
    low = np.min([np.min(s, axis=1) for s in strokes], axis=0)
    high = np.max([np.max(s, axis=1) for s in strokes], axis=0)
    scale = SIDE * rng.uniform(1.56, 1.88) / max(float((high - low).max()), 1.0)
    offset = SIDE - scale * (low + high) / 2
    width = round(2 * SIDE * float(np.exp(rng.uniform(np.log(0.008), np.log(0.035)))))
    jitter = rng.uniform(0, 3)
    canvas = Image.new("L", (2 * SIDE, 2 * SIDE), 0)
    pen = ImageDraw.Draw(canvas)
    for stroke in strokes:
        if len(strokes) > 3 and rng.random() < 0.08:
            continue
        points = scale * np.asarray(stroke, dtype=np.float64) + offset[:, None]
        points = points + rng.normal(0, jitter, points.shape) + rng.normal(0, jitter, (2, 1))
        pen.line(points.T.ravel().tolist(), fill=255, width=width, joint="curve")
    return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def make_lines(
    photo: Bytes, alpha: Bytes | None, task: Task, rng: np.random.Generator
) -> list[Bytes]:
    """The task's line drawings, those that came out empty or full left out."""
    study = Study.of(photo, alpha, find_subject=task.subject)
    first = int(rng.integers(len(STYLES)))
    styles = [STYLES[(first + i) % len(STYLES)] for i in range(task.lines)]
    drawn = [draw(study, style, int(rng.integers(2**31))) for style in styles]
    return [cv2.resize(ink, (SIDE, SIDE)) for ink in drawn if is_drawing(ink)]  # type: ignore[misc]


def set_before(picture: Image.Image, rng: np.random.Generator) -> tuple[Bytes, Bytes]:
    """A cut-out picture somewhere on a ground: the photo (SIDE, SIDE, 3) and where it lies."""
    ground = Image.fromarray(make_ground(rng))
    picture = picture.crop(picture.getchannel("A").getbbox())
    scale = rng.uniform(0.6, 1.0) * SIDE / max(picture.size)
    width, height = (max(1, round(scale * side)) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    place = (int(rng.integers(SIDE - width + 1)), int(rng.integers(SIDE - height + 1)))
    if rng.random() < 0.5:  # a soft shadow
        shadow = Image.new("L", (SIDE, SIDE))
        shadow.paste(picture.getchannel("A"), (place[0] + int(rng.integers(-9, 10)), place[1] + 7))
        shadow = shadow.filter(ImageFilter.GaussianBlur(7)).point(lambda v: v // 2)
        ground.paste((20, 20, 20), (0, 0), shadow)
    ground.paste(picture, place, picture)
    alpha = Image.new("L", (SIDE, SIDE))
    alpha.paste(picture.getchannel("A"), place)
    return np.asarray(ground), np.asarray(alpha)


def make_ground(rng: np.random.Generator) -> Bytes:
    """White or nearly so, one colour, two colours with a horizon, or soft clouds of colour."""
    kind = rng.random()
    if kind < 0.3:
        return np.full((SIDE, SIDE, 3), rng.integers(230, 256), np.uint8)
    if kind < 0.75:
        wall, floor = rng.integers(40, 250, (2, 3))
        light = np.linspace(rng.uniform(0.7, 1.1), rng.uniform(0.7, 1.1), SIDE)[:, None, None]
        horizon = rng.integers(SIDE // 2, SIDE) if kind < 0.5 else SIDE
        colour = np.where(np.arange(SIDE)[:, None] < horizon, wall, floor)[:, None]
        return np.broadcast_to((light * colour).clip(0, 255), (SIDE, SIDE, 3)).astype(np.uint8)
    cells = Image.fromarray(rng.integers(20, 250, (4, 4, 3)).astype(np.uint8))
    return np.asarray(cells.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def make(task: Task) -> Made:
    """Decode one file."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(list(f"{task.name}{task.source.name}{task.member}".encode()))
    if task.kind == "quickdraw":
        rows = [json.loads(line)["drawing"] for line in task.source.read_text().splitlines()]
        return Made(drawings=[draw_strokes(r, rng) for r in rows for _ in range(task.grounds)])
    if task.kind == "bitmaps":
        rows = np.load(task.source)[task.member][: task.grounds].reshape(-1, 28, 28)
        return Made(drawings=[trace_bitmap(row, rng) for row in rows])
    if task.member:
        image = Image.open(io.BytesIO(open_archive(task.source).read(task.member)))
    else:
        image = Image.open(task.source)
    if task.kind in ("sketchy", "icon"):
        return Made(drawings=[255 - square_sketch(image)])
    if task.kind == "picture":
        pairs = [set_before(image.convert("RGBA"), rng) for _ in range(task.grounds)]
        return Made([p for p, _ in pairs], make_lines(*pairs[0], task, rng))
    photo = square_photo(image)
    return Made([photo], make_lines(photo, None, task, rng) if task.lines else [])


@functools.cache
def open_archive(path: Path) -> zipfile.ZipFile:
    """Kept open: its directory of 25,000 files takes longer to read than a file."""
    return zipfile.ZipFile(path)


def trace_bitmap(grey: Bytes, rng: np.random.Generator) -> Bytes:
    """A drawing of 28 px, white on black, as smooth ink of a random thickness."""
    large = Image.fromarray(grey).resize((2 * SIDE, 2 * SIDE), Image.Resampling.BICUBIC)
    ink = Image.fromarray((np.asarray(large) > rng.uniform(70, 200)).astype(np.uint8) * 255)
    return np.asarray(ink.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def list_tasks(data: Path, pictures: Path) -> Iterator[Task]:
    """Every file that takes part; a photo before its sketches."""
    sketchy = data / "sketchy25"
    folders = [f for f in sorted((sketchy / "photo").iterdir()) if takes_part(canonical(f.name))]
    drawn = sorted((data / "quickdraw").glob("*.ndjson"))
    known = frozenset(canonical(f.name) for f in folders) | frozenset(read_anchors(data))
    known |= frozenset(canonical(f.stem) for f in drawn if takes_part(canonical(f.stem)))
    for folder in folders:
        name, photos = canonical(folder.name), sorted(folder.glob("*.jpg"))
        sketches = sorted((sketchy / "sketch" / folder.name).glob("*.png"))
        away = held_out([p.stem for p in photos], [p.stem for p in sketches])
        for path in photos:
            if path.stem not in away:
                yield Task(name, "photo", path, stem=path.stem, lines=8)
        for path in sketches:
            if path.stem.rsplit("-", 1)[0] not in away:
                yield Task(name, "sketchy", path, stem=path.stem.rsplit("-", 1)[0])
    for file in (*drawn, *sorted((data / "quickdraw-more").glob("*.ndjson"))):
        name = canonical(file.stem)
        if takes_part(name):
            many = file.parent.name == "quickdraw-more"
            yield Task(name, "quickdraw", file, grounds=1 if many else RENDERINGS)
    bitmaps = data / "quickdraw-more" / "bitmaps28.npz"
    for member in np.load(bitmaps).files:
        if takes_part(canonical(member)) and member not in ("house", "bird"):
            yield Task(canonical(member), "bitmaps", bitmaps, member, grounds=300)
    archive = data / "imagenet-160" / "photos.zip"
    for member in sorted(zipfile.ZipFile(archive).namelist()):
        title = Path(member).stem[10:].replace("_", " ").lower()
        name = canonical(title, known)
        if member.endswith(".webp") and title not in IMAGENET_AWAY and takes_part(name):
            yield Task(name, "photo", archive, member, lines=8)
    titles = json.loads((data / "tiny-imagenet-64" / "classes.json").read_text())
    seen = Counter[str]()
    for shard in sorted((data / "tiny-imagenet-64").glob("*.zip")):
        for member in zipfile.ZipFile(shard).namelist():
            wnid = member.split("/")[0]
            name = canonical(titles[wnid], known)
            if not takes_part(name) or not takes_part(group_of(name)) or seen[wnid] >= TINY_PHOTOS:
                continue
            seen[wnid] += 1
            lines = 2 if seen[wnid] <= TINY_DRAWN else 0
            yield Task(name, "photo", shard, member, lines=lines, subject=False)
    for path in sorted(pictures.glob("photo/*/*.png")):
        view = path.name.startswith("view")
        grounds = VIEW_GROUNDS if view else PICTURE_GROUNDS
        yield Task(path.parent.name, "picture", path, lines=3, grounds=grounds)
    for path in sorted(pictures.glob("sketch/*/*.png")):
        yield Task(path.parent.name, "icon", path)


def collect(data: Path, work: Path, pool: ProcessPoolExecutor) -> Labels:
    """Decode every file, and write photos and drawings as they come."""
    labels, tasks = Labels(), list(list_tasks(data, work / "pictures"))
    place: dict[tuple[str, str], int] = {}
    with (work / "photos.raw").open("wb") as photos, (work / "drawings.raw").open("wb") as drawings:
        for task, made in zip(tasks, pool.map(make, tasks, chunksize=8), strict=True):
            name, group = labels.number(task.name)
            first = len(labels.photo_name)
            for photo in made.photos:
                photos.write(photo.tobytes())
                labels.photo_name.append(name)
                labels.photo_group.append(group)
            if task.stem and made.photos:
                place[task.name, task.stem] = first
            kind = task.kind if task.kind in KINDS else "quickdraw" if made.drawings else "line"
            shown = place.get((task.name, task.stem), -1) if made.drawings else first
            for ink in (*made.lines, *made.drawings):
                drawings.write(ink.tobytes())
                labels.drawing_name.append(name)
                labels.drawing_group.append(group)
                labels.drawing_photo.append(shown)
                labels.drawing_kind.append(KINDS.index(kind))
    give_shape(work / "photos", (len(labels.photo_name), SIDE, SIDE, 3))
    give_shape(work / "drawings", (len(labels.drawing_name), SIDE, SIDE))
    return labels


def give_shape(path: Path, shape: tuple[int, ...]) -> None:
    """From bytes to an array file that can be mapped into memory."""
    raw = np.memmap(path.with_suffix(".raw"), np.uint8, "r", shape=shape)
    array = open_memmap(path.with_suffix(".npy"), "w+", np.uint8, shape)
    for start in range(0, shape[0], 4096):
        array[start : start + 4096] = raw[start : start + 4096]
    array.flush()
    path.with_suffix(".raw").unlink()


def link(path: Path, source: Path, out: Path) -> None:
    """A link to source/x at out/x."""
    place = out / path.relative_to(source)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(path.absolute())


def link_sketchy(source: Path, work: Path) -> None:
    """Fill ``sketchy/``, ``thick/``, ``held-out/`` and ``validation/``."""
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
        (work / "thick" / folder.name).mkdir(parents=True, exist_ok=True)
        kept = [path for path in sketches if (work / "sketchy" / path.relative_to(source)).exists()]
        for path, size in zip(kept, itertools.cycle(THICKER)):
            sketch = Image.open(path).convert("L").filter(ImageFilter.MinFilter(size))
            sketch.save(work / "thick" / folder.name / path.name)


def main() -> None:
    """Decode everything and write the arrays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.processes) as pool:
        labels = collect(options.data, options.work, pool)
    (options.work / "labels.json").write_text(json.dumps(asdict(labels)))
    link_sketchy(options.data / "sketchy25", options.work)
    paired = set(labels.photo_group) & set(labels.drawing_group)
    kinds = Counter(KINDS[k] for k in labels.drawing_kind)
    print(f"{len(labels.photo_name)} photos, {len(labels.drawing_name)} drawings {dict(kinds)},")
    print(f"{len(labels.names)} names, {len(paired)} groups with both photos and drawings")


if __name__ == "__main__":
    main()
