"""Several processes that train one run together, as `torchrun` starts them, a GPU for each.

A `Group` says which process this is; the command line makes it of what torchrun set. Gradients are
averaged by torch's DistributedDataParallel. A process on its own needs none of this, and nothing is
imported.

The first process alone tells how it goes. What ends a process, each one says: torchrun ends the
others at once, so the first could come too late to say it for all.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sbir_cli.config import TrainConfig
from sbir_cli.errors import SbirError, UsageError

if TYPE_CHECKING:
    import torch

# the others wait while the first validates; torchrun ends all when one fails
_TIMEOUT = timedelta(days=1)


@dataclass(frozen=True)
class Group:
    """One process of several that train one run; without arguments it is alone."""

    rank: int = 0
    """Which of them this is, from 0."""
    count: int = 1
    """How many there are."""
    gpu: int = 0
    """The number of this process's GPU on its machine."""

    @property
    def is_first(self) -> bool:
        """Whether this is the one that validates, writes and tells."""
        return self.rank == 0

    def own_part(self, samples: int) -> slice:
        """The part of a step's samples that is this process's; all have as many where `count`
        divides them, and together they have all."""
        start, stop = (samples * rank // self.count for rank in (self.rank, self.rank + 1))
        return slice(start, stop)

    def check_parts(self, config: TrainConfig) -> None:
        """Refuse a batch that cannot be shared: a process's part must be a batch by itself.

        Raises:
            UsageError: it cannot.
        """
        fine = config.task == "fine-grained"  # whole classes: L_delta compares samples of each
        unit = self.count * (config.instances if fine else 1)
        if self.count > 1 and (config.batch_size % unit or config.batch_size < 2 * unit):
            raise UsageError(
                f"--batch-size {config.batch_size} cannot be shared by {self.count} processes",
                remedy=f"use a multiple of {unit}{' (processes x --instances)' if fine else ''}, "
                f"{2 * unit} or more",
            )

    @contextmanager
    def joined(
        self, config: TrainConfig, device: torch.device, precision: object = "one precision"
    ) -> Iterator[None]:
        """Meet the other processes, and train with them for as long as the context is open.

        Raises:
            UsageError: the batch cannot be shared, the device is not this process's own, or
                another machine computes on another kind of device or in another precision.
        """
        if self.count == 1:
            yield
            return
        self.check_parts(config)
        import torch
        from torch import distributed
        from torch.distributed.distributed_c10d import PrefixStore
        from torch.distributed.rendezvous import rendezvous

        own = torch.device("cuda", self.gpu)
        if device.type != "cpu" and device != own:
            raise UsageError(
                f"{self.count} processes cannot share {device}; use --device cuda, a GPU for "
                "each, or --device cpu"
            )
        if device == own:
            torch.cuda.set_device(own)
        backend = "gloo" if device.type == "cpu" else "nccl"
        store, _, _ = next(iter(rendezvous("env://", timeout=_TIMEOUT)))
        self._check_alike(store, f"{device.type} in {str(precision).removeprefix('torch.')}")
        distributed.init_process_group(
            backend,
            store=PrefixStore("sbir", store),
            rank=self.rank,
            world_size=self.count,
            timeout=_TIMEOUT,
        )
        yield
        # DistributedDataParallel must be gone before the group: the last to let go of gloo's waits
        # for its threads, and the wrapper would do that while holding the lock that they want
        gc.collect()
        # not after an error: the others would have to come too, and torchrun is about to end them
        distributed.destroy_process_group()

    def _check_alike(self, store: Any, computes: str) -> None:
        """Refuse machines that cannot train together, before they would wait for each other."""
        store.set(f"sbir computes {self.rank}", computes)
        found = [store.get(f"sbir computes {rank}").decode() for rank in range(self.count)]
        other = next((each for each in found if each != found[0]), None)
        if other is not None:
            raise UsageError(
                f"process {found.index(other)} computes on {other}, and the first on {found[0]}",
                remedy="use --device and --precision that all machines have",
            )

    def check_same(self, text: str, what: str) -> None:
        """Refuse to go on, in all of them, where a process has another text than the first; inside
        `joined`.

        Raises:
            SbirError: one has.
        """
        if self.count == 1:
            return
        import torch
        from torch import distributed

        on = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        own = torch.tensor(list(hashlib.sha256(text.encode()).digest()), device=on)
        found = [torch.empty_like(own) for _ in range(self.count)]
        distributed.all_gather(found, own)
        other = next((i for i, each in enumerate(found) if not torch.equal(each, found[0])), None)
        if other is not None:
            raise SbirError(
                f"process {other} has other {what} than the first",
                remedy="look for files that not every process can read, and start again",
            )

    def together(self, module: torch.nn.Module) -> torch.nn.Module:
        """The module with its gradients averaged over all processes; inside `joined`."""
        if self.count == 1:
            return module
        from torch.nn.parallel import DistributedDataParallel

        # a tower may have parameters that no loss reaches, the same ones in every step
        return DistributedDataParallel(module, static_graph=True)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean over all processes of a tensor of each; inside `joined`."""
        if self.count > 1:
            from torch import distributed

            distributed.all_reduce(values)
        return values / self.count

    def from_first(self, value: float, device: torch.device) -> float:
        """The first process's number, in all; `device` is this process's; inside `joined`."""
        if self.count == 1:
            return value
        import torch
        from torch import distributed

        shared = torch.tensor(value, dtype=torch.float64, device=device)
        distributed.broadcast(shared, 0)
        return float(shared)


ALONE = Group()
