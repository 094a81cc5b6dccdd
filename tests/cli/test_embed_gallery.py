"""`sbir embed-gallery` on good and bad input, as a process where one is killed or limited."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run, command, environment
from tests.fakes import draw_photo, draw_sketch

pytestmark = pytest.mark.slow


def test_from_photos_to_an_answer_and_an_update(sbir: Run, photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "new" / "folder" / "idx.faiss"
    (photos / "bad.jpg").write_text("no photo")
    (photos / "zero.png").touch()
    report = tmp_path / "report.jsonl"

    done = sbir("embed-gallery", photos, "-o", index, "--report", report)

    assert done.returncode == 3 and done.stdout == b""
    text = done.stderr.decode()
    assert "model sbir-mini/sketch on cpu" in text and "10 photos (flat, 512-d)" in text
    assert "10 embedded, 0 removed, 2 skipped" in text and "zero.png: empty file" in text
    assert "\r" not in text  # no progress bar off a terminal
    records = [json.loads(line) for line in report.read_text().splitlines()]
    assert [(r["schema"], Path(r["path"]).name) for r in records] == [
        (1, "bad.jpg"),
        (1, "zero.png"),
    ]
    draw_sketch(tmp_path / "s.png")
    assert sbir("query", tmp_path / "s.png", "-i", index, "-q").stdout.count(b"\n") == 10

    (photos / "bad.jpg").unlink()
    (photos / "zero.png").unlink()
    (photos / "p1.jpg").unlink()
    draw_photo(photos / "p10.jpg", seed=10)
    again = sbir("embed-gallery", photos, "-o", index, "--prune")
    assert again.returncode == 0 and b"10 photos" in again.stderr
    assert b"1 embedded, 3 removed, 0 skipped" in again.stderr
    assert sbir("embed-gallery", photos, "-o", index, "--quiet").stderr == b""


def test_interrupted_it_exits_with_130_and_goes_on(photos: Path, tmp_path: Path) -> None:
    for i in range(100):
        draw_photo(photos / f"more{i}.jpg", seed=i)
    index = tmp_path / "idx.faiss"
    args = command("embed-gallery", photos, "-o", index, "--batch-size", "1")
    run = subprocess.Popen(args, env=environment(), stderr=subprocess.PIPE)
    while not (tmp_path / "idx.faiss.journal").exists():
        assert run.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=120)
    assert run.returncode == 130
    assert b"the same command goes on where it stopped\nsbir: interrupted\n" in stderr
    assert b"Traceback" not in stderr and not index.exists()
    done = subprocess.run(args, env=environment(), capture_output=True, check=True)
    assert b"110 photos" in done.stderr and index.exists()


@pytest.mark.parametrize("case", ["missing", "empty", "no image", "all bad"])
def test_nothing_to_embed_is_one_sentence(call: Run, tmp_path: Path, case: str) -> None:
    folder = tmp_path / "in"
    if case != "missing":
        folder.mkdir()
    if case == "no image":
        (folder / "a.txt").write_text("x")
    if case == "all bad":
        (folder / "a.png").write_text("x")
    done = call("embed-gallery", folder, "-o", tmp_path / "idx.faiss", "-q")
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1 and b"sbir: " in done.stderr
    assert not (tmp_path / "idx.faiss").exists()


def test_a_target_that_cannot_be_written_is_one_sentence(
    call: Run, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    done = call("embed-gallery", photos, "-o", tmp_path / "file" / "idx.faiss", "-q")
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1
    assert b"cannot be written (" in done.stderr


def test_a_full_disk_is_one_sentence_and_the_old_gallery_stays(
    photos: Path, tmp_path: Path
) -> None:
    """A limit on the size of files stands in for the full disk: writes fail alike."""
    index = tmp_path / "idx.faiss"
    args = command("embed-gallery", photos, "-o", index, "-q")
    subprocess.run(args, env=environment(), check=True)
    before = index.read_bytes()
    for i in range(80):
        draw_photo(photos / f"more{i}.jpg", seed=i)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    full = subprocess.run(
        args, env=environment(), capture_output=True, check=False, preexec_fn=limit
    )
    assert full.returncode == 1 and full.stderr.count(b"\n") == 1, full.stderr
    assert b"the old gallery is untouched; make room" in full.stderr
    assert index.read_bytes() == before
    subprocess.run(args, env=environment(), check=True)


def test_two_runs_at_once_the_second_is_refused(photos: Path, tmp_path: Path, sbir: Run) -> None:
    for i in range(100):
        draw_photo(photos / f"more{i}.jpg", seed=i)
    index = tmp_path / "idx.faiss"
    args = command("embed-gallery", photos, "-o", index, "--batch-size", "1", "-q")
    first = subprocess.Popen(args, env=environment())
    while not (tmp_path / "idx.faiss.journal").exists():
        assert first.poll() is None
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        second = sbir("embed-gallery", photos, "-o", index, "-q")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert second.returncode == 1 and b"another run is at work on this gallery" in second.stderr
    assert first.wait() == 0


def test_usage_errors_exit_with_2(call: Run, photos: Path, tmp_path: Path) -> None:
    for args in (
        ("embed-gallery", str(photos)),
        ("embed-gallery", "-o", "idx.faiss"),
        ("embed-gallery", str(photos), "-o", str(tmp_path / "i"), "--batch-size", "0"),
        ("embed-gallery", str(photos), "-o", str(tmp_path / "i"), "--index-type", "tree"),
        ("embed-gallery", str(photos), "-o", str(tmp_path / "i"), "--device", "cuda:77"),
    ):
        done = call(*args)
        assert done.returncode == 2 and done.stdout == b"" and b"Traceback" not in done.stderr


def test_an_unknown_model_is_one_sentence(call: Run, photos: Path, tmp_path: Path) -> None:
    done = call("embed-gallery", photos, "-o", tmp_path / "i", "--model", "ViT-Z/none", "-q")
    assert done.returncode == 1 and b"no such model or folder; name ARCHITECTURE/TAG" in done.stderr


def test_an_index_cut_short_by_the_disk_is_never_committed(photos: Path, tmp_path: Path) -> None:
    """FAISS's own writer lets a failing close pass: the limit lies just below the last bytes."""
    for i in range(90):
        draw_photo(photos / f"more{i}.jpg", seed=i)
    index = tmp_path / "idx.faiss"
    args = command("embed-gallery", photos, "-o", index, "-q")
    subprocess.run(args, env=environment(), check=True)
    before = index.read_bytes()
    draw_photo(photos / "one-more.jpg", seed=1000)
    least = len(before) + 512  # the new index needs 1024 more

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (least, least))

    full = subprocess.run(
        args, env=environment(), capture_output=True, check=False, preexec_fn=limit
    )
    assert full.returncode == 1 and b"cannot be written" in full.stderr, full.stderr
    assert index.read_bytes() == before


