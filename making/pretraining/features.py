"""The photos through the original network, once: ``python features.py --work WORK``.

Writes WORK/grids.npy, (N, 36, 320) float16: the last grid of the convolutions, where the tower's
ViT blocks begin. The convolutions of the photo side stay as ImageNet left them, so nothing of the
photos is computed twice.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import trunk
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from prepare import SIDE

Grids = NDArray[np.float16]
TOKENS = (SIDE // trunk.mini.STRIDE) ** 2


@torch.inference_mode()
def embed(photos: NDArray[np.uint8], tower: torch.nn.Module, out: Grids, batch: int = 64) -> None:
    """Fill ``out`` with the grids of (N, SIDE, SIDE, 3) photos."""
    stem = tower.get_submodule("trunk.patch_embed").eval()
    for start in range(0, len(photos), batch):
        pixels = torch.from_numpy(photos[start : start + batch]).permute(0, 3, 1, 2).float() / 255
        with torch.autocast("cpu", torch.bfloat16):
            out[start : start + batch] = stem(trunk.normalise(pixels)).float().numpy()
        if start % (50 * batch) == 0:
            print(start, "of", len(photos), flush=True)


def main() -> None:
    """Embed every photo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work
    tower = trunk.build()
    trunk.load_imagenet(tower)
    photos = np.load(work / "photos.npy", mmap_mode="r")
    out = open_memmap(work / "grids.npy", "w+", np.float16, (len(photos), TOKENS, trunk.mini.WIDTH))
    embed(photos, tower, out)
    out.flush()


if __name__ == "__main__":
    main()
