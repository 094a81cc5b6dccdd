"""Write the trained towers as an open_clip folder: ``python export.py --work DIR --out FOLDER``.

FOLDER gets ``open_clip_model.safetensors`` in float16 beside its ``open_clip_config.json``. Without
WORK/text.pt the text tower stays random. With ``--share`` below 1 the image tower is a mean of two
checkpoints: share * (end of training) + (1 - share) * (before the learning rate fell). The file is
then loaded as open_clip loads it, and its embeddings are compared with the trained tower's.
"""

import argparse
from pathlib import Path

import torch
from names import DIMENSION
from open_clip_tower import CONFIG, build, model_config, open_clip
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional


def gather_state(work: Path, share: float) -> dict[str, Tensor]:
    """The full state of open_clip's CLIP: averaged image tower, text tower, logit scale."""
    torch.manual_seed(0)
    state: dict[str, Tensor] = open_clip.CLIP(**model_config()).state_dict()
    trained = torch.load(work / "train.pt", weights_only=True)
    image: dict[str, Tensor] = trained["average"]
    if share < 1:
        earlier = torch.load(work / "constant.pt", weights_only=True)["average"]
        for name, value in image.items():
            if value.is_floating_point():
                value.lerp_(earlier[name], 1 - share)
    state |= {f"visual.{name}": value for name, value in image.items()}
    if (work / "text.pt").exists():
        state |= torch.load(work / "text.pt", weights_only=True)
    state["logit_scale"] = trained["loss"]["head.log_scale"]
    return state


def write_half(state: dict[str, Tensor], path: Path) -> None:
    """float16 safetensors, written beside and renamed."""
    half = {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in state.items()
    }
    if not all(value.isfinite().all() for value in half.values()):
        raise ValueError("A weight does not fit float16.")
    partial = path.with_suffix(".partial")
    save_file(half, partial, metadata={"format": "pt"})
    partial.chmod(0o644)
    partial.replace(path)


@torch.inference_mode()
def smallest_cosine(state: dict[str, Tensor], folder: Path) -> float:
    """The smallest cosine between float32 and reloaded embeddings of 64 random images."""
    exact = build(2 * DIMENSION).eval()
    prefix = "visual."
    exact.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if prefix in k})
    loaded = open_clip.create_model(f"local-dir:{folder}").eval()
    images = torch.randn(64, 3, 64, 64)
    cosines = functional.cosine_similarity(exact(images), loaded.encode_image(images))
    return float(cosines.min())


def main() -> None:
    """Gather, write, check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=CONFIG.parent)
    parser.add_argument("--share", type=float, default=1.0)
    options = parser.parse_args()
    state = gather_state(options.work, options.share)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.out.resolve() != CONFIG.parent.resolve():
        (options.out / CONFIG.name).write_text(CONFIG.read_text())
    path = options.out / "open_clip_model.safetensors"
    write_half(state, path)
    print(f"{path.name}: {path.stat().st_size / 2**20:.1f} MiB,", end=" ")
    print(f"smallest cosine to float32: {smallest_cosine(state, options.out):.6f}")


if __name__ == "__main__":
    main()
