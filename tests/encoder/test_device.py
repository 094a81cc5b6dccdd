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
