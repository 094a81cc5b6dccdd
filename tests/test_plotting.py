"""Pictures by matplotlib: what they depend on, and what drawing one leaves behind."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from sbir_cli import plotting
from sbir_cli.errors import SbirError
from tests.cli.conftest import environment

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def _line(axes: Axes) -> None:
    axes.plot([0, 1, 2], [0.1, 0.4, 0.2], label="a line")
    axes.set_xlabel("cut $5")
    axes.legend()


def test_a_png_has_the_size_that_was_asked_for_and_a_white_ground() -> None:
    with Image.open(io.BytesIO(plotting.png(_line, 4, 3))) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels.shape == (300, 400, 3)
    assert (pixels[0, 0] == 255).all() and pixels.min() < 100


def test_an_svg_is_the_same_every_time_and_takes_its_colours_from_the_page() -> None:
    text = plotting.svg(_line, 4, 3)
    assert text == plotting.svg(_line, 4, 3)
    assert text.startswith("<svg") and ">cut $5</text>" in text
    assert "var(--series-0)" in text and "var(--ink)" in text and "var(--faint)" in text
    assert not any(colour in text for colour in (*plotting.SERIES, plotting.INK, "dc:date"))
    assert "http" not in text.replace("http://www.w3.org/", "")


def test_without_matplotlib_it_is_one_sentence_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib.font_manager", raising=False)
    monkeypatch.setattr(plotting, "can_plot", lambda: False)
    with pytest.raises(SbirError, match=r"needs matplotlib; pip install 'sbir\[plots\]'"):
        plotting.png(_line, 4, 3)


@pytest.mark.slow
def test_drawing_leaves_nothing_in_the_home_and_nothing_of_the_users_look(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 9\n")
    code = (
        "import os, sys; from sbir_cli import plotting; from tests.test_plotting import _line\n"
        "assert 'matplotlib' not in sys.modules\n"
        "sys.stdout.write(plotting.svg(_line, 4, 3)); assert 'MPLCONFIGDIR' not in os.environ\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    env = environment(HOME=str(tmp_path / "home"), TMPDIR=str(tmp_path / "tmp"))
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout.decode() == plotting.svg(_line, 4, 3)
    assert list((tmp_path / "home").iterdir()) == list((tmp_path / "tmp").iterdir()) == []
