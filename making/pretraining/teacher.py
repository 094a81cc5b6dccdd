"""The teacher's view of every training photo: ``python teacher.py --data DIR --work DIR``.

DATA/teacher holds MobileNetV2 for ImageNet-1k as an 8-bit TFLite file; ``pip install
ai-edge-litert`` brings its interpreter. Writes into the work folder (N photos):

    teacher.npy   (N, DIMENSION) float16, unit length: the features before the classifier, reduced

None of ImageNet-1k's classes is an unseen class of the split. Nothing of the teacher ships.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from names import DIMENSION
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]
Halves = NDArray[np.float16]

SIDE = 224
POOLED = "MobilenetV2/Logits/AvgPool"


def describe(task: tuple[Path, Path, range]) -> Bytes:
    """Pooled features (n, 1280) of some of the photos, one at a time: the file's shapes are
    fixed."""
    from ai_edge_litert.interpreter import Interpreter

    model, photos, rows = task
    network = Interpreter(str(model), num_threads=1)
    network.allocate_tensors()
    place = {detail["name"]: detail["index"] for detail in network.get_tensor_details()}
    entry = network.get_input_details()[0]["index"]
    pixels = np.load(photos, mmap_mode="r")
    found: list[Bytes] = []
    for row in rows:
        picture = Image.fromarray(pixels[row]).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        network.set_tensor(entry, np.asarray(picture)[None])
        network.invoke()
        found.append(network.get_tensor(place[POOLED]).ravel())
    return np.stack(found)


def reduce(features: Bytes) -> Halves:
    """(N, 1280) features to (N, DIMENSION) of unit length.

    f' = V^T (sqrt(f) - mean sqrt(f)), f'' = f' / |f'|: the root keeps a few strong features from
    deciding alone; V are the leading principal axes.
    """
    roots = np.sqrt(features.astype(np.float32))
    roots -= roots.mean(axis=0)
    axes = np.linalg.eigh(roots.T @ roots)[1][:, -DIMENSION:]
    reduced = roots @ axes
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True)
    halves: Halves = reduced.astype(np.float16)
    return halves


def main() -> None:
    """Describe every photo and write the array."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    model = options.data / "teacher" / "mobilenet_v2_1.0_224_quant.tflite"
    photos = options.work / "photos.npy"
    count = len(np.load(photos, mmap_mode="r"))
    tasks = [(model, photos, range(s, min(s + 2000, count))) for s in range(0, count, 2000)]
    with ProcessPoolExecutor(options.processes) as pool:
        features = np.concatenate(list(pool.map(describe, tasks)))
    np.save(options.work / "teacher.npy", reduce(features))
    print(f"{count} photos, {features.shape[1]} features reduced to {DIMENSION}")


if __name__ == "__main__":
    main()
