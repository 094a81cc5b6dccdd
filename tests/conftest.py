from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.fakes import draw_photo

SHARED = Path(__file__).parents[2] / "shared" / "data"

# in a shell's background job Ctrl-C is ignored, and would be in the commands that tests interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 10 photos, two of them in a subfolder."""
    folder = tmp_path / "photos"
    for i in range(8):
        draw_photo(folder / f"p{i}.jpg", seed=i)
    draw_photo(folder / "deep" / "er" / "p8.png", seed=8)
    draw_photo(folder / "deep" / "p9.webp", seed=9)
    return folder


@pytest.fixture
def sketchy25() -> Path:
    """The development data beside the checkout; a user's machine has none."""
    folder = SHARED / "sketchy25"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/sketchy25")
    return folder
