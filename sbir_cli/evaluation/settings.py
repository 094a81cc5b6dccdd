"""The knobs of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from sbir_cli.config import Task
from sbir_cli.errors import UsageError
from sbir_cli.evaluation.metrics import Metric, accuracy_metrics, category_metrics


@dataclass(frozen=True)
class EvaluationConfig:
    """What is measured, and how it is computed."""

    task: Task = "category"
    """`category`: a photo of the sketch's class is right; `fine-grained`: only its own photo."""
    generalized: bool = False
    """The gallery holds the seen classes too (category level only)."""
    fit: bool = False
    """Crop raster sketches to their ink first, as `sbir query` does."""
    cuts: tuple[int, ...] = ()
    """k of mAP@k and P@k, or of Acc@k; empty: mAP@200, P@100, P@200 or Acc@1, 5, 10."""
    seed: int = 0
    """Of the bootstrap."""
    resamples: int = 1000
    """Bootstrap samples behind an interval (at least 1)."""
    batch_size: int = 64
    """Images per forward pass (at least 1)."""
    workers: int = 2
    """Threads that decode images ahead of the encoder (at least 1)."""

    def __post_init__(self) -> None:
        for option, value in (
            ("--batch-size", self.batch_size),
            ("--workers", self.workers),
            ("resamples", self.resamples),
            *(("--k", cut) for cut in self.cuts),
        ):
            if value < 1:
                raise UsageError(f"{option} must be at least 1")
        if self.seed < 0:
            raise UsageError("--seed must not be negative")
        if self.task not in ("category", "fine-grained"):
            raise UsageError("--task must be category or fine-grained")
        if self.generalized and self.task != "category":
            raise UsageError("--generalized is for --task category: leave out one of them")

    @property
    def ap_cuts(self) -> tuple[int | None, ...]:
        """k of mAP@k; None is the whole gallery."""
        return (*(self.cuts or (200,)), None)

    @property
    def p_cuts(self) -> tuple[int, ...]:
        """k of P@k."""
        return self.cuts or (100, 200)

    @property
    def metrics(self) -> list[Metric]:
        """What is measured, the headline first."""
        if self.task == "fine-grained":
            return accuracy_metrics(self.cuts or (1, 5, 10))
        return category_metrics(self.ap_cuts, self.p_cuts)
