from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from sbir_cli.encoder.torchvision_ops import declare_missing_ops

TEXT = {"context_length": 8, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
VIT = {"layers": 2, "width": 32, "head_width": 8, "patch_size": 8, "image_size": 32}
TIMM = {"timm_model_pretrained": False, "timm_proj": "linear"}

MakeModel = Callable[..., Path]


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """A function that writes a small randomly initialised open_clip model as a local-dir folder."""
    declare_missing_ops()
    from open_clip.model import CLIP, CustomTextCLIP

    def make(vision: dict[str, Any] | None = None, seed: int = 0, **preprocess: Any) -> Path:
        torch.manual_seed(seed)
        config: dict[str, Any] = {"embed_dim": 24, "vision_cfg": vision or VIT, "text_cfg": TEXT}
        kind = CustomTextCLIP if "timm_model_name" in config["vision_cfg"] else CLIP
        model = kind(**config)
        for parameter in model.visual.parameters():  # LayerNorms start at 1 and 0, towers at 0
            torch.nn.init.normal_(parameter, 1.0 if parameter.ndim == 1 else 0.0, 0.1)
        folder = tmp_path_factory.mktemp("model")
        save_file(model.state_dict(), folder / "open_clip_model.safetensors")
        whole = {
            "model_cfg": {**config, "custom_text": kind is CustomTextCLIP},
            "preprocess_cfg": preprocess,
        }
        (folder / "open_clip_config.json").write_text(json.dumps(whole))
        return folder

    return make