def test_targets_and_inputs_that_cannot_be(call: Run, photos: Path, tmp_path: Path) -> None:
    for target in (".", "/", photos, "x" * 300):
        done = call("embed-gallery", photos, "-o", target, "-q", cwd=tmp_path)
        assert done.returncode == 1 and done.stderr.count(b"\n") == 1, done.stderr
    done = call("embed-gallery", "", "-o", "idx.faiss", cwd=photos)
    assert done.returncode == 2 and b"is empty; name what to embed" in done.stderr


def test_rebuild_keeps_the_kind_of_gallery(call: Run, photos: Path, tmp_path: Path) -> None:
    index = tmp_path / "idx.faiss"
    call("embed-gallery", photos, "-o", index, "--index-type", "hnsw", "--portable", "-q")
    (tmp_path / "idx.faiss").write_text("damaged")
    done = call("embed-gallery", photos, "-o", index, "--rebuild")
    assert done.returncode == 0 and b"(hnsw, 512-d" in done.stderr
    assert os.fsencode(str(photos)) not in (tmp_path / "idx.faiss.db").read_bytes()


def test_every_kind_of_file_is_told_in_one_line_each(
    sbir: Run, photos: Path, tmp_path: Path
) -> None:
    """Without the extras, as modules that cannot be imported."""
    for module in ("rawpy", "pillow_jxl"):
        (tmp_path / "without" / f"{module}.py").parent.mkdir(exist_ok=True)
        (tmp_path / "without" / f"{module}.py").write_text("raise ImportError")
    for i in range(10):
        (photos / f"raw{i}.CR2").write_bytes(b"II*\0\x10\0\0\0CR\x02\0" + b"\0" * 40)
    (photos / "p1.CR2").write_bytes(b"II*\0\x10\0\0\0CR\x02\0" + b"\0" * 40)
    for i in range(2):
        (photos / f"a{i}.jxl").write_bytes(b"\xff\x0a" + b"\0" * 40)
    for i in range(7):
        (photos / f"bad{i}.jpg").touch()
    (photos / "film.mp4").touch()
    draw_photo(photos / "#recycle" / "x.jpg")
    (photos / "more").symlink_to(tmp_path)
    draw_photo(photos / "X" / "y.jpg")
    path = f"{tmp_path / 'without'}{os.pathsep}{environment()['PYTHONPATH']}"
    args = ("embed-gallery", photos, "-o", tmp_path / "i.faiss", "--exclude", "**/X/**")
    done = sbir(*args, "--exclude", "2019", env={"PYTHONPATH": path})
    text = done.stderr.decode()
    assert done.returncode == 3, text
    one = "skipped 12 files of formats that are not read (CR2, JXL); pip install 'sbir[jxl,raw]'"
    assert one in text and "... and 2 more (2 empty file); --report FILE.jsonl lists them" in text
    assert "left out: 1 other file (MP4), 1 RAW file beside a photo of the same name, " in text
    assert "1 folder of bins, snapshots and previews (#recycle), 1 linked folder " in text
    assert "1 file or folder by --exclude\n" in text
    assert "note: --exclude 2019 matched nothing" in text
    assert "10 photos" in text and "19 skipped" in text


