"""SIGKILL at any moment: the next run goes on, and the gallery is the same to the byte."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sbir_cli.gallery import Gallery
from sbir_cli.gallery.manifest import database_path
from tests.fakes import draw_photo

KILLS = 12
RUN = """
import sys
from pathlib import Path
from sbir_cli.config import EmbedConfig
from sbir_cli.gallery import update_gallery
from sbir_cli.imaging.images import find_photos
from tests.fakes import FakeEncoder
index, photos = map(Path, sys.argv[1:])
encoder = FakeEncoder(seconds_per_batch=0.03)
update_gallery(index, find_photos([photos]), encoder, embed=EmbedConfig(batch_size=4))
"""


def _start(index: Path, photos: Path) -> subprocess.Popen[bytes]:
    repository = Path(__file__).parents[2]
    return subprocess.Popen([sys.executable, "-c", RUN, str(index), str(photos)], cwd=repository)


def _kill(index: Path, photos: Path, after: float) -> bool:
    """Start a run, kill it some seconds after its journal appears; False: it was done before."""
    run = _start(index, photos)
    journal = index.with_name(index.name + ".journal")
    while run.poll() is None and not journal.exists():
        time.sleep(0.002)
    time.sleep(after)
    if run.poll() is not None:
        return False
    run.send_signal(signal.SIGKILL)
    run.wait()
    return True


@pytest.mark.slow
def test_killed_at_any_moment_it_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for i in range(120):
        draw_photo(photos / f"{i:03}.png", seed=i)
    (photos / "bad.jpg").write_bytes(b"bad")
    whole, index = tmp_path / "whole.faiss", tmp_path / "idx.faiss"
    assert _start(whole, photos).wait() == 0

    def same_as_whole() -> None:
        assert index.read_bytes() == whole.read_bytes()
        assert database_path(index).read_bytes() == database_path(whole).read_bytes()

    moments = random.Random(0)
    for _ in range(KILLS):
        killed = _kill(index, photos, moments.uniform(0, 0.6))
        if index.exists():
            assert Gallery.open(index).manifest.photos == 120
            same_as_whole()
            index.unlink()
            database_path(index).unlink()
        else:
            assert killed
    assert _start(index, photos).wait() == 0
    same_as_whole()
    left = {p.name for p in tmp_path.iterdir()}
    assert left == {"photos", *(f"{n}.faiss{s}" for n in ("idx", "whole") for s in ("", ".db"))}
