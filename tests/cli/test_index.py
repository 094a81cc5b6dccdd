from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.slow


def test_info_list_export_and_verify_of_a_gallery(sbir: Run, gallery: Path, tmp_path: Path) -> None:
    index = gallery / "idx.faiss"
    facts = json.loads(sbir("index", "info", index, "--json").stdout)
    assert facts["photos"] == 6 and facts["photos_found"] and facts["dimension"] == 512
    shown = sbir("index", "info", index).stdout.decode()
    assert "sbir-mini/sketch" in shown and "\x1b" not in shown
    listed = sbir("index", "list", index, "-0").stdout.split(b"\0")[:-1]
    assert len(listed) == 6 and any(b"line\nbreak.jpg" in path for path in listed)
    assert sbir("index", "list", index, "--skipped").stdout == b""
    done = sbir("index", "export", index, "-o", tmp_path / "e.npy")
    assert done.returncode == 0 and done.stdout == b""
    assert np.load(tmp_path / "e.npy").shape == (6, 512)
    assert len((tmp_path / "e.jsonl").read_text().splitlines()) == 6
    done = sbir("index", "verify", index, "--device", "cpu", "-q")
    assert done.returncode == 0 and done.stdout.startswith(b"6 embedded again, least cosine 1.0")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("info", "nowhere.faiss"), 1, "no such index"),
        (("export", "-o", "x.csv"), 2, "must end in .npy"),
        (("verify", "--sample", "0"), 2, "--sample"),
        (("merge", "a.faiss", "-o", "b.faiss"), 1, "no such index"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    sbir: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = sbir("index", *arguments, cwd=tmp_path)
    assert done.returncode == code and done.stdout == b""
    assert says in done.stderr.decode() and len(done.stderr.splitlines()) == 1
