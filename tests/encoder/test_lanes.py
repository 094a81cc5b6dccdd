"""A batch in parts side by side is the batch."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor

from sbir_cli.encoder.lanes import in_lanes


@pytest.mark.parametrize(("count", "lanes"), [(1, 1), (16, 1), (17, 2), (100, 3)])
def test_rows_come_in_their_order_whatever_computed_them(
    count: int, lanes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    together = threading.Barrier(lanes, timeout=30)  # passed only by as many threads at once
    seen = list[int]()

    def work(images: Tensor) -> Tensor:
        if len(seen) < lanes:
            seen.append(len(images))
            together.wait()
        return 2 * images

    images = torch.arange(float(count))[:, None]
    with torch.inference_mode():
        assert torch.equal(in_lanes(work, images), 2 * images)


def test_an_error_in_a_part_is_that_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)

    def work(images: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("too many")

    with pytest.raises(torch.OutOfMemoryError):
        in_lanes(work, torch.zeros(40, 1))
