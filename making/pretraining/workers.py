"""Several training processes that share each step (data parallel).

Started by ``torchrun --nproc-per-node 2 train.py ...``: each process draws its own batch on one
core and the gradients are averaged. Where other programs use the cores too, this is several times
faster than one process with as many threads, whose convolutions wait for each other by spinning.
Started plainly, all of this does nothing.
"""

import os
from collections.abc import Iterable

import torch
from torch import Tensor, distributed, nn


def join() -> tuple[int, int]:
    """This process's number and how many there are; connects them if there are several."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count > 1:
        distributed.init_process_group("gloo")
    return int(os.environ.get("RANK", "0")), count


def average_gradients(parameters: Iterable[nn.Parameter], count: int) -> None:
    """Replace each gradient by its mean over the processes."""
    if count == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    distributed.all_reduce(flat)
    flat /= count
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()


def agree(values: Tensor, count: int) -> Tensor:
    """The first process's values, in every process."""
    if count > 1:
        distributed.broadcast(values, src=0)
    return values
