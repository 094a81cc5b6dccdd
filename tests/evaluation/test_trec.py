from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval

from sbir_cli.config import Task
from sbir_cli.errors import SbirError
from sbir_cli.evaluation.metrics import UNRANKED
from sbir_cli.evaluation.protocols import evaluate_run
from sbir_cli.evaluation.ranking import rank, score_rankings
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.evaluation.trec import read_qrels, score_run, trec_name, write_qrels, write_run
from tests.evaluation.test_ranking import embedded


def written(folder: Path, run: str, qrels: str) -> tuple[Path, Path]:
    (folder / "a.run").write_text(run)
    (folder / "a.qrels").write_text(qrels)
    return folder / "a.run", folder / "a.qrels"


def test_trec_eval_finds_the_same_values(tmp_path: Path) -> None:
    whole, config = embedded(60, 90), EvaluationConfig(cuts=(5, 20))
    run, qrels = tmp_path / "a.run", tmp_path / "a.qrels"
    write_run(run, whole, "category", 90)
    write_qrels(qrels, whole, "category")
    scores: dict[str, dict[str, float]] = {}
    for line in run.read_text().splitlines():
        query, _, photo, _, value, _ = line.split()
        scores.setdefault(query, {})[photo] = float(value)
    relevant = {q: dict.fromkeys(photos, 1) for q, photos in read_qrels(qrels).items()}
    measures = {"map", "map_cut.5,20", "P.5,20"}
    theirs = pytrec_eval.RelevanceEvaluator(relevant, measures).evaluate(scores)
    ours = {(v.name, v.protocol): v.value for v in evaluate_run(run, qrels, config).values}
    for their_name, our_name in (
        ("map", ("mAP@all", "trec")),
        ("map_cut_5", ("mAP@5", "trec")),
        ("map_cut_20", ("mAP@20", "trec")),
        ("P_5", ("P@5", "k")),
        ("P_20", ("P@20", "k")),
    ):
        mean = np.mean([values[their_name] for values in theirs.values()])
        assert ours[our_name] == pytest.approx(mean)
    assert len(theirs) == 45  # the class without photos takes no part


@pytest.mark.parametrize("task", ["category", "fine-grained"])
def test_our_own_run_scores_as_the_rankings_do(tmp_path: Path, task: Task) -> None:
    whole, config = embedded(), EvaluationConfig(task=task)
    write_run(tmp_path / "a.run", whole, task, 30)
    write_qrels(tmp_path / "a.qrels", whole, task)
    values = [score_rankings(part, config.metrics)[1] for part in rank(whole, task)]
    report = evaluate_run(tmp_path / "a.run", tmp_path / "a.qrels", config)
    means = np.concatenate(values).mean(axis=0)
    assert [value.value for value in report.values] == pytest.approx(means.tolist())
    assert (report.queries, report.left_out) == (30, 10 if task == "category" else 0)


def test_ties_go_by_name_and_the_rank_column_is_ignored(tmp_path: Path) -> None:
    run, qrels = written(
        tmp_path,
        "q Q0 b 1 0.5 x\nq Q0 a 2 0.5 x\nq Q0 c 3 0.9 x\n\n",
        "q 0 a 1\nq 0 z 2\nq 0 c 0\n",
    )
    scored = score_run(run, read_qrels(qrels))
    assert scored.ranks[0].tolist() == [2, UNRANKED]  # c, a, b; z is not listed
    assert (scored.documents, scored.left_out, scored.missing) == (3, 0, 0)


def test_a_query_that_the_run_lacks_counts_as_nothing_found(tmp_path: Path) -> None:
    run, qrels = written(
        tmp_path, "q1 Q0 a 1 1 x\nq3 Q0 a 1 1 x\n", "q1 0 a 1\nq2 0 a 1\nq3 0 a 0\n"
    )
    report = evaluate_run(run, qrels, EvaluationConfig())
    assert report.headline.value == 0.5 and report.queries == 2 and report.left_out == 1
    assert report.notes == ["1 queries of the qrels are not in the run: they score 0"]


@pytest.mark.parametrize(
    ("run", "qrels", "message"),
    [
        ("q Q0 a 1 x\n", "q 0 a 1\n", "a.run: line 1 is not `query Q0 document rank score tag`"),
        ("q Q0 a 1 high x\n", "q 0 a 1\n", "a.run: line 1 is not"),
        ("q Q0 a 1 nan x\n", "q 0 a 1\n", "line 1 is not a finite score"),
        ("q Q0 a 1 1 x\nq Q0 a 2 1 x\n", "q 0 a 1\n", "query `q` lists a document twice"),
        ("q Q0 a 1 1 x\n", "q 0 a\n", "a.qrels: line 1 is not `query 0 document relevance`"),
        ("q Q0 a 1 1 x\n", "q 0 a 0\n", "no query has a relevant document"),
        ("q Q0 a 1 1 x\n", "", "no query has a relevant document"),
    ],
)
def test_wrong_files_get_one_sentence(tmp_path: Path, run: str, qrels: str, message: str) -> None:
    files = written(tmp_path, run, qrels)
    with pytest.raises(SbirError, match=message):
        evaluate_run(*files, EvaluationConfig())


def test_missing_files_are_named(tmp_path: Path) -> None:
    run, qrels = written(tmp_path, "q Q0 a 1 1 x\n", "q 0 a 1\n")
    for files in ((tmp_path / "none", qrels), (run, tmp_path / "none")):
        with pytest.raises(SbirError, match=r"none: cannot be read \(No such file"):
            evaluate_run(*files, EvaluationConfig())


def test_any_file_name_is_one_word() -> None:
    name = os.fsdecode(b"a b%\n\xe9[1].jpg")
    assert trec_name(Path("root", name), Path("root")) == "a%20b%25%0A%E9[1].jpg"


def test_a_run_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    whole = embedded()
    with pytest.raises(SbirError, match="cannot be written"):
        write_run(Path(__file__) / "a.run", whole, "category", 5)
    broken = replace(whole, photos=whole.photos[:, :3])
    with pytest.raises(ValueError, match="matmul"):
        write_run(tmp_path / "a.run", broken, "category", 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_marks_and_line_ends_change_no_score(
    tmp_path: Path, encoding: str, end: str
) -> None:
    run, qrels = tmp_path / "run", tmp_path / "qrels"
    lines = ["q1 Q0 a 1 0.9 t", "q1 Q0 b 2 0.8 t", "q2 Q0 b 1 0.7 t", ""]
    run.write_bytes(end.join(lines).encode(encoding))
    qrels.write_bytes(end.join(["q1 0 b 1", "q2 0 b 1", ""]).encode(encoding))
    scored = score_run(run, read_qrels(qrels))
    assert scored.queries == ["q1", "q2"] and scored.missing == 0
    assert [list(ranks) for ranks in scored.ranks] == [[2], [1]]


def test_a_run_of_other_data_is_refused_and_does_not_score_0(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.write_text("q1 Q0 a 1 0.9 t\n")
    with pytest.raises(SbirError, match="none of its queries is in the qrels"):
        score_run(run, {"other": {"a"}})
