"""`sbir query` over the bundled model: called here, and as a process where a process is tested."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from sbir_cli.errors import MismatchError
from sbir_cli.gallery import Gallery
from sbir_cli.imaging.sketches import read_sketches
from sbir_cli.storage import resources
from tests.cli.conftest import NAMES, Run, command, environment
from tests.fakes import FakeEncoder, draw_sketch

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "examples"
ALL = {os.fsencode(f"photos/{name}") for name in NAMES} | {b"photos/latin-\xe9.jpg"}


def test_into_a_pipe_come_bare_paths_and_notes_go_to_stderr(sbir: Run, gallery: Path) -> None:
    done = sbir("query", "sketch.png", "-i", "idx.faiss", "--top", "1", cwd=gallery)
    assert done.returncode == 0
    assert (gallery / os.fsdecode(done.stdout.removesuffix(b"\n"))).is_file()
    assert done.stderr.startswith(b"model sbir-mini/sketch on cpu (exported graph)")
    quiet = sbir("query", "sketch.png", "-i", "idx.faiss", "--top", "1", "--quiet", cwd=gallery)
    assert quiet.stderr == b"" and quiet.stdout == done.stdout


def test_the_bundled_model_with_and_without_its_branches(call: Run, tmp_path: Path) -> None:
    sketch, index = EXAMPLES / "sketches" / "teapot" / "teapot_1.svg", tmp_path / "i.faiss"
    base = ("--model", resources.BUNDLED_MODEL)
    done = call("query", sketch, *base)  # photos are seen otherwise
    assert done.returncode == 4 and b"makes one: -i my.faiss" in done.stderr
    assert call("embed-gallery", EXAMPLES / "photos" / "teapot", "-o", index, *base).returncode == 0
    for gallery, name in (((), resources.DEFAULT_MODEL), (("-i", index), resources.BUNDLED_MODEL)):
        done = call("query", sketch, *gallery, "--model", name, "--top", "1")
        assert done.returncode == 0 and done.stdout.endswith(b".jpg\n")
        assert done.stderr.startswith(f"model {name} on cpu".encode())


def test_a_small_drawing_in_a_corner_finds_what_the_drawing_alone_finds(
    call: Run, tmp_path: Path
) -> None:
    drawing = read_sketches(str(EXAMPLES / "sketches" / "teapot" / "teapot_1.svg"))[0].image
    canvas = Image.new("RGB", (1200, 900), "white")
    canvas.paste(drawing.resize((200, 200)), (960, 30))
    drawing.save(tmp_path / "alone.png")
    canvas.save(tmp_path / "corner.png")
    ask = ("query", "alone.png", "corner.png", "--top", "5", "--format", "jsonl")
    rows = [json.loads(line) for line in call(*ask, cwd=tmp_path).stdout.splitlines()]
    alone, corner = rows[:5], rows[5:]
    assert corner[0]["path"] == alone[0]["path"]
    assert corner[0]["score"] == pytest.approx(alone[0]["score"], abs=0.05)
    whole = [json.loads(line) for line in call(*ask, "--no-fit", cwd=tmp_path).stdout.splitlines()]
    assert abs(whole[5]["score"] - alone[0]["score"]) > 0.1 or whole[5]["path"] != alone[0]["path"]


def test_no_remedy_would_overwrite_the_prebuilt_gallery() -> None:
    gallery = Gallery.open(resources.bundled_index())
    with pytest.raises(MismatchError, match=r"-o my\.faiss"):
        gallery.require(FakeEncoder())


def test_print0_carries_any_name_through_xargs(sbir: Run, gallery: Path) -> None:
    done = sbir("query", "sketch.png", "-i", "idx.faiss", "-0", cwd=gallery)
    assert set(done.stdout.split(b"\0")) == ALL | {b""}
    xargs = ["xargs", "-0", "ls", "-d"]
    listed = subprocess.run(xargs, input=done.stdout, cwd=gallery, capture_output=True, check=True)
    assert listed.stdout.count(b"photos/") == len(ALL)


def test_a_name_with_a_dash_is_no_option(call: Run, gallery: Path) -> None:
    done = call("query", "../sketch.png", "-i", "../idx.faiss", "-0", cwd=gallery / "photos")
    assert b"./-dash.jpg" in done.stdout.split(b"\0")


def test_a_closed_pipe_ends_quietly(gallery: Path) -> None:
    shell = " ".join(
        f"'{part!s}'" for part in command("query", *["sketch.png"] * 3, "-i", "idx.faiss", "-q")
    )
    for end in ("head -1", "true"):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"{shell} | {end}"],
            cwd=gallery,
            env=environment(),
            capture_output=True,
            check=False,
        )
        assert done.stderr == b"" and done.returncode == 0


def test_json_lines_are_json_with_a_schema(call: Run, gallery: Path) -> None:
    done = call("query", "sketch.png", "-i", "idx.faiss", "-f", "jsonl", cwd=gallery)
    piped = ["python3", "-m", "json.tool", "--json-lines"]
    assert subprocess.run(piped, input=done.stdout, capture_output=True, check=True).stdout
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["rank"] for record in records] == list(range(1, 7))
    assert all(list(r) == ["schema", "query", "rank", "score", "path", "id"] for r in records)
    assert {(r["schema"], r["query"]) for r in records} == {(1, "sketch.png")}
    assert {os.fsencode(r["path"]) for r in records} == ALL
    scores = [r["score"] for r in records]
    assert scores == sorted(scores, reverse=True) and all(-1 <= s <= 1 for s in scores)


@pytest.mark.parametrize(("form", "delimiter"), [("tsv", "\t"), ("csv", ",")])
def test_separated_values_read_back(call: Run, gallery: Path, form: str, delimiter: str) -> None:
    done = call("query", "sketch.png", "-i", "idx.faiss", "-f", form, cwd=gallery)
    text = io.StringIO(os.fsdecode(done.stdout), newline="")
    rows = list(csv.DictReader(text, delimiter=delimiter))
    assert {os.fsencode(row["path"]) for row in rows} == ALL and rows[0]["rank"] == "1"


def test_a_terminal_gets_a_table_with_names_as_they_are(gallery: Path) -> None:
    leader, follower = pty.openpty()
    done = subprocess.Popen(
        command("query", "sketch.png", "-i", "idx.faiss"),
        cwd=gallery,
        env=environment(TERM="xterm", NO_COLOR="1"),
        stdout=follower,
        stderr=subprocess.DEVNULL,
    )
    done.wait(60)
    os.close(follower)
    shown = os.read(leader, 100_000).decode()
    os.close(leader)
    assert "rank" in shown and "score" in shown
    for name in ("[bold]x[/bold].png", "line\\nbreak.jpg", "latin-\\xe9.jpg"):
        assert name in shown
    assert "\x1b[3" not in shown  # NO_COLOR


def test_a_sketch_comes_from_stdin_as_an_image_or_a_drawing(sbir: Run, gallery: Path) -> None:
    by_name = sbir("query", "sketch.png", "-i", "idx.faiss", cwd=gallery).stdout
    data = (gallery / "sketch.png").read_bytes()
    assert sbir("query", "-", "-i", "idx.faiss", cwd=gallery, input=data).stdout == by_name
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><path stroke='red' d='M0 0 L9 9'/></svg>"
    assert sbir("query", "-", "-i", "idx.faiss", cwd=gallery, input=svg).stdout.count(b"\n") >= 6


def test_many_sketches_one_bad_go_on_and_say_so(call: Run, gallery: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("text")
    names = f"{gallery}/sketch.png\n{tmp_path}/bad.png\n{gallery}/sketch.png\n"
    done = call(
        "query",
        "--from-file",
        "-",
        "-i",
        gallery / "idx.faiss",
        "-f",
        "jsonl",
        input=names.encode(),
    )
    assert done.returncode == 3
    assert done.stdout.count(b"\n") == 12
    assert b"bad.png: not an image" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (Image.new("L", (40, 40), 255), 1),
        (Image.new("RGBA", (40, 40), (9, 9, 9, 0)), 1),
        (Image.new("L", (1, 1)), 1),
        (draw_sketch().convert("P"), 0),
        (draw_sketch().convert("CMYK"), 0),
    ],
)
def test_sketches_of_every_kind(
    call: Run, gallery: Path, tmp_path: Path, image: Image.Image, code: int
) -> None:
    path = tmp_path / ("s.tiff" if image.mode == "CMYK" else "s.png")
    image.save(path)
    done = call("query", path, "-i", gallery / "idx.faiss", "-q")
    assert done.returncode == code
    if code:
        assert done.stdout == b"" and done.stderr.count(b"\n") == 1
        assert b"the drawing is blank; draw dark strokes" in done.stderr


def test_min_score_cuts_and_refuses_what_is_no_number(call: Run, gallery: Path) -> None:
    def photos(cut: str) -> int:
        args = ("query", "sketch.png", "-i", "idx.faiss", "-0", "--min-score", cut)
        return int(call(*args, cwd=gallery).stdout.count(b"\0"))

    assert photos("-1") == len(ALL) and photos("100%") == 1 and photos("1") == 0
    done = call("query", "sketch.png", "-i", "idx.faiss", "--min-score", "high", cwd=gallery)
    assert done.returncode == 2 and b"--min-score takes 0.25, 80% or p95, not `high`" in done.stderr


def test_the_contact_sheet_holds_its_pictures(call: Run, gallery: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    call("query", "sketch.png", "-i", "idx.faiss", "--html", sheet, cwd=gallery)
    text = sheet.read_text("utf-8")
    assert text.count("data:image/jpeg;base64,") == 6 and text.count("data:image/png;base64,") == 1
    assert "[bold]x[/bold].png" in text and "http" not in text.replace("http-equiv", "")
    assert "<b>1</b>" in text and "<b>6</b>" in text


def test_variables_stand_in_for_options(sbir: Run, gallery: Path) -> None:
    env = {"SBIR_INDEX": str(gallery / "idx.faiss"), "SBIR_TOP": "2", "SBIR_FORMAT": "jsonl"}
    assert len(sbir("query", gallery / "sketch.png", env=env).stdout.splitlines()) == 2


def test_usage_errors_exit_with_2(call: Run, gallery: Path) -> None:
    index = ("-i", str(gallery / "idx.faiss"))
    sketch = str(gallery / "sketch.png")
    for args in (
        ("query", *index),
        ("query", sketch, *index, "--top", "0"),
        ("query", sketch, *index, "-0", "-f", "csv"),
        ("query", "-", "--from-file", "-", *index),
        ("query", sketch, *index, "--format", "xml"),
        ("query", sketch, *index, "--device", "gpu"),
        ("query", sketch, *index, "--from-file", "/nowhere"),
    ):
        done = call(*args)
        assert done.returncode == 2 and done.stdout == b"" and b"Traceback" not in done.stderr


def test_an_index_that_cannot_be_used_is_one_sentence(
    call: Run, gallery: Path, tmp_path: Path
) -> None:
    sketch = gallery / "sketch.png"
    for name in ("idx.faiss", "idx.faiss.db"):
        shutil.copy(gallery / name, tmp_path / name)
    index = tmp_path / "idx.faiss"

    def refused(remedy: bytes, path: Path = index) -> None:
        done = call("query", sketch, "-i", path)
        assert done.returncode == 1 and done.stdout == b"" and done.stderr.count(b"\n") == 1
        assert remedy in done.stderr

    refused(b"no such index; make it with `sbir embed-gallery", tmp_path / "none.faiss")
    refused(b"is a folder", tmp_path)
    index.write_bytes(index.read_bytes()[:100])
    refused(b"or remake it with `sbir embed-gallery")
    (tmp_path / "idx.faiss.db").unlink()
    refused(b"idx.faiss.db, which belongs to it, is missing")


def test_another_model_exits_with_4_and_the_command_that_mends_it(
    sbir: Run, gallery: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    other = Path(shutil.copytree(resources.bundled_model(), tmp_path / "other"))
    weights = load_file(other / "open_clip_model.safetensors")
    weights["visual.head.proj.weight"] = weights["visual.head.proj.weight"] * 2
    save_file(weights, other / "open_clip_model.safetensors")
    index = gallery / "idx.faiss"
    done = sbir("query", gallery / "sketch.png", "-i", index, "--model", other)
    assert done.returncode == 4 and done.stdout == b""
    mend = f"`sbir embed-gallery {gallery}/photos -o {index} --model local-dir:{other} --rebuild`"
    assert mend in done.stderr.decode()


def test_verbose_shows_the_traceback(sbir: Run, gallery: Path) -> None:
    done = sbir("-v", "query", gallery / "none.png", "-i", gallery / "idx.faiss")
    assert done.returncode == 1 and b"Traceback" in done.stderr


def test_every_bad_sketch_is_named_and_a_bad_line_costs_only_itself(
    call: Run, gallery: Path, tmp_path: Path
) -> None:
    index = ("-i", gallery / "idx.faiss", "-q")
    for name in ("bad1.png", "bad2.png"):
        (tmp_path / name).write_text("text")
    done = call("query", "bad1.png", "bad2.png", *index, "-f", "csv", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == b""
    assert b"bad1.png: not an image" in done.stderr and b"bad2.png: not an image" in done.stderr
    good = '{"drawing": [[[0, 9], [0, 9]]]}\n'
    (tmp_path / "mixed.ndjson").write_text("\ufeff" + good + '{"drawing": []}\n' + good)
    done = call("query", "mixed.ndjson", *index, "-f", "jsonl", "-n", "1", cwd=tmp_path)
    assert done.returncode == 3 and done.stdout.count(b"\n") == 2
    assert b"mixed.ndjson#2: the drawing has no stroke" in done.stderr


def test_streams_that_are_closed_or_full(gallery: Path) -> None:
    shell = " ".join(f"'{part!s}'" for part in command("query", "sketch.png", "-i", "idx.faiss"))

    def run(tail: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"{shell} {tail}"],
            cwd=gallery,
            env=environment(),
            capture_output=True,
            check=False,
        )

    assert run("2>&-").stdout.count(b"\n") >= 6  # no stderr: the results still come
    assert run("-f table | true").returncode == 0
    for tail in ("-q >/dev/full", "-q -f table >/dev/full", "-q >&-"):
        done = run(tail)
        assert done.returncode == 1 and done.stderr.count(b"\n") == 1, done.stderr
        assert b"Traceback" not in done.stderr


def test_a_name_cannot_steer_the_terminal(call: Run, gallery: Path) -> None:
    done = call("query", "no\x1b]0;pwn\x07.png", "-i", gallery / "idx.faiss")
    assert b"\x1b" not in done.stderr and b"\\x1b]0;pwn\\x07.png" in done.stderr


def test_a_gallery_without_its_photos_says_so(call: Run, gallery: Path, tmp_path: Path) -> None:
    shutil.copytree(gallery, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "photos")
    index = tmp_path / "copy" / "idx.faiss"
    # the copy finds the photos where they were; another root without them does not
    assert b"note" not in call("query", gallery / "sketch.png", "-i", index).stderr
    done = call("query", gallery / "sketch.png", "-i", index, "--root", tmp_path)
    assert b"note: no photo is found below" in done.stderr


@pytest.mark.parametrize("kind", ["nul", "crlf and mark", "utf-16"])
def test_names_come_from_find_and_from_windows(sbir: Run, gallery: Path, kind: str) -> None:
    names = ["sketch.png", "./sketch.png"]
    data = {
        "nul": "".join(f"{name}\0" for name in names).encode(),
        "crlf and mark": "\r\n".join(names).encode("utf-8-sig"),
        "utf-16": "\r\n".join(names).encode("utf-16"),
    }[kind]
    args = ("query", "-i", "idx.faiss", "-f", "jsonl", "--top", "1", "-q", "--from-file", "-")
    done = sbir(*args, cwd=gallery, input=data)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["query"] for line in done.stdout.splitlines()] == names


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path: Path, gallery: Path) -> None:
    """As another user, since root may read everything."""
    place = Path(tempfile.mkdtemp())  # pytest's own folders are shut to others
    try:
        place.chmod(0o755)
        for name in ("idx.faiss", "idx.faiss.db"):
            shutil.copy(gallery / name, place / name)
            (place / name).chmod(0o644)
        nobody = {"user": 65534} if os.geteuid() == 0 else {}
        for name in ("idx.faiss.db", "idx.faiss"):
            (place / name).chmod(0)
            code = "import sys; from sbir_cli.cli import main; sys.exit(main())"
            command = [sys.executable, "-c", code, "query", "none.png", "-i", place / "idx.faiss"]
            try:
                done = subprocess.run(
                    command,
                    env=environment(),
                    capture_output=True,
                    check=False,
                    **nobody,  # type: ignore[call-overload]
                )
            except PermissionError:
                pytest.skip("the other user cannot start this Python")
            if b"ModuleNotFoundError" in done.stderr or b"can't open" in done.stderr:
                pytest.skip("the other user cannot read this checkout")
            assert done.returncode == 1, done.stderr
            assert f"{name}: permission denied; make it readable" in done.stderr.decode()
            (place / name).chmod(0o644)
    finally:
        shutil.rmtree(place)


def test_show_sketch_writes_what_the_model_sees(call: Run, gallery: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen.png"
    names = ["sketch.png"] * 9
    call("query", *names, "-i", "idx.faiss", "--show-sketch", seen, cwd=gallery)
    with Image.open(seen) as sheet:
        assert sheet.format == "PNG" and sheet.width > 8 * 256 and sheet.height > 2 * 256
        first = sheet.crop((2, 2, 258, 258)).convert("L")
    assert min(first.tobytes()) < 100 and first.getpixel((1, 1)) == 255
