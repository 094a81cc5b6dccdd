from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from sbir_cli.gallery import Hit
from sbir_cli.output.preview import sheet
from tests.cli.conftest import Run, command, environment
from tests.fakes import draw_photo


def test_photos_stand_in_rows_and_a_missing_one_leaves_its_place(tmp_path: Path) -> None:
    photo = draw_photo(tmp_path / "a.jpg", size=(40, 80))
    hits = [Hit(rank, 0.5, rank, photo) for rank in (1, 2)]
    image = sheet([*hits, Hit(3, 0.4, 3, tmp_path / "gone.jpg")], columns=2)
    assert image.size == (400, 400)
    assert image.getpixel((100, 300)) == (105, 105, 105) and image.getpixel((300, 300)) == (0, 0, 0)


@pytest.mark.slow
def test_a_terminal_shows_the_photos_and_a_pipe_does_not(gallery: Path, call: Run) -> None:
    asked = ("query", gallery / "sketch.png", "-i", gallery / "idx.faiss", "--preview", "-n", "3")
    piped = call(*asked)
    assert piped.returncode == 0 and "▀".encode() not in piped.stdout
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    try:
        env = environment(TERM="xterm-256color")
        process = subprocess.Popen(
            command(*asked), stdin=inner, stdout=inner, stderr=subprocess.PIPE, env=env
        )
        os.close(inner)
        seen = b""
        while True:
            try:
                part = os.read(outer, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
        _, told = process.communicate(timeout=60)
    finally:
        os.close(outer)
    assert process.returncode == 0, told
    text = seen.decode()
    assert text.index("rank") < text.index("▀")
    assert len(re.findall("▀", text)) >= 3 * 20 * 5
