from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from sbir_cli.datasets import read_dataset, resolve_split
from sbir_cli.evaluation.protocols import evaluate
from sbir_cli.evaluation.report import Partial, Report
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.evaluation.summary import ClassRow, Value
from sbir_cli.output.evaluation import print_report, report_json
from sbir_cli.output.rankings_page import rankings_page
from tests.fakes import FakeEncoder
from tests.trees import make_tree

VALUES = [
    Value("mAP@200", "voc", 0.7231, 0.71, 0.74),
    Value("mAP@200", "hits", 0.8, 0.79, 0.81),
    Value("P@100", "k", 0.5, 0.4, 0.6),
    Value("P@100", "min", 0.6, 0.5, 0.7),
]
REPORT = Report(
    task="category",
    data="folder [x]",
    average="queries",
    queries=1234,
    gallery=5678,
    classes=2,
    values=VALUES,
    per_class=[ClassRow("[red]cat", 7, {"mAP@200 voc": 0.25, "P@100 k": 0.125})],
    seed=0,
    resamples=1000,
    model="sbir-mini",
)


def shown(report: Report, per_class: bool = False, width: int = 80) -> str:
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=width), per_class)
    return stream.getvalue()


def test_every_number_stands_under_its_protocol() -> None:
    text = shown(REPORT)
    assert "folder [x], category level, zero-shot: 1,234 sketches, 5,678 photos" in text
    assert re.search(r"metric +voc +95 % interval +hits", text)
    assert re.search(r"mAP@200 +0.7231 +0.7100 to 0.7400 +0.8000", text)
    assert re.search(r"metric +by k +95 % interval +by min\(k, R\)", text)
    assert "[red]cat" not in text


def test_classes_and_shares_are_tables_of_their_own() -> None:
    text = shown(replace(REPORT, partial=[Partial(0.25, VALUES)]), per_class=True)
    assert re.search(r"\[red\]cat +7 +0.2500 +0.1250", text)
    assert re.search(r"25% +0.7231 +0.5000", text)


def test_a_narrow_terminal_cuts_no_number() -> None:
    names = {f"mAP@{k} voc": 0.1234 for k in range(1, 8)}
    values = [Value(name.split()[0], "voc", 0.1234, 0.1, 0.2) for name in names]
    report = replace(REPORT, values=values, per_class=[ClassRow("hot-air_balloon", 9, names)])
    text = shown(report, per_class=True)
    assert text.count("0.1234") == 14 and "…" not in text


def test_json_holds_a_name_that_is_no_utf8() -> None:
    report = replace(REPORT, unreadable=[{"path": "a\udce9.png", "reason": "empty file"}])
    found = json.loads(report_json(report).encode())
    assert found["unreadable"][0]["path"] == "a\udce9.png"
    assert found["values"][0] == {
        "name": "mAP@200",
        "protocol": "voc",
        "value": 0.7231,
        "low": 0.71,
        "high": 0.74,
    }


def test_the_grid_frames_the_right_photos(tmp_path: Path) -> None:
    data = read_dataset(make_tree(tmp_path, {"ant": (2, 3), "bat": (1, 1)}))
    config = EvaluationConfig(resamples=1)
    embedded = evaluate(data, resolve_split(data, None), FakeEncoder(), config).embedded
    page = rankings_page(embedded, "category")
    assert page.count('<section class="answer">') == 3 and page.count("<figure") == 3 * (1 + 4)
    assert page.count('class="match"') == 2 * 3 + 1
    assert "3 of 3 sketches" in page and 'alt="sketch sketch/ant/a-1.png"' in page
    fine = rankings_page(embedded, "fine-grained", rows=2)
    assert fine.count('class="match"') == 2 and fine.count('<section class="answer">') == 2
