"""The page of an evaluation: whole, its own, and safe whatever names it shows."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sbir_cli import plotting
from sbir_cli.cli import app
from tests.fakes import FakeEncoder
from tests.trees import make_tree

Evaluate = Callable[..., Result]
HOSTILE = "<b onclick=x>&$\\frac{1}{2}$"


@pytest.fixture
def evaluate(monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """`sbir evaluate ARGS` with a stand-in for the model."""
    monkeypatch.setattr("sbir_cli.encoder.load_encoder", lambda name, device: FakeEncoder())

    def run(*args: str | Path) -> Result:
        return CliRunner().invoke(app, ["evaluate", *map(str, args)])

    return run


class _Page(HTMLParser):
    """The addresses that a page names, its tags and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_asks_for_nothing(evaluate: Evaluate, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "d", {HOSTILE: (3, 4), "bat": (2, 3)}, vector=True)
    out = tmp_path / "new" / "report.html"
    done = evaluate(tree, "--html", out, "--partial", "50,100", "--quiet")
    assert done.exit_code == 0, done.output
    text = out.read_text("utf-8")
    page = _Page(text)
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    assert "script" not in page.tags and "a" not in page.tags and "onclick" not in page.tags
    assert str(tmp_path) not in text  # a page may be handed on
    assert text.count("<svg") == page.tags.count("svg") == 3  # curve, unfinished drawings, classes
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ET.fromstring(svg)  # well-formed, so that any reader of the page shows it
    for wanted in (
        *("mAP@200", "voc", "trec", "Precision and recall", "Unfinished drawings", "Classes"),
        *("What is taken for what", "Best rankings", "fingerprint", "fake-1", "(3)", HOSTILE),
    ):
        assert wanted in page.text, wanted
    assert page.tags.count("img") > 10


def test_fine_grained_shows_accuracy_by_place(evaluate: Evaluate, tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "d", {"ant": (3, 4), "bat": (2, 3)})
    out = tmp_path / "report.html"
    done = evaluate(tree, "--task", "fine-grained", "--html", out)
    assert done.exit_code == 0, done.output
    text = out.read_text("utf-8")
    assert "Accuracy by place" in text and "What is taken for what" not in text
    assert text.count("<svg") == 2


def test_a_photo_that_is_gone_and_an_unreadable_one_are_told(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    tree = make_tree(tmp_path / "d", {"ant": (3, 4), "bat": (2, 3)})
    (tree / "photo" / "ant" / "a.jpg").write_text("no photo")
    done = evaluate(tree, "--html", tmp_path / "r.html")
    assert done.exit_code == 3
    assert "1 files" in _Page((tmp_path / "r.html").read_text("utf-8")).text


def test_without_matplotlib_it_is_said_before_the_work(
    evaluate: Evaluate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plotting, "can_plot", lambda: False)
    tree = make_tree(tmp_path / "d", {"ant": (3, 4), "bat": (2, 3)})
    done = evaluate(tree, "--html", tmp_path / "r.html")
    assert done.exit_code == 1 and done.stderr.count("\n") == 1
    assert "pip install 'sbir[plots]'" in done.stderr


def test_a_run_file_has_no_pictures(evaluate: Evaluate, tmp_path: Path) -> None:
    done = evaluate("--run", "r", "--qrels", "q", "--html", tmp_path / "r.html")
    assert done.exit_code == 2 and "leave out the options that embed DATA" in done.stderr
