"""Which device and precision to compute on, chosen once and told with the reason."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sbir_cli.errors import UsageError


@dataclass(frozen=True)
class Device:
    """A torch device, the precision it computes in, and why, for the user."""

    device: torch.device
    dtype: torch.dtype
    reason: str

    def __str__(self) -> str:
        return f"{self.device} in {str(self.dtype).removeprefix('torch.')} ({self.reason})"


def choose_device(name: str = "auto", gpu: int | None = None) -> Device:
    """The device named `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    bfloat16 where the hardware multiplies it natively, float32 elsewhere.

    Args:
        gpu: which GPU `auto` and `cuda` mean, in a process of several.

    Raises:
        UsageError: no such name, or the machine has no such device.
    """
    reason = "as asked"
    if name == "auto":
        name, reason = _best()
    if name == "cuda" and gpu is not None:
        name = f"cuda:{gpu}"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(
            f"no device is called `{name}`", remedy="use auto, cpu, cuda, cuda:N or mps"
        ) from error
    if device.type == "cuda":
        _check_cuda(device)
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "mps":
        if not torch.backends.mps.is_available():
            raise UsageError("this machine has no Apple GPU that torch can use; use --device cpu")
        native = False
    elif device.type == "cpu":
        native = _cpu_multiplies_bfloat16()
    else:
        raise UsageError(f"`{name}` is not a device sbir computes on; use auto, cpu, cuda or mps")
    return Device(device, torch.bfloat16 if native else torch.float32, reason)


def _best() -> tuple[str, str]:
    if torch.cuda.is_available():
        return "cuda", torch.cuda.get_device_name()
    if torch.backends.mps.is_available():
        return "mps", "Apple GPU"
    return "cpu", "no GPU that torch can use"


def _check_cuda(device: torch.device) -> None:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        build = "this torch is a CPU build" if torch.version.cuda is None else "none is visible"
        raise UsageError(f"no CUDA GPU can be used ({build}); use --device cpu")
    if device.index is not None and device.index >= count:
        raise UsageError(f"there is no {device}; this machine has {count} CUDA GPU(s)")


def _cpu_multiplies_bfloat16() -> bool:
    """True where the processor has bfloat16 dot products (AVX512_BF16 or AMX)."""
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, probe, lambda: False)()) for probe in probes)
