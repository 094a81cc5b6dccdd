"""Whole files: what is there after a write, a kill, an error; links and streams."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sbir_cli.errors import SbirError
from sbir_cli.storage.files import whole_file, write_file


def test_a_file_is_written_whole_and_its_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.txt"
    write_file(path, b"one")
    write_file(path, b"two")
    assert path.read_bytes() == b"two" and [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_an_error_on_the_way_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), whole_file(path) as file:
        file.write(b"half")
        assert path.read_bytes() == b"old"
        raise RuntimeError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link_to_what_is_written(tmp_path: Path, there: bool) -> None:
    (tmp_path / "home").mkdir()
    target, middle = tmp_path / "home" / "file.txt", tmp_path / "home" / "middle"
    link = tmp_path / "link.txt"
    middle.symlink_to("file.txt")
    link.symlink_to(middle)
    if there:
        target.write_bytes(b"old")
    write_file(link, b"new")
    assert link.is_symlink() and middle.is_symlink() and not target.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_named_pipe_is_written_in_place(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_file(pipe, b"through")
    reader.join()
    assert read == [b"through"] and pipe.is_fifo()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
@pytest.mark.parametrize("piped", [True, False])
def test_stdout_goes_on_behind_what_was_written(tmp_path: Path, name: str, piped: bool) -> None:
    """Opened by its name, a stdout that is a file would be written from its start, or replaced."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs Linux")
    (tmp_path / "link").symlink_to("/dev/stdout")
    code = (
        "import sys; from pathlib import Path; from sbir_cli.storage.files import write_file\n"
        "print('before', flush=True); write_file(Path(sys.argv[1]), b'middle\\n'); print('after')"
    )
    command = [sys.executable, "-c", code, name]
    out = tmp_path / "out.txt"
    if piped:
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
        out.write_bytes(run.stdout)
    else:
        with out.open("wb") as file:
            subprocess.run(command, cwd=tmp_path, stdout=file, check=True)
    assert out.read_text().split() == ["before", "middle", "after"]
    assert Path("/dev/stdout").is_symlink()


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "file" / "x", tmp_path, tmp_path / "loop", tmp_path / ("x" * 300)):
        with pytest.raises(SbirError, match=r"cannot be written \(.*\); choose another --html"):
            write_file(path, b"data", "choose another --html")
