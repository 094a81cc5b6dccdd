"""Sketch-to-photo retrieval on classes of sketchy25: ``python evaluate.py --data DIR``.

Without ``--model``, the bundled model; ``--classes validation``, ``unseen`` (only to report) or
``trained``, the held-out sketches and photos of the classes that are trained on.
mAP@all, protocol ``trec``: AP = sum_i P(i) rel(i) / R over the whole gallery, mean over queries.
Acc@1: the share of sketches whose own photo is first among the photos of their class, mean over
classes. Ties are broken by the photo's place in the gallery.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from names import UNSEEN, VALIDATION, canonical, takes_part
from numpy.typing import NDArray
from PIL import Image
from prepare import held_out, square_photo, square_sketch
from torch import Tensor
from torch.nn import functional

Floats = NDArray[np.float32]
Encode = Callable[[Tensor], Tensor]
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Benchmark:
    """Sketches (Q, 3, 64, 64) and photos (G, 3, 64, 64) in 0..1 with class and pair numbers."""

    sketches: Tensor
    photos: Tensor
    sketch_class: NDArray[np.int64]
    photo_class: NDArray[np.int64]
    own_photo: NDArray[np.int64]


@dataclass(frozen=True)
class Report:
    """Shares in 0..1."""

    map_all: float
    precision_25: float
    first_hit: float
    acc_1_in_class: float


def read_benchmark(data: Path, classes: tuple[str, ...], kept_out: bool = False) -> Benchmark:
    """Every sketch and photo of the classes; with ``kept_out``, those that no training sees."""
    photos: list[NDArray[np.uint8]] = []
    sketches: list[NDArray[np.uint8]] = []
    photo_class: list[int] = []
    sketch_class: list[int] = []
    own: list[int] = []
    for number, name in enumerate(classes):
        place = {}
        files = sorted((data / "sketchy25" / "photo" / name).glob("*.jpg"))
        drawings = sorted((data / "sketchy25" / "sketch" / name).glob("*.png"))
        if kept_out:
            chosen = held_out([p.stem for p in files], [p.stem for p in drawings])
            files = [p for p in files if p.stem in chosen]
            drawings = [p for p in drawings if p.stem.rsplit("-", 1)[0] in chosen]
        for path in files:
            place[path.stem] = len(photos)
            photos.append(square_photo(Image.open(path)))
            photo_class.append(number)
        for path in drawings:
            sketches.append(square_sketch(Image.open(path)))
            sketch_class.append(number)
            own.append(place[path.stem.rsplit("-", 1)[0]])
    colour = torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).float() / 255
    grey = torch.from_numpy(np.stack(sketches))[:, None].float() / 255
    return Benchmark(
        sketches=grey.expand(-1, 3, -1, -1),
        photos=colour,
        sketch_class=np.asarray(sketch_class),
        photo_class=np.asarray(photo_class),
        own_photo=np.asarray(own),
    )


def trained_classes(data: Path) -> tuple[str, ...]:
    """The classes of sketchy25 that are trained on."""
    folders = sorted((data / "sketchy25" / "photo").iterdir())
    return tuple(f.name for f in folders if takes_part(canonical(f.name)))


def embed(encode: Encode, images: Tensor, flip: bool, batch: int = 128) -> Floats:
    """(N, D) float32, unit length; ``flip`` adds the embedding of the mirrored image."""
    rows = []
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            part = images[start : start + batch]
            row = functional.normalize(encode(part).float(), dim=1)
            if flip:
                row = row + functional.normalize(encode(part.flip(3)).float(), dim=1)
            rows.append(functional.normalize(row, dim=1).cpu())
    joined: Floats = torch.cat(rows).numpy()
    return joined


def rank(benchmark: Benchmark, sketches: Floats, photos: Floats) -> Report:
    """The report of unit-length embeddings (Q, D) and (G, D)."""
    scores = sketches @ photos.T
    order = np.argsort(-scores, axis=1, kind="stable")
    relevant = benchmark.photo_class[order] == benchmark.sketch_class[:, None]
    places = np.arange(1, relevant.shape[1] + 1)
    precision = np.cumsum(relevant, axis=1) / places
    average = (precision * relevant).sum(axis=1) / relevant.sum(axis=1)
    inside = np.where(benchmark.photo_class == benchmark.sketch_class[:, None], scores, -np.inf)
    first = inside.argmax(axis=1) == benchmark.own_photo
    per_class = [first[benchmark.sketch_class == c].mean() for c in set(benchmark.sketch_class)]
    return Report(
        map_all=float(average.mean()),
        precision_25=float(relevant[:, :25].mean()),
        first_hit=float(relevant[:, 0].mean()),
        acc_1_in_class=float(np.mean(per_class)),
    )


def evaluate(encode: Encode, benchmark: Benchmark, flip: bool) -> Report:
    """Embed and rank."""
    sketches = embed(encode, benchmark.sketches, flip)
    return rank(benchmark, sketches, embed(encode, benchmark.photos, flip))


def load(folder: Path, device: torch.device) -> Encode:
    """The image encoder of a ``local-dir:`` model, for pixels in 0..1."""
    from open_clip_tower import mini, open_clip

    model = open_clip.create_model(f"local-dir:{folder}", device=device).eval()
    mean = torch.tensor(mini.PIXEL_MEAN, device=device).view(1, 3, 1, 1)
    std = torch.tensor(mini.PIXEL_STD, device=device).view(1, 3, 1, 1)

    def encode(pixels: Tensor) -> Tensor:
        features: Tensor = model.encode_image((pixels.to(device) - mean) / std)
        return features

    return encode


def main() -> None:
    """Print one JSON line without and one with horizontal-flip averaging."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=ROOT / "sbir_cli" / "models" / "sbir-mini")
    parser.add_argument(
        "--classes", choices=("validation", "unseen", "trained"), default="validation"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bfloat16", action="store_true")
    options = parser.parse_args()
    encode = load(options.model, torch.device(options.device))
    trained = options.classes == "trained"
    named = {"validation": VALIDATION, "unseen": UNSEEN}
    classes = trained_classes(options.data) if trained else named[options.classes]
    benchmark = read_benchmark(options.data, classes, kept_out=trained)
    with torch.autocast(options.device, torch.bfloat16, enabled=options.bfloat16):
        for flip in (False, True):
            report = evaluate(encode, benchmark, flip)
            print(json.dumps({"classes": options.classes, "flip": flip, **asdict(report)}))


if __name__ == "__main__":
    main()
