"""The protocols: category-level, generalised and fine-grained zero-shot retrieval of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sbir_cli.datasets import DataSet, Split
from sbir_cli.embedding import Progress
from sbir_cli.encoder import Encoder
from sbir_cli.errors import SbirError, UsageError
from sbir_cli.evaluation.embedded import (
    Embedded,
    embed_photos,
    embed_sketches,
    together,
)
from sbir_cli.evaluation.metrics import score
from sbir_cli.evaluation.partial import read_share
from sbir_cli.evaluation.ranking import score_queries
from sbir_cli.evaluation.report import Partial, Report
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.evaluation.summary import AVERAGES, by_class, summarise
from sbir_cli.evaluation.trec import read_qrels, score_run


@dataclass(frozen=True)
class Evaluation:
    """A report, and what it was made of."""

    report: Report
    embedded: Embedded


def evaluate(
    dataset: DataSet,
    split: Split,
    encoder: Encoder,
    config: EvaluationConfig,
    *,
    shares: Sequence[float] = (),
    progress: Progress = lambda done, total: None,
) -> Evaluation:
    """Rank the whole fixed gallery for every sketch of the unseen classes and score the rankings.

    Category level: the gallery is every photo of the unseen classes, generalised of the seen
    ones too; the values are means over queries. Fine-grained: the gallery is the photos of the
    sketch's class; the values are means over the classes' means, as in the paper.

    Args:
        shares: also score drawings of which only these shares of the length are drawn (0 to 1).

    Raises:
        UsageError: generalised, but the split has no seen class.
        SbirError: nothing can be read, or no sketch has a relevant photo.
    """
    part = _evaluated_part(dataset, split, config)
    photos = embed_photos(part, encoder, config, progress)
    embedded = together(part, embed_sketches(part, encoder, config, progress), photos)
    report = _score(embedded, config)
    partial = []
    for share in sorted(shares):
        cut = embed_sketches(part, encoder, config, progress, read_share(share))
        partial.append(Partial(share, _score(together(part, cut, photos), config).values))
    return Evaluation(
        replace(
            report,
            data=f"{dataset.name} {split.name}",
            split_source=split.source,
            model=encoder.name,
            fingerprint=encoder.fingerprint,
            device=str(encoder.device),
            unseen=split.unseen,
            seen_in_gallery=split.seen if config.generalized else [],
            files_sha256=part.manifest()["files_sha256"],
            partial=partial,
            notes=_notes(part, split, config),
        ),
        embedded,
    )


def _evaluated_part(dataset: DataSet, split: Split, config: EvaluationConfig) -> DataSet:
    """Sketches of the unseen classes, and the gallery."""
    dataset = dataset.for_task(config.task)
    if not config.generalized:
        return dataset.only(split.unseen)
    if not split.seen:
        raise UsageError("--generalized needs a split with seen classes", remedy="name a --split")
    both = dataset.only({*split.unseen, *split.seen})
    unseen = set(split.unseen)
    queries = [i for i, name in enumerate(both.sketch_classes) if name in unseen]
    return both.keep(queries, range(len(both.photos)))


def _score(embedded: Embedded, config: EvaluationConfig) -> Report:
    """The numbers of a report; what they were done with is filled in by `evaluate`."""
    dataset, metrics = embedded.dataset, config.metrics
    queries, values = score_queries(embedded, config.task, metrics)
    if not len(queries):
        raise SbirError(
            "no sketch has a photo of its own",
            where=dataset.root,
            remedy="name the pairs alike (a-1.png of a.jpg), or list them in pairs.csv",
        )
    classes = [dataset.sketch_classes[i] for i in queries]
    average = AVERAGES[config.task]
    return Report(
        task="generalized" if config.generalized else config.task,
        data="",
        average=average,
        queries=len(queries),
        gallery=len(dataset.photos),
        classes=len(set(classes)),
        values=summarise(values, classes, metrics, average, config),
        per_class=by_class(values, classes, metrics),
        left_out=len(dataset.sketches) - len(queries),
        unreadable=[
            {"path": str(path.relative_to(dataset.root)), "reason": reason}
            for path, reason in embedded.unreadable + dataset.skipped
        ],
        seed=config.seed,
        resamples=config.resamples,
    )


def _notes(part: DataSet, split: Split, config: EvaluationConfig) -> list[str]:
    """What a reader must know to compare the numbers."""
    found = list(part.warnings if config.task == "fine-grained" else part.notes)
    if config.fit:
        found.append("raster sketches cropped to their ink (--fit)")
    name = f"{split.dataset} {split.name}"
    if split.absent:
        expected = len(split.unseen) + len(split.absent)
        found.append(
            f"{expected} unseen classes expected for {name}, found {len(split.unseen)} "
            f"(not {', '.join(split.absent)})"
        )
    for what, published, there in (
        ("queries", split.queries, len(part.sketches)),
        ("photos", 0 if config.generalized else split.gallery_size, len(part.photos)),
    ):
        if published and published != there and config.task == "category":
            found.append(f"{published:,} {what} expected for {name}, found {there:,}")
    sizes = [part.photo_classes.count(c) for c in split.unseen]
    if config.task == "fine-grained":
        size = sum(sizes) / len(sizes)
        if split.dataset == "sketchy" and size != 100:
            found.append(f"galleries of {size:.0f} photos a class, where the paper's have 100")
        return found
    far = [k for k in config.p_cuts if k > max(sizes)]
    if far:
        cuts = ", ".join(f"P@{k}" for k in far)
        found.append(f"{cuts} by k cannot reach 1: the largest class has {max(sizes):,} photos")
    return found


def evaluate_run(run: Path, qrels: Path, config: EvaluationConfig) -> Report:
    """Score anyone's TREC run file by our metrics; all values are means over queries.

    A query of the qrels that the run lacks counts as one that found nothing: leaving out what is
    hard must not help.

    Raises:
        SbirError: a file cannot be read, is not what it should be, or they do not fit together.
    """
    scored = score_run(run, read_qrels(qrels))
    metrics = config.metrics
    if config.task == "fine-grained":
        metrics = [replace(metric, protocol="query mean") for metric in metrics]
    values = score(scored.ranks, metrics)
    labels = [""] * len(values)
    notes = []
    if scored.missing:
        notes.append(f"{scored.missing:,} queries of the qrels are not in the run: they score 0")
    return Report(
        task="run",
        data=f"{run.name} by {qrels.name}",
        average="queries",
        queries=len(values),
        gallery=scored.documents,
        classes=0,
        values=summarise(values, labels, metrics, "queries", config),
        per_class=[],
        left_out=scored.left_out,
        notes=notes,
        seed=config.seed,
        resamples=config.resamples,
    )
