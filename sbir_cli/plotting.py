"""Pictures of numbers, by matplotlib; it is imported when the first one is drawn.

A picture is a function that draws on matplotlib's axes. It becomes a PNG on white, or an SVG whose
colours are those of the page that it stands in, so that one serves light and dark.
"""

from __future__ import annotations

import importlib.util
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sbir_cli.errors import SbirError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SERIES = ("#3558c4", "#c2481a", "#2f7d2c", "#8347a3", "#7d6300", "#6b6b6b", "#007a84")
"""Colours of lines and bars, in order; told apart on white by those who see few colours, too."""
INK, FAINT = "#1c1c1c", "#bdbdbd"

_ON_A_PAGE = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    **{colour: f"var(--series-{i})" for i, colour in enumerate(SERIES)},
}
_LOOK: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # matplotlib's own: the same picture on every machine
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.prop_cycle": "cycler('color', " + repr(list(SERIES)) + ")",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "sbir",
}


def can_plot() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def require() -> None:
    """Refuse to go on without matplotlib.

    Raises:
        SbirError: it is missing.
    """
    if not can_plot():
        raise SbirError("drawing pictures needs matplotlib", remedy="pip install 'sbir[plots]'")


def png(draw: Callable[[Axes], None], width: float, height: float) -> bytes:
    """A picture as a PNG of 100 pixels an inch.

    Args:
        draw: draws on the axes.
        width, height: in inches.

    Raises:
        SbirError: matplotlib is missing.
    """
    data = io.BytesIO()
    with _figure(draw, width, height) as figure:
        figure.savefig(data, format="png", dpi=100, facecolor="white")
    return data.getvalue()


def svg(draw: Callable[[Axes], None], width: float, height: float) -> str:
    """A picture as an `<svg>` element to stand in a page, which defines `--ink`, `--faint` and
    `--series-0` onward; arguments and errors as `png`."""
    data = io.StringIO()
    with _figure(draw, width, height) as figure:
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(data, format="svg", transparent=True, metadata=metadata)
    text = data.getvalue()
    for colour, variable in _ON_A_PAGE.items():
        text = text.replace(colour, variable)
    return text[text.index("<svg") :]


@contextmanager
def _figure(draw: Callable[[Axes], None], width: float, height: float) -> Iterator[Figure]:
    _import_without_a_trace()
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_LOOK)
        figure = Figure((width, height), layout="constrained")
        draw(figure.add_subplot())
        yield figure


def _import_without_a_trace() -> None:
    """Matplotlib, without the folder and the list of fonts that it leaves in the user's home."""
    if "matplotlib.font_manager" in sys.modules:
        return
    require()
    before = os.environ.get("MPLCONFIGDIR")
    with TemporaryDirectory(prefix="sbir-") as folder:
        os.environ["MPLCONFIGDIR"] = folder
        try:
            import matplotlib.font_manager

            matplotlib.get_configdir()  # asked for later, too, and remembered
        finally:
            if before is None:
                del os.environ["MPLCONFIGDIR"]
            else:
                os.environ["MPLCONFIGDIR"] = before
