from __future__ import annotations

import pytest
import torch

from sbir_cli.encoder.device import choose_device
from sbir_cli.errors import UsageError


def test_auto_tells_what_it_took_and_why() -> None:
    chosen = choose_device("auto")
    if torch.cuda.is_available():
        assert chosen.device.type == "cuda"
    elif not torch.backends.mps.is_available():
        assert chosen.device.type == "cpu" and "no GPU" in str(chosen)


def test_the_cpu_takes_bfloat16_only_where_it_multiplies_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for native in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda n=native: n)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
        expected = torch.bfloat16 if native else torch.float32
        assert choose_device("cpu").dtype == expected


@pytest.mark.parametrize("name", ["gpu", "meta", "cuda:99", "xpu"])
def test_a_device_that_is_not_there_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError):
        choose_device(name)


def test_of_several_processes_each_takes_the_gpu_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two GPUs are made up."""
    for name, value in (("is_available", True), ("device_count", 2), ("get_device_name", "GPU")):
        monkeypatch.setattr(torch.cuda, name, lambda found=value: found)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert str(choose_device("auto").device) == "cuda"
    for name in ("auto", "cuda"):
        assert str(choose_device(name, gpu=1).device) == "cuda:1"
    assert str(choose_device("cuda:0", gpu=1).device) == "cuda:0"
    assert choose_device("cpu", gpu=1).device.type == "cpu"
    with pytest.raises(UsageError, match=r"no cuda:2; this machine has 2 CUDA GPU\(s\)"):
        choose_device("auto", gpu=2)
