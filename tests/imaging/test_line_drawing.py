"""Line drawings of photos: decided by the seed, of the subject, none where there is nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from sbir_cli.imaging.line_drawing import SIDE, STYLES, Study, Style, draw, is_drawing


def _photo() -> npt.NDArray[np.uint8]:
    """A dark disc on a light, slightly noisy ground."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:240, :320]
    disc = (x - 160) ** 2 + (y - 120) ** 2 < 70**2
    photo = np.where(disc[..., None], (150, 40, 30), (200, 205, 210)) + rng.normal(
        0, 4, (240, 320, 1)
    )
    return photo.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("style", STYLES)
def test_a_seed_decides_the_drawing(style: Style) -> None:
    study = Study.of(_photo())
    first, again, other = (draw(study, style, seed) for seed in (3, 3, 4))
    assert first.shape == (SIDE, SIDE) and set(np.unique(first)) <= {0, 255}
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize("style", STYLES)
def test_the_lines_lie_on_the_discs_rim(style: Style) -> None:
    study = Study.of(_photo())
    inks = [draw(study, style, seed) for seed in range(12)]
    rows, columns = np.nonzero(np.stack(inks).max(axis=0))
    radius = np.hypot(columns - SIDE / 2, rows - SIDE / 2)
    assert np.abs(radius - 35).mean() < 12  # 70 of 320 px wide; chance is 27


def test_the_subject_is_what_stands_out_or_what_is_said_to() -> None:
    found = Study.of(_photo()).subject
    assert found is not None and abs(found.mean() - 0.2) < 0.05  # the disc's share of the photo
    alpha = np.zeros((240, 320), np.uint8)
    alpha[60:180, 40:280] = 255
    told = Study.of(_photo(), alpha).subject
    assert told is not None and abs(told.mean() - 0.375) < 0.02


def test_a_photo_of_one_colour_gives_no_drawing() -> None:
    study = Study.of(np.full((200, 200, 3), 90, np.uint8))
    assert study.subject is None
    assert not any(is_drawing(draw(study, style, 0)) for style in STYLES)
