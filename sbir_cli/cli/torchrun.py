"""Which of several processes this is, from what torchrun puts into the environment."""

from __future__ import annotations

import os

from sbir_cli.training.processes import ALONE, Group


def torchrun_group() -> Group:
    """The group that torchrun made, or a process on its own.

    Schedulers set some of the same names for jobs that are no group: torchrun's own tells.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return ALONE
    numbers = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0}
    return Group(*(int(os.environ.get(name, alone)) for name, alone in numbers.items()))
