"""Drawings of other things than a user's photos show: of the example photos that ship.

Photos held out of a folder are of the same things as the others: where these are few, they cannot
tell that a branch forgot the rest of the world.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import torch

from sbir_cli.config import TrainConfig
from sbir_cli.datasets import PhotoSet
from sbir_cli.encoder.torch_encoder import PromptedEncoder
from sbir_cli.storage import resources
from sbir_cli.training.batch_loader import Normaliser
from sbir_cli.training.drawn.exam import Examiner, photo_exam
from sbir_cli.training.drawn.material import draw_photos
from sbir_cli.training.loop import Elsewhere, Watcher
from sbir_cli.training.methods import Method
from sbir_cli.training.processes import Group

_EACH = 4  # photos of each of the 34 classes


def example_exam(
    encoder: PromptedEncoder, config: TrainConfig, group: Group, watch: Watcher
) -> Elsewhere:
    """Does a drawing of an example photo find it among photos of 34 kinds of things? The same
    drawings in every run; only the first process is asked.

    Raises:
        SbirError: the examples cannot be read.
    """
    if not group.is_first:
        return Elsewhere(_not_asked, _not_asked)
    root = resources.example_photos()
    paths = [
        path
        for folder in sorted(root.iterdir())
        if folder.is_dir()
        for path in islice(sorted(folder.glob("*.jpg")), _EACH)
    ]
    fixed = replace(config, seed=0, drawings_per_photo=4)
    made, _ = draw_photos(PhotoSet(root, paths), encoder, fixed, watch)
    device = encoder.device.device
    exam = photo_exam(made.drawings, torch.from_numpy(made.embeddings).to(device), len(paths))
    normaliser = Normaliser(encoder.preprocess, device)
    examiner = Examiner([exam], normaliser, encoder.preprocess.size)
    return Elsewhere(examiner.trained, examiner.plain)


def _not_asked(method: Method) -> float:
    raise AssertionError("the first process alone validates")
