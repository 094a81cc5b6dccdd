"""Training the sketch branch without pairs: from plain photos, named drawings, or both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbir_cli.config import TrainConfig
from sbir_cli.datasets import DrawingSet, PhotoSet
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.training.batch_loader import Normaliser
from sbir_cli.training.course import Course, Note, follow
from sbir_cli.training.drawn.elsewhere import example_exam
from sbir_cli.training.drawn.exam import Exam, Examiner, Mark, photo_exam
from sbir_cli.training.drawn.ink import PACKED
from sbir_cli.training.drawn.knobs import LEAST_PHOTOS, check_knobs
from sbir_cli.training.drawn.loader import DrawnLoader, Lessons
from sbir_cli.training.drawn.material import (
    MADE,
    Left,
    Named,
    Photos,
    draw_photos,
    load_photos,
    per_photo,
    read_named,
    save_photos,
)
from sbir_cli.training.drawn.objective import DrawnObjective, spread
from sbir_cli.training.loop import Elsewhere, Watcher
from sbir_cli.training.processes import ALONE, Group
from sbir_cli.training.sampler import Indices
from sbir_cli.training.selection import hold_out
from sbir_cli.training.state import Row, State
from sbir_cli.training.texts import class_texts, own_temperature

_LEAST_HELD_OUT = 20  # photos, or a quarter of them: fewer would tell little
_EXAM = 500  # drawings of an exam, as far as one of each photo allows


@dataclass(frozen=True)
class DrawnReport:
    """What a run came to."""

    state: State
    photos: int
    """Trained on."""
    drawings: int
    """Named ones trained on."""
    held_out: str
    """What the marks are of."""
    plain: Mark | None
    """Of the plain model; None where nothing was held out."""
    trained: Mark | None
    """Of the sketch branch that was kept."""
    keeps_plain: bool
    """Whether no epoch was better than the plain model."""
    narrow: Row | None
    """The epoch that was, but worse with drawings of other things, where the plain one is kept."""
    unreadable: Left
    encoder: PromptedEncoder
    """With the branches of the checkpoint; in the first process only."""


@dataclass(frozen=True)
class _Part:
    """What one kind of material gives to the training and to the validation."""

    exam: Exam | None
    held_out: str
    data: dict[str, Any] | None
    validation: dict[str, Any] | None


def train_on_drawings(
    photos: PhotoSet | None,
    drawings: DrawingSet | None,
    encoder: PromptedEncoder,
    config: TrainConfig,
    output: Path,
    *,
    resume: bool = False,
    group: Group = ALONE,
    watch: Watcher = lambda phase, done, total, losses: None,
    note: Note = lambda sentence: None,
) -> DrawnReport:
    """Train the sketch branch over the encoder's tower and leave the best as a checkpoint.

    Line drawings of the photos are taught to lie where the plain model puts their photos, named
    drawings where it puts their names. An epoch counts only if drawings of held-out photos, or of
    held-out classes, find what is theirs better than the plain model's do, and, without
    `config.narrow`, drawings of the example photos theirs no worse.

    Args:
        photos: looked at (`look_at`), or None.
        drawings: with names, or None.
        encoder, config, output, resume, group, watch, note: as for `run.train`; the branch is
            `sketch`.

    Raises:
        SbirError: there is too little to learn from, or as `follow` says.
        UsageError: knobs that do not go together, or as `follow` says.
    """
    check_knobs(config, photos is not None, drawings is not None)
    if photos is not None:
        photos.require(LEAST_PHOTOS)
    if drawings is not None:
        drawings.require()
    unreadable = Left(photos.unreadable if photos else ())
    counts = [0, 0]
    examiners: list[Examiner] = []

    def make(encoder: PromptedEncoder) -> Course:
        made = _photos(photos, encoder, config, group, output, watch, note, unreadable)
        named = _named(drawings, config, watch, unreadable)
        teach = _Teaching(encoder, config, group, made, named, note)
        counts[:] = len(teach.lessons.drawings), len(teach.lessons.named)
        if teach.examiner:
            examiners.append(teach.examiner)
        elsewhere = None
        if teach.examiner is not None and not config.narrow:
            elsewhere = example_exam(encoder, config, group, watch)
        return teach.course(len(unreadable), elsewhere)

    run = follow(encoder, config, output, make, resume=resume, group=group, watch=watch, note=note)
    if group.is_first:
        (output / MADE).unlink(missing_ok=True)
    plain, trained = (
        examiners[0].mark(run.method, branch) if examiners else None
        for branch in (run.method.bare(), run.trained_encoder.sketch)
    )
    return DrawnReport(
        state=run.state,
        photos=counts[0],
        drawings=counts[1],
        held_out=run.course.held_out,
        plain=plain,
        trained=trained,
        keeps_plain=run.keeps_plain,
        narrow=run.narrow,
        unreadable=unreadable,
        encoder=run.trained_encoder,
    )


def _photos(
    photos: PhotoSet | None,
    encoder: PromptedEncoder,
    config: TrainConfig,
    group: Group,
    output: Path,
    watch: Watcher,
    note: Note,
    unreadable: Left,
) -> Photos | None:
    """The photos embedded and drawn, or as an interrupted run left them."""
    if photos is None:
        return None
    count = per_photo(photos, config)
    if count < config.drawings_per_photo:
        note(f"{count} drawings of each photo fit into the memory (--memory)")
    identity = {
        "photos": photos.manifest(),
        "base": encoder.weights_hash,
        "precision": str(encoder.device.dtype),
        "drawings": [count, config.seed],
    }
    found = load_photos(output / MADE, photos, identity)
    if found is None:
        found = draw_photos(photos, encoder, config, watch)
        if group.is_first:
            save_photos(output / MADE, *found, identity)
    made, left = found
    unreadable += left
    made.files.require(LEAST_PHOTOS)
    return made


def _named(
    drawings: DrawingSet | None, config: TrainConfig, watch: Watcher, unreadable: Left
) -> Named | None:
    if drawings is None:
        return None
    named, left = read_named(drawings, config, watch)
    unreadable += left
    named.files.require()
    return named


class _Teaching:
    """The material cut into what is trained on and what is held out."""

    def __init__(
        self,
        encoder: PromptedEncoder,
        config: TrainConfig,
        group: Group,
        photos: Photos | None,
        named: Named | None,
        note: Note,
    ) -> None:
        self._group = group
        self._encoder, self._config, self._device = encoder, config, encoder.device.device
        self._drawings = np.zeros((0, 1, PACKED), np.uint8)
        self._embeddings, self._groups = self._tensor(np.zeros((0, 1), np.float32)), _none()
        self._texts, self._named, self._labels = self._embeddings, self._drawings[:, 0], _none()
        parts = []
        if photos is not None:
            parts.append(self._take_photos(photos))
        if named is not None:
            parts.append(self._take_named(named, photos is None, note))
        self._parts = parts
        self.lessons = Lessons(self._drawings, self._named, self._labels)
        self._normaliser = Normaliser(encoder.preprocess, self._device)
        exams = [part.exam for part in parts if part.exam]
        size = encoder.preprocess.size
        self.examiner = Examiner(exams, self._normaliser, size) if exams else None

    def course(self, unreadable: int, elsewhere: Elsewhere | None) -> Course:
        """The course of a run."""
        config, examiner = self._config, self.examiner
        photos = self._embeddings
        own = own_temperature(self._encoder)
        among = config.temperature or (spread(photos) if len(photos) else own)
        return Course(
            loader=DrawnLoader(
                self.lessons,
                self._normaliser,
                self._encoder.preprocess.size,
                config,
                self._group,
            ),
            objective=DrawnObjective(
                config,
                photos,
                self._tensor(self._groups),
                self._texts,
                among,
                config.temperature or own,
            ),
            validate=examiner.trained if examiner else None,
            measure="mAP",
            held_out=" and ".join(part.held_out for part in self._parts if part.exam),
            data={
                "training data": [part.data for part in self._parts],
                "validation data": [part.validation for part in self._parts],
            },
            facts={"split": "no classes", "unreadable": unreadable},
            plain=examiner.plain if examiner else None,
            elsewhere=elsewhere,
        )

    def _take_photos(self, photos: Photos) -> _Part:
        """Hold some groups of near-duplicates out, one photo of each for the exam."""
        config = self._config
        assert photos.files.groups is not None
        groups = np.unique(photos.files.groups)
        least = min(_LEAST_HELD_OUT, len(groups) // 4)
        count = max(least, round(config.held_out * len(groups)))
        mixed = np.random.default_rng([config.seed, 1]).permutation(groups)
        held, kept = (mixed[:count], mixed[count:]) if config.held_out else (mixed[:0], mixed)
        part = np.random.default_rng([config.seed, 3]).permutation(kept)
        kept = part[: max(2, round(config.fraction * len(part)))]
        rows = np.flatnonzero(np.isin(photos.files.groups, kept))
        asked = np.array([np.flatnonzero(photos.files.groups == g)[0] for g in np.sort(held)], int)
        self._drawings, self._groups = photos.drawings[rows], photos.files.groups[rows]
        self._embeddings = self._tensor(photos.embeddings[rows])
        targets = self._tensor(photos.embeddings[asked])
        return _Part(
            photo_exam(photos.drawings[asked], targets, _EXAM) if len(asked) else None,
            f"drawings of {len(asked):,} held-out photos",
            photos.files.keep(rows.tolist()).manifest(),
            photos.files.keep(asked.tolist()).manifest() if len(asked) else None,
        )

    def _take_named(self, named: Named, alone: bool, note: Note) -> _Part:
        """Hold some classes out; the exam is to find their names among them."""
        notes: list[str] = []
        files = named.files
        held, kept = hold_out(files.classes, self._config, notes, files.root)
        for sentence in notes if alone else ():
            note(sentence)
        own = _rows(files.labels, kept)
        self._named, self._labels = named.drawings[own], _numbers(files.labels, own, kept)
        self._texts = self._tensor(class_texts(self._encoder, kept))
        asked = _rows(files.labels, held)
        asked = asked[np.linspace(0, len(asked) - 1, min(len(asked), _EXAM)).astype(int)]
        exam = None
        if held:
            targets = self._tensor(class_texts(self._encoder, held))
            exam = Exam(named.drawings[asked], targets, _numbers(files.labels, asked, held))
        return _Part(
            exam,
            f"drawings of {len(held)} held-out classes",
            files.keep(own.tolist()).manifest(),
            files.keep(asked.tolist()).manifest() if held else None,
        )

    def _tensor(self, values: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(values).to(self._device)


def _none() -> Indices:
    return np.zeros(0, np.int64)


def _rows(labels: list[str], classes: list[str]) -> Indices:
    wanted = set(classes)
    return np.array([i for i, name in enumerate(labels) if name in wanted], np.int64)


def _numbers(labels: list[str], rows: Indices, classes: list[str]) -> Indices:
    number = {name: i for i, name in enumerate(classes)}
    return np.array([number[labels[i]] for i in rows], np.int64)
