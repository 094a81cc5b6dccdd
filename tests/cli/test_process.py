"""The process itself: its width, Ctrl-C, memory limits, closed or odd standard input."""

from __future__ import annotations

import os
import pty
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest
import typer

from sbir_cli.cli import process
from sbir_cli.cli.exits import exit_codes, interrupted_with
from sbir_cli.errors import SbirError
from tests.cli.conftest import Run, command, environment
from tests.fakes import draw_photo, draw_sketch


@pytest.mark.parametrize("value", ["0", "-5", "1", "wide", "", "99999999999"])
def test_a_width_in_which_nothing_can_be_shown_is_forgotten(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COLUMNS", "TERMINAL_WIDTH"):
        monkeypatch.setenv(name, value)
    process.mend_width()
    assert "COLUMNS" not in os.environ and "TERMINAL_WIDTH" not in os.environ


def test_a_usable_width_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "57")
    process.mend_width()
    assert os.environ["COLUMNS"] == "57"


def test_ctrl_c_in_the_import_of_an_extension_is_an_interruption(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @exit_codes
    def command() -> None:
        with interrupted_with("it goes on"):
            try:
                raise KeyboardInterrupt
            except KeyboardInterrupt as error:  # as pybind11 does
                raise ImportError("initialization failed") from error

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "it goes on\nsbir: interrupted\n"


def test_what_fails_by_itself_is_not_called_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SbirError), interrupted_with("it goes on"):
        raise SbirError("no answer")
    assert not capsys.readouterr().err


@pytest.mark.timeout(10)
def test_an_error_whose_causes_run_in_a_circle_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    @exit_codes
    def command() -> None:  # as gRPC's errors do
        first, second = SbirError("no answer"), ValueError("gone")
        first.__cause__, second.__context__ = second, first
        raise first

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 1 and capsys.readouterr().err == "sbir: no answer\n"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), [("COLUMNS", "0"), ("TERMINAL_WIDTH", "x")])
def test_the_table_and_the_help_are_shown_whatever_the_width(
    sbir: Run, gallery: Path, name: str, value: str
) -> None:
    args = ("query", "sketch.png", "-i", "idx.faiss", "--format", "table")
    shown = sbir(*args, cwd=gallery, env={name: value}).stdout
    assert b"rank" in shown and b"photos/plain.jpg" in shown
    assert b" Usage: " in sbir("query", "--help", env={name: value}).stdout


@pytest.mark.slow
def test_a_terminal_of_one_column_still_gets_the_table(gallery: Path) -> None:
    leader, follower = pty.openpty()
    subprocess.run(["stty", "cols", "1"], stdin=follower, check=True)
    env = environment(TERM="xterm", NO_COLOR="1")
    del env["COLUMNS"]
    args = command("query", "sketch.png", "-i", "idx.faiss")
    done = subprocess.run(
        args, cwd=gallery, env=env, stdout=follower, stderr=subprocess.DEVNULL, check=False
    )
    os.close(follower)
    shown = os.read(leader, 100_000).decode()
    os.close(leader)
    assert done.returncode == 0 and "photos/plain.jpg" in shown


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.0, 0.05, 0.4, 1.2])
def test_three_interruptions_print_no_traceback(tmp_path: Path, pause: float) -> None:
    for i in range(200):
        draw_photo(tmp_path / "photos" / f"{i}.jpg", seed=i)
    args = command("embed-gallery", "photos", "-o", "idx.faiss", "--batch-size", "1")
    run = subprocess.Popen(args, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE)
    while not (tmp_path / "idx.faiss.journal").exists():
        assert run.poll() is None
        time.sleep(0.01)
    for _ in range(3):
        run.send_signal(signal.SIGINT)
        time.sleep(pause)
    _, stderr = run.communicate(timeout=60)
    assert run.returncode == 130, stderr
    assert b"Traceback" not in stderr and b"Exception ignored" not in stderr
    assert stderr.endswith(b"sbir: interrupted\n") and stderr.count(b"interrupted") == 1


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.02, 0.1, 0.3])
def test_an_interruption_while_it_starts_prints_no_traceback(after: float) -> None:
    """Python's own start apart, whose traceback nothing can keep away."""
    code = "import time, sbir_cli.cli as c; print(flush=True); c.main()"
    run = subprocess.Popen(
        [*command()[:1], "-c", code, "query", "nothing.png"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stdout is not None
    run.stdout.readline()
    time.sleep(after)
    for _ in range(3):
        run.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=60)
    assert b"Traceback" not in stderr, stderr
    assert run.returncode in (130, 1)  # 1: it was done already


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [350, 400, 440, 450, 460, 600])
def test_a_memory_limit_is_told(tmp_path: Path, megabytes: int) -> None:
    draw_sketch(tmp_path / "s.png")
    limit = megabytes * 1_000_000

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    done = subprocess.run(
        command("query", "s.png", "--top", "1", "-q"),
        cwd=tmp_path,
        env=environment(OMP_NUM_THREADS="2"),
        capture_output=True,
        preexec_fn=lower,
        check=False,
    )
    if done.returncode == 0:  # a build that needs less
        return
    assert done.returncode == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert b"memory" in last and b"raise it (ulimit -v unlimited)" in last, done.stderr


@pytest.mark.slow
def test_under_a_large_limit_all_is_as_without(tmp_path: Path) -> None:
    draw_sketch(tmp_path / "s.png")

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (64 << 30, 64 << 30))

    for name, code in (("s.png", 0), ("none.png", 1)):
        done = subprocess.run(
            command("query", name, "--top", "1", "-q"),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            preexec_fn=lower,
            check=False,
        )
        assert done.returncode == code and done.stdout.count(b"\n") == 1 - code


@pytest.mark.slow
def test_a_closed_stdin_is_one_sentence(gallery: Path) -> None:
    shell = " ".join(f"'{part!s}'" for part in command("query", "-i", "idx.faiss"))
    for tail in ("- <&-", "--from-file - <&-"):
        done = subprocess.run(
            ["bash", "-c", f"{shell} {tail}"],
            cwd=gallery,
            env=environment(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 2 and b"Traceback" not in done.stderr, done.stderr
        assert b"sbir: stdin" in done.stderr and b"in place of -" in done.stderr
