"""An evaluation as one page that needs nothing else: numbers, curves, classes and rankings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from sbir_cli import __version__
from sbir_cli.evaluation.details import DEPTH, Details, details
from sbir_cli.evaluation.protocols import Evaluation
from sbir_cli.evaluation.report import Report, versions
from sbir_cli.evaluation.settings import EvaluationConfig
from sbir_cli.evaluation.summary import Value
from sbir_cli.output import report_plots
from sbir_cli.output.contact_sheet import STYLE, shown
from sbir_cli.output.evaluation import TASKS, groups, protocol_label
from sbir_cli.output.rankings_page import first_photos
from sbir_cli.storage.names import printable

_PHOTOS = 8  # of each ranking that is shown
_MATRIX = 45  # classes up to which all pairs are shown
_MISTAKES = 15  # of the list of what is taken for what
_CURVES = "The mean over all sketches, and thin lines for the sketches of each class."
_PROTOCOLS = {
    "voc": "precision at each right photo, raised to the best of any later one up to k, over "
    "min(R, k): the area under the interpolated curve, as in the published tables",
    "trec": "precision at each right photo among the first k, over R, as trec_eval does",
    "min": "the same over min(R, k): a perfect first page scores 1",
    "hits": "the same over the right photos among the first k: what is missed does not count",
    "by k": "right photos among the first k, over k",
    "by min(k, R)": "the same over min(k, R): 1 can always be reached",
    "class mean": "the share of sketches whose own photo is among the first q of its class, "
    "averaged over classes",
}
_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="sbir {version}">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1c1c1c; --faint: #bdbdbd; --ground: #fff;
  --series-0: #3558c4; font: 15px/1.45 system-ui, sans-serif; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e6e6e6; --faint: #5c5c5c; --ground: #16181c; --series-0: #8aa6ff; }}
}}
body {{ margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: var(--ink);
  background: var(--ground); }}
h1 {{ font-size: 1.3rem; }}
h2 {{ font-size: 1.1rem; margin: 2.4rem 0 .6rem; }}
.number {{ font-size: 2.2rem; font-weight: 600; margin: .2rem 0; }}
.number small, .quiet {{ font-size: .9rem; font-weight: 400; opacity: .8; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
.wide {{ overflow-x: auto; margin-bottom: 1rem; }}
.beside {{ display: flex; flex-wrap: wrap; gap: 0 3rem; align-items: flex-end; }}
th, td {{ padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--faint); }}
th:first-child, td:first-child {{ text-align: left; }}
dt {{ font-weight: 600; float: left; clear: left; min-width: 7.5rem; }}
dd {{ margin: 0 0 .25rem 8.5rem; overflow-wrap: anywhere; }}
svg {{ max-width: 100%; height: auto; display: block; }}
svg text {{ font-family: system-ui, sans-serif !important; }}
.matrix {{ font-size: .72rem; }}
.matrix th, .matrix td {{ border: 0; padding: 0; width: 1.5rem; min-width: 1.5rem;
  height: 1.5rem; text-align: center; }}
.matrix th:first-child {{ text-align: right; padding-right: .5rem; white-space: nowrap; }}
.matrix thead th {{ height: 7rem; vertical-align: bottom; }}
.matrix thead th span {{ writing-mode: vertical-rl; transform: rotate(180deg); }}
.matrix td {{ background: color-mix(in srgb, var(--series-0) var(--share), transparent); }}
.matrix td.own {{ outline: 1px solid var(--ink); outline-offset: -1px; }}
{style}</style>
"""


def report_page(evaluation: Evaluation, config: EvaluationConfig) -> str:
    """A self-contained HTML page, in the reader's light or dark.

    Args:
        evaluation: of a data set; a photo that is gone leaves a labelled gap.
        config: what it was made with.

    Raises:
        SbirError: matplotlib is missing.
    """
    report = evaluation.report
    found = details(evaluation.embedded, config)
    fine, measure = config.task == "fine-grained", _named(report.headline)
    title = f"{printable(report.data)}, {TASKS[report.task]}"
    parts = [
        _HEAD.format(version=__version__, title=escape(title), style=STYLE),
        f"<h1>{escape(title)}</h1>",
        _headline(report),
        _numbers(report),
        _section("Accuracy by place" if fine else "Precision and recall", _CURVES),
        report_plots.curve(found, fine),
    ]
    if report.partial:
        parts += [_section("Unfinished drawings"), _partial(report), report_plots.drawn(report)]
    parts += [
        _section("Classes", f"{measure}, with the number of sketches and 95 % intervals."),
        report_plots.bars(found.classes, measure),
    ]
    if found.taken_for:
        parts.append(_taken_for(found))
    parts += [*_rankings(evaluation, config, found), _made(report), "</html>\n"]
    return "\n".join(parts)


def _section(heading: str, text: str = "") -> str:
    return f"<h2>{heading}</h2>" + (f'<p class="quiet">{escape(text)}</p>' if text else "")


def _named(value: Value) -> str:
    return f"{value.name} ({protocol_label(value)})"


def _headline(report: Report) -> str:
    head = report.headline
    classes = f" of {report.classes} unseen classes" if report.classes else ""
    return (
        f'<p class="number">{head.value:.4f} <small>{escape(_named(head))}, 95 % interval '
        f"{head.low:.4f} to {head.high:.4f}</small></p>"
        f"<p>{report.queries:,} sketches{classes}, ranked against {report.gallery:,} photos by "
        f"{escape(printable(report.model))}; means over {report.average}.</p>"
    )


