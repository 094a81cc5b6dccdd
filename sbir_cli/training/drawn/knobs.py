"""What such a run needs at least; needs no torch."""

from __future__ import annotations

from sbir_cli.config import TrainConfig
from sbir_cli.errors import UsageError

LEAST_PHOTOS = 20
"""Different photos that are needed."""


def check_knobs(config: TrainConfig, photos: bool, drawings: bool) -> None:
    """Refuse what leaves nothing to learn, before anything is read.

    Raises:
        UsageError: some knobs do.
    """
    if config.branch != "sketch" or config.task != "category" or config.center:
        raise UsageError(
            "photos without sketches train the sketch branch alone, at category level; use "
            "--branch sketch, without --task fine-grained and --center"
        )
    if photos and not config.infonce_weight + config.relation_weight + config.anchor_weight:
        raise UsageError(
            "nothing is learned from photos where --infonce-weight, --relation-weight and "
            "--anchor-weight are all 0"
        )
    if drawings and not config.cls_weight:
        raise UsageError("nothing is learned from named drawings where --cls-weight is 0")
    if config.held_out_classes and not drawings:
        raise UsageError("--held-out-classes needs drawings with names")
