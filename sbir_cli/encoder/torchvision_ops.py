"""Lets open_clip import torchvision beside a torch build that it was not compiled for, and faster.

PyPI's torchvision is compiled against the CUDA build of torch. Beside a CPU-only torch its
extension cannot load, and `import torchvision` stops with "operator torchvision::nms does not
exist", because it registers shape functions for the operators `nms` and `qnms`. Nothing here or
in open_clip calls them, so declaring their signatures is enough. A torchvision whose extension
loads is left alone.

torchvision and timm each ask torch's compiler for a function while they are imported, and with it
comes all of the compiler and of sympy: a third of the time until a model is loaded. Nothing here
compiles, so `import_open_clip` gives them stand-ins.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
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


def import_open_clip() -> Any:
    """The module, with torchvision and timm, and without torch's compiler."""
    declare_missing_ops()
    with _compiler_left_out():
        return importlib.import_module("open_clip")


@contextmanager
def _compiler_left_out() -> Iterator[None]:
    """Stand-ins for what torchvision and timm want of the compiler; wanted more, it is imported."""
    if any(name in sys.modules for name in _STAND_INS):
        yield
        return
    spec = importlib.util.find_spec("torch._dynamo")
    for name, given in _STAND_INS.items():
        module: Any = ModuleType(name)
        module.__path__ = spec.submodule_search_locations if spec else []
        module.__getattr__ = _of_the_compiler(name)
        vars(module).update(given)
        sys.modules[name] = module
    try:
        yield
    finally:
        _give_way()


def _give_way() -> None:
    for name in _STAND_INS:
        if hasattr(sys.modules.get(name), "stands_in"):
            del sys.modules[name]


def _of_the_compiler(name: str) -> Any:
    def get(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        _give_way()
        importlib.import_module("torch._dynamo.utils")  # and what it lies in
        return getattr(sys.modules[name], attribute)

    return get


def _is_compile_supported(device_type: str) -> bool:
    utils = importlib.import_module("torch._dynamo.utils")
    return bool(utils.is_compile_supported(device_type))


def _disable(fn: Any = None, recursive: bool = True, **_: object) -> Any:
    """A function that is not to be compiled, as it is: no function is."""
    return fn if fn is not None else lambda function: function


_STAND_INS: dict[str, dict[str, Any]] = {
    "torch._dynamo": {"stands_in": True, "disable": _disable},
    "torch._dynamo.utils": {"stands_in": True, "is_compile_supported": _is_compile_supported},
}