def _numbers(report: Report) -> str:
    """The metrics by every protocol, and what each protocol is."""
    parts, used = [_section("Numbers")], dict[str, None]()
    for group in groups(report.values):
        names = [protocol_label(value) for value in group[0]]
        used |= dict.fromkeys(names)
        heads = ["metric", names[0], "95 % interval", *names[1:]]
        rows = [
            [
                head.name,
                f"<b>{head.value:.4f}</b>",
                f"{head.low:.4f} to {head.high:.4f}",
                *(f"{value.value:.4f}" for value in others),
            ]
            for head, *others in group
        ]
        parts.append(_table(heads, rows))
    explained = ((name, _PROTOCOLS[name]) for name in used if name in _PROTOCOLS)
    note = "R is the number of right photos, k the cut; mAP and P are means over the sketches."
    parts.append(f'<p class="quiet">{note}</p>' if report.average == "queries" else "")
    return "\n".join([*parts, _definitions(explained)])


def _partial(report: Report) -> str:
    shown_values = [group[0] for found in groups(report.values) for group in found]
    heads = ["drawn", *(_named(value) for value in shown_values)]
    rows = []
    for partial in report.partial:
        values = {(value.name, value.protocol): value.value for value in partial.values}
        cells = [f"{values[value.name, value.protocol]:.4f}" for value in shown_values]
        rows.append([f"{partial.share:.0%}", *cells])
    return _table(heads, rows)


def _taken_for(found: Details) -> str:
    """Which classes the first photos are of, as a table of all pairs and the most frequent ones."""
    parts = [
        _section(
            "What is taken for what",
            f"The classes of the first {DEPTH} photos, over the sketches of each class (rows).",
        )
    ]
    columns = sorted({name for row in found.taken_for.values() for name in row})
    if len(columns) <= _MATRIX:
        parts.append(_matrix(found.taken_for, columns))
    wrong = [
        (share, drawn, photo)
        for drawn, row in found.taken_for.items()
        for photo, share in row.items()
        if photo != drawn
    ]
    worst = sorted(wrong, key=lambda each: (-each[0], each[1], each[2]))[:_MISTAKES]
    rows = [
        [escape(printable(drawn)), escape(printable(photo)), f"{share:.1%}"]
        for share, drawn, photo in worst
    ]
    if rows:
        parts.append(_table(["sketches of", "are taken for", f"of first {DEPTH} photos"], rows))
    return f'{parts[0]}<div class="beside">{"".join(parts[1:])}</div>'


def _matrix(shares: dict[str, dict[str, float]], columns: Sequence[str]) -> str:
    heads = "".join(f"<th><span>{escape(printable(name))}</span></th>" for name in columns)
    rows = []
    for drawn, row in shares.items():
        cells = []
        for photo in columns:
            share = row.get(photo, 0.0)
            title = escape(printable(f"{drawn}: {share:.1%} {photo}"))
            own = ' class="own"' if photo == drawn else ""
            cells.append(f'<td{own} style="--share: {100 * share:.0f}%" title="{title}"></td>')
        rows.append(f"<tr><th>{escape(printable(drawn))}</th>{''.join(cells)}</tr>")
    head = f"<thead><tr><th></th>{heads}</tr></thead>"
    return f'<div class="wide"><table class="matrix">{head}{"".join(rows)}</table></div>'


def _rankings(evaluation: Evaluation, config: EvaluationConfig, found: Details) -> list[str]:
    """The best and the worst, with their first photos, right ones framed."""
    place = {int(query): row for row, query in enumerate(found.queries)}
    measure = _named(evaluation.report.headline).removeprefix("m")  # of one sketch it is no mean
    parts = []
    best, worst = found.extremes(evaluation.embedded.dataset.sketch_classes)
    for heading, chosen in (("Best rankings", best), ("Worst rankings", worst)):
        if not chosen:
            continue
        parts.append(_section(heading, "Each of another class; right photos are framed."))
        answers, is_right = first_photos(evaluation.embedded, config.task, chosen, _PHOTOS)
        for index, answer in zip(chosen, answers, strict=True):
            row = place[index]
            parts.append(
                f'<p class="quiet">{escape(measure)} '
                f"{found.values[row]:.3f}, first right photo at rank {found.first_right[row]:,}</p>"
            )
            parts.append(shown(answer, is_right, linked=False))
    return parts


def _made(report: Report) -> str:
    """What a reader needs to compare these numbers with others, and to make them again."""
    facts = {
        "model": report.model,
        "fingerprint": report.fingerprint,
        "device": report.device,
        "unseen classes": ", ".join(report.unseen),
        "split": report.split_source,
        "files (SHA-256)": report.files_sha256,
        "ties": "score descending, then path ascending",
        "intervals": f"percentile bootstrap of {report.resamples:,} samples, seed {report.seed}",
        "left out": f"{report.left_out:,} sketches that have no right photo",
        "unreadable": f"{len(report.unreadable):,} files",
        "notes": "; ".join(report.notes),
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }
    known = ((name, printable(text)) for name, text in facts.items() if text)
    return f"{_section('How it was made')}\n{_definitions(known)}"


def _definitions(pairs: Iterable[tuple[str, str]]) -> str:
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs)
    return f"<dl>{items}</dl>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Heads are text, cells are HTML."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>{body}</table></div>'
