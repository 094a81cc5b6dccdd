"""Lets open_clip import torchvision beside a torch build that it was not compiled for.

PyPI's torchvision is compiled against the CUDA build of torch. Beside a CPU-only torch its
extension cannot load, and `import torchvision` stops with "operator torchvision::nms does not
exist", because it registers shape functions for the operators `nms` and `qnms`. Nothing here or
in open_clip calls them, so declaring their signatures is enough. A torchvision whose extension
loads is left alone.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from sbir_cli.encoder.silence import silence

_declared: list[object] = []  # torch.library forgets a definition when its Library is collected

_SIGNATURES = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def declare_missing_ops() -> bool:
    """Declare `nms` and `qnms` if torchvision's own extension cannot; returns whether it did."""
    silence()  # all that imports torchvision, and open_clip with it, comes this way first
    import torch

    operators: Any = torch.ops  # torch leaves both untyped
    make_library: Any = torch.library.Library

    if "torchvision" in sys.modules or _declared:
        return False
    spec = importlib.util.find_spec("torchvision")
    folders = (spec.submodule_search_locations or []) if spec else []
    for extension in (file for folder in folders for file in Path(folder).glob("_C.*")):
        try:
            operators.load_library(str(extension))
        except OSError:
            continue
        return False
    if not folders:
        return False
    library: Any = make_library("torchvision", "DEF")
    for signature in _SIGNATURES:
        library.define(signature)
    _declared.append(library)
    return True
