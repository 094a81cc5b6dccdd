from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.slow
SKETCH = Path(__file__).parents[2] / "examples" / "sketches" / "cup" / "cup_1.svg"


def test_a_page_a_picture_and_the_pairs(call: Run, gallery: Path, tmp_path: Path) -> None:
    done = call("explain", SKETCH, "0", "-i", gallery / "idx.faiss", "-o", tmp_path / "why.html",
                "--json", "-", "--device", "cpu")  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["schema"] == 1 and told["model"] == "sbir-mini/sketch" and told["pairs"]
    for pair in told["pairs"]:
        places = [pair[side][axis] for side in ("sketch", "photo") for axis in "xy"]
        assert all(0 <= place <= 1 for place in places) and -1 <= pair["similarity"] <= 1
    page = (tmp_path / "why.html").read_text()
    assert page.count("<line ") == len(told["pairs"]) and "not what made the score" in page
    assert "http" not in page


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("0",), 2, "nothing is asked for"),
        (("0", "-o", "why.gif"), 2, "must end in .png or .html"),
        (("nowhere.jpg", "-o", "why.png"), 2, "no such photo"),
        (("9999", "-o", "why.png"), 2, "no photo 9999"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    call: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = call("explain", SKETCH, *arguments, cwd=tmp_path)
    assert done.returncode == code and done.stdout == b""
    assert says in done.stderr.decode() and len(done.stderr.splitlines()) == 1
