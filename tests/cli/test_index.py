from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.slow


def test_info_list_export_and_verify_of_a_gallery(call: Run, gallery: Path, tmp_path: Path) -> None:
    index = gallery / "idx.faiss"
    facts = json.loads(call("index", "info", index, "--json").stdout)
    assert facts["photos"] == 6 and facts["photos_found"] and facts["dimension"] == 512
    shown = call("index", "info", index).stdout.decode()
    assert "sbir-mini/sketch" in shown and "\x1b" not in shown
    listed = call("index", "list", index, "-0").stdout.split(b"\0")[:-1]
    assert len(listed) == 6 and any(b"line\nbreak.jpg" in path for path in listed)
    assert call("index", "list", index, "--skipped").stdout == b""
    done = call("index", "export", index, "-o", tmp_path / "e.npy")
    assert done.returncode == 0 and done.stdout == b""
    assert np.load(tmp_path / "e.npy").shape == (6, 512)
    assert len((tmp_path / "e.jsonl").read_text().splitlines()) == 6
    done = call("index", "verify", index, "--device", "cpu", "-q")
    assert done.returncode == 0 and done.stdout.startswith(b"6 embedded again, least cosine 1.0")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("info", "nowhere.faiss"), 1, "no such index"),
        (("export", "-o", "x.csv"), 2, "must end in .npy or .parquet"),
        (("verify", "--sample", "0"), 2, "--sample"),
        (("merge", "a.faiss", "-o", "b.faiss"), 1, "no such index"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    call: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = call("index", *arguments, cwd=tmp_path)
    assert done.returncode == code and done.stdout == b""
    assert says in done.stderr.decode() and len(done.stderr.splitlines()) == 1


def test_vectors_of_another_program_become_a_gallery(
    call: Run, gallery: Path, tmp_path: Path
) -> None:
    made, ours, index = tmp_path / "v.npy", gallery / "idx.faiss", tmp_path / "i.faiss"
    call("index", "export", ours, "-o", made)
    names = call("index", "list", ours, "-0").stdout
    order = [3, 1, 5, 0, 2, 4]
    np.save(made, np.load(made)[order].astype(np.float16) * 3)
    (tmp_path / "names").write_bytes(b"\0".join(names.split(b"\0")[i] for i in order))

    def take(*more: str | Path, names: Path = tmp_path / "names") -> tuple[int, str]:
        options = ("--paths", names, "-m", "sbir-mini/sketch", "--device", "cpu", *more)
        done = call("index", "import", made, "-o", index, *options)
        assert done.stdout == b""
        return done.returncode, " ".join(done.stderr.decode().split())

    code, said = take()
    assert code == 0 and "6 compared, median cosine 1.0" in said and "unit length now" in said
    asked = ("--top", "6", "-f", "paths", "-0", "--device", "cpu")
    answers = [call("query", gallery / "sketch.png", "-i", i, *asked).stdout for i in (ours, index)]
    assert answers[0] == answers[1] and answers[0].count(b"\0") == 6
    done = call("embed-gallery", gallery / "photos", "-o", index, "--device", "cpu")
    assert done.returncode == 0 and b"0 embedded, 0 removed" in done.stderr
    facts = json.loads(call("index", "info", index, "--json").stdout)
    assert facts["imported_from"] == "v.npy" and facts["photos_found"]

    assert take()[0] == 2  # it is there already
    for path in (index, tmp_path / "i.faiss.db"):
        path.unlink()
    (tmp_path / "other").write_bytes(names)
    code, said = take(names=tmp_path / "other")
    assert code == 4 and "other photos of the list" in said and not index.exists()
    (tmp_path / "short").write_bytes(names.split(b"\0")[0])
    assert take(names=tmp_path / "short") == (
        1,
        f"sbir: {made}: holds 6 vectors, and the list 1 names; the list must have the name of each "
        "vector's photo, in the same order",
    )
    (tmp_path / "empty").mkdir()
    code, said = take("--root", tmp_path / "empty")  # another machine's photos
    assert code == 3 and "none compared" in said and "6 missing" in said
