"""Nothing leaves the machine, and nothing is written that a command's help does not name.

strace sees every system call of a command, those of C++ libraries included. Where it is missing or
forbidden, Python's own audit events are watched, with the folders for the home, caches and
temporary files empty before and after. A test of its own shows that either watch sees something.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import command, environment
from tests.fakes import draw_photo, draw_sketch
from tests.trees import make_tree

pytestmark = pytest.mark.slow

_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")
_FOLDER = re.compile(r"^(?:AT_FDCWD|\d+)<([^>]*)>, ")
_CHANGES = (
    *("mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat", "symlink"),
    *("symlinkat", "unlink", "unlinkat", "creat", "truncate", "mknod", "mknodat"),
)
_AUDIT = """
import os, runpy, sys
log = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
write = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def watch(event, args):
    if event.startswith("socket.") and event != "socket.__new__":
        os.write(log, f"socket {event}\\n".encode())
    elif event == "open" and isinstance(args[2], int) and args[2] & write:
        os.write(log, f"write {args[0]}\\n".encode())
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink"):
        os.write(log, f"write {args[0]}\\n".encode())
sys.addaudithook(watch)
sys.argv = sys.argv[2:]
if sys.argv[0] == "-m":
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
else:
    exec(sys.argv[1])
"""


@dataclass(frozen=True)
class Seen:
    """What a command did beyond its own memory."""

    sockets: list[str]
    written: list[Path]
    """Files and folders that it made, opened for writing, renamed or removed; absolute."""
    done: subprocess.CompletedProcess[bytes]


Watch = Callable[[list[str | Path], Path], Seen]


def _by_strace(args: list[str | Path], folder: Path) -> Seen:
    log = folder / "strace.log"
    trace: list[str | Path]
    trace = ["strace", "-f", "-qq", "-y", "-s", "4096", "-e", "trace=%network,%file", "-o", log]
    done = _run([*trace, *args], folder)
    sockets: list[str] = []
    written: list[Path] = []
    for line in log.read_text("utf-8", "replace").splitlines():
        call = _CALL.match(line)
        if call is None:
            continue
        name, given, result = call.groups()
        if name == "socket":
            sockets.append(line)
        opens = name.startswith("open") and re.search(r"O_(WRONLY|RDWR|CREAT)", given)
        if int(result) >= 0 and (opens or name in _CHANGES):
            base = _FOLDER.match(given)
            path = re.search(r'"(.*?)"', given)
            assert path is not None, line
            written.append((Path(base[1]) if base else folder) / path[1])
    log.unlink()
    return Seen(sockets, written, done)


def _by_audit(args: list[str | Path], folder: Path) -> Seen:
    log = folder / "audit.log"
    assert args[0] == sys.executable
    done = _run([sys.executable, "-c", _AUDIT, log, *args], folder)
    lines = [line.split(" ", 1) for line in log.read_text("utf-8").splitlines() if " " in line]
    log.unlink()
    return Seen(
        [rest for kind, rest in lines if kind == "socket"],
        [folder / rest for kind, rest in lines if kind == "write"],
        done,
    )


def _run(args: list[str | Path], folder: Path) -> subprocess.CompletedProcess[bytes]:
    places = {name: folder / name for name in ("home", "tmp")}
    for place in places.values():
        place.mkdir(exist_ok=True)
    # A login sets LOGNAME; without it torch asks the machine's own name service. Bytecode beside
    # the sources is Python's, and there already in an installed package.
    env = environment(
        HOME=str(places["home"]),
        TMPDIR=str(places["tmp"]),
        LOGNAME="somebody",
        PYTHONDONTWRITEBYTECODE="1",
    )
    for name in ("HF_HOME", "XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY", "HF_HUB_OFFLINE"):
        env.pop(name, None)
    return subprocess.run(args, cwd=folder, env=env, capture_output=True, timeout=300, check=False)


def _strace_works() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], check=False).returncode == 0


@pytest.fixture(scope="module")
def watch() -> Watch:
    return _by_strace if _strace_works() else _by_audit


@pytest.mark.parametrize("see", [_by_strace, _by_audit])
def test_the_watch_sees_a_socket_and_a_file(see: Watch, tmp_path: Path) -> None:
    if see is _by_strace and not _strace_works():
        pytest.skip("needs strace and the right to use it")
    code = (
        "import os, socket; open(os.environ['HOME'] + '/x', 'w').close(); os.mkdir('y')\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"
    )
    seen = see([sys.executable, "-c", code], tmp_path)
    assert seen.done.returncode == 0 and seen.sockets
    assert {tmp_path / "home" / "x", tmp_path / "y"} <= set(seen.written)


def _nothing_but(seen: Seen, folder: Path, *named: str) -> None:
    """No socket, and nothing written but what begins with one of these names."""
    assert seen.sockets == []
    for path in seen.written:
        # Standard streams, and what torch's exporter removes at once: a lock in memory, and the
        # file by which Python tries the folder for temporary files (that stays empty, see below).
        passing = ("/dev/null", "/dev/tty", "/dev/shm/sem.", "/proc/self/", f"{folder}/tmp/")
        if str(path).startswith(passing):
            continue
        inside = path.is_relative_to(folder)
        assert inside and path.relative_to(folder).parts[0].startswith(named), seen.written
    for place in ("home", "tmp"):
        assert list((folder / place).iterdir()) == []


def test_no_command_opens_a_socket_or_writes_what_its_help_does_not_name(
    watch: Watch, tmp_path: Path
) -> None:
    for i in range(3):
        draw_photo(tmp_path / "photos" / f"{i}.jpg", seed=i)
    draw_sketch(tmp_path / "sketch.png")
    (tmp_path / "sketch.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0L9 9" '
        'stroke="black"/></svg>'
    )
    make_tree(tmp_path / "data", dict.fromkeys(("ant", "bee", "cow", "dog"), (4, 4)))

    def run(*args: str, named: tuple[str, ...] = (), code: int = 0) -> None:
        seen = watch(command(*args), tmp_path)
        assert seen.done.returncode == code, seen.done.stderr
        if named:  # no `startswith(())`, which would let everything pass
            _nothing_but(seen, tmp_path, *named)
        else:
            _nothing_but(seen, tmp_path, "\0")

    run("--help")
    run("--version")
    run("query", "sketch.png", "sketch.svg")  # the bundled model and gallery
    run("query", "sketch.png", "--cache", "kept", named=("kept",))
    run("embed-gallery", "photos", "-o", "idx.faiss", named=("idx.faiss",))
    run("query", "sketch.png", "-i", "idx.faiss", "--html", "a.html", named=("a.html",))
    run("train", "data", "-o", "cp", "--epochs", "1", "--batch-size", "4", named=("cp",))
    run("evaluate", "data", "--model", "cp")
    pages = ("--output", "r.json", "--grid", "g.html", "--html", "h.html")
    run("evaluate", "data", *pages, named=("r.json", "g.html", "h.html"))
    run("draw", "--help")
    run("query", "missing.png", code=1)


def test_a_gallery_that_names_a_model_of_the_hub_reaches_nobody(
    watch: Watch, tmp_path: Path
) -> None:
    draw_photo(tmp_path / "photos" / "a.jpg")
    draw_sketch(tmp_path / "sketch.png")
    subprocess.run(
        command("embed-gallery", "photos", "-o", "idx.faiss"),
        cwd=tmp_path,
        env=environment(),
        check=True,
        capture_output=True,
    )
    with closing(sqlite3.connect(tmp_path / "idx.faiss.db")) as database:
        database.execute("UPDATE manifest SET value = '\"hf-hub:no/body\"' WHERE key = 'encoder'")
        database.commit()
    seen = watch(command("query", "sketch.png", "-i", "idx.faiss"), tmp_path)
    assert seen.done.returncode == 1 and b"is not in the cache" in seen.done.stderr
    _nothing_but(seen, tmp_path, "\0")


def test_a_home_that_cannot_be_written_is_no_reason_to_warn(tmp_path: Path) -> None:
    draw_sketch(tmp_path / "sketch.png")
    env = environment(HOME="/dev/null/nowhere")
    for name in ("SBIR_CACHE", "XDG_CACHE_HOME"):
        env.pop(name, None)
    args = command("query", tmp_path / "sketch.png", "--quiet")
    done = subprocess.run(args, env=env, capture_output=True, check=True)
    assert done.stderr == b""