def test_a_postscript_file_starts_no_ghostscript(sbir: Run, photos: Path, tmp_path: Path) -> None:
    (photos / "a.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    (tmp_path / "bin").mkdir()
    for name in ("gs", "gswin64c", "gswin32c"):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexit 1\n")
        (tmp_path / "bin" / name).chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = sbir("embed-gallery", photos, "-o", tmp_path / "i", env={"PATH": path})
    assert done.returncode == 3
    assert b"a.jpg: not an image of a format that is read (PostScript)" in done.stderr
    assert b"\n" in sbir("query", photos / "a.jpg", env={"PATH": path}).stderr
    assert not (tmp_path / "started").exists()


def test_a_folder_that_is_gone_leaves_and_query_counts_what_is_gone(
    sbir: Run, photos: Path, tmp_path: Path
) -> None:
    index = tmp_path / "i.faiss"
    sbir("embed-gallery", photos, "-o", index, "-q")
    (photos / "deep").rename(photos / "deeper")
    draw_sketch(tmp_path / "s.png")
    asked = sbir("query", tmp_path / "s.png", "-i", index)
    assert b"note: 2 of the 10 photos found are gone from the disk; " in asked.stderr
    assert asked.returncode == 0 and asked.stdout.count(b"\n") == 10
    refused = sbir("embed-gallery", photos / "deep", "-o", index)
    assert refused.returncode == 1 and b"no such file or directory" in refused.stderr
    done = sbir("embed-gallery", photos / "deep", "-o", index, "--prune")
    assert done.returncode == 0 and b"8 photos" in done.stderr and b"2 removed" in done.stderr
    assert b"gone" not in sbir("query", tmp_path / "s.png", "-i", index).stderr


def test_timings_name_the_bottleneck_on_stderr_and_in_the_report(
    call: Run, photos: Path, tmp_path: Path
) -> None:
    report, into = tmp_path / "report.jsonl", ("-o", tmp_path / "idx.faiss")
    done = call("embed-gallery", photos, *into, "--timings", "-q", "--report", report)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    told = done.stderr.decode().splitlines()
    stages = ["scan", "load", "decode", "resize", "encode", "write"]
    assert [line.split()[0] for line in told[:-1]] == [*stages, "all"]
    assert told[-1].startswith("bottleneck, ")
    facts = json.loads(report.read_text())["timings"]
    assert all(0 < facts[stage] < 2 * facts["wall"] + 0.01 for stage in stages)
    assert call("embed-gallery", photos, *into, "-q").stderr == b""
    with_ray = call("embed-gallery", photos, *into, "--timings", "--ray", "local")
    assert with_ray.returncode == 2 and b"leave out --ray" in with_ray.stderr
