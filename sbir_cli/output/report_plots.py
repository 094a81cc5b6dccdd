"""The pictures of an evaluation's report, as `<svg>` elements."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sbir_cli import plotting
from sbir_cli.evaluation.details import RECALLS, ClassBar, Details
from sbir_cli.evaluation.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOUR, *_ = plotting.SERIES


def curve(details: Details, fine_grained: bool) -> str:
    """Precision over recall, or fine-grained Acc@q over q."""
    draw = partial(_accuracy, details) if fine_grained else partial(_precision, details)
    return plotting.svg(draw, 6.0, 3.6)


def _precision(details: Details, axes: Axes) -> None:
    for each in details.class_curves.values():
        axes.plot(RECALLS, each, color=plotting.FAINT, linewidth=0.8)
    axes.plot(RECALLS, details.curve, color=_COLOUR, linewidth=2.2)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision, the mean over queries")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _accuracy(details: Details, axes: Axes) -> None:
    places = range(1, len(details.curve) + 1)
    for each in details.class_curves.values():
        axes.plot(places, each, color=plotting.FAINT, linewidth=0.8)
    axes.plot(places, details.curve, color=_COLOUR, linewidth=2.2)
    axes.set_xlabel("q, first photos of the class")
    axes.set_ylabel("Acc@q, the mean over classes")
    axes.set_xlim(1, max(len(details.curve), 2))
    axes.set_ylim(0, 1)


def drawn(report: Report) -> str:
    """The headline metric over the share of the strokes that is drawn, with its interval."""

    def draw(axes: Axes) -> None:
        shares = [100 * partial.share for partial in report.partial]
        values = [partial.values[0] for partial in report.partial]
        axes.fill_between(
            shares, [v.low for v in values], [v.high for v in values], color=_COLOUR, alpha=0.2
        )
        axes.plot(shares, [v.value for v in values], color=_COLOUR, marker="o")
        axes.set_xlabel("drawn, % of the strokes' length")
        axes.set_ylabel(f"{report.headline.name} {report.headline.protocol}")
        axes.set_xlim(0, 105)
        axes.set_ylim(bottom=0)

    return plotting.svg(draw, 6.0, 3.2)


def bars(classes: list[ClassBar], measure: str) -> str:
    """A bar for each class with its interval."""

    def draw(axes: Axes) -> None:
        places = range(len(classes))
        below = [max(bar.value - bar.low, 0.0) for bar in classes]
        above = [max(bar.high - bar.value, 0.0) for bar in classes]
        axes.barh(places, [bar.value for bar in classes], height=0.7, color=_COLOUR, alpha=0.75)
        axes.errorbar(
            [bar.value for bar in classes],
            places,
            xerr=[below, above],
            fmt="none",
            ecolor=plotting.INK,
            elinewidth=0.9,
        )
        # a $ in a name is no formula
        labels = [f"{bar.name} ({bar.sketches:,})" for bar in classes]
        axes.set_yticks(places, labels, parse_math=False)
        axes.invert_yaxis()
        axes.margins(y=0.01)
        axes.set_xlim(0, 1)
        axes.set_xlabel(measure)
        axes.tick_params(axis="y", length=0)

    return plotting.svg(draw, 7.0, 0.8 + 0.21 * len(classes))
