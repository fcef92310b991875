"""Figures as files for paper: SVG, PDF, PNG and PGF. The same figure gives the same bytes."""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from matplotlib import style
from matplotlib.figure import Figure as Matplotlib

from grokscope.report.static.draw import plan
from grokscope.report.static.fonts import CHINESE, OWN, no_warning_of_glyphs
from grokscope.report.static.latex import pgf
from grokscope.report.static.panels import GUTTER, arranged
from grokscope.report.static.sheet import POINT
from grokscope.report.static.write import WIDTHS

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PAGE = WIDTHS["page"]
Figures: TypeAlias = "Figure | Sequence[Figure]"
ENDS = (1.0, 20.0)  # inches
DOTS = 300  # an inch, of PNG
READERS = ("Verdana", *CHINESE)  # fonts of the reader, who may lack ours; the first is as wide
# Fonts are embedded as they are (TrueType), text of SVG stays text, ids and dates do not differ from call to call.
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "grokscope", "pdf.fonttype": 42, "path.simplify": False,
    "image.composite_image": False, "text.hinting": "none", "text.usetex": False,
}  # fmt: skip


def svg(figures: Figures, **options: Any) -> bytes:
    """A Plotly figure of grokscope as SVG; several stand in columns, with letters.

    options: those of `sheet`. ValueError for a figure, a step or a size that cannot be drawn.
    """
    with _settings():
        made, _ = sheet(figures, **options)
        saved = _saved(made, "svg", metadata={"Date": None}).decode()
    text = re.sub(r'(<text style="[^"]*?)font-family: [^;"]*; ?', r"\1", saved)  # named once, for all texts
    names = ", ".join(f"'{name}'" for name in (OWN, *READERS))
    return text.replace("<svg ", f'<svg font-family="{names}, sans-serif" ', 1).encode()


def pdf(figures: Figures, **options: Any) -> bytes:
    """`svg` as PDF, with its fonts. ValueError for characters that no font of this machine has."""
    with _settings():
        made, lacking = sheet(figures, **options)
        _require_fonts(lacking)
        return _saved(made, "pdf", metadata={"CreationDate": None})


def png(figures: Figures, **options: Any) -> bytes:
    """`svg` as PNG of 300 dots an inch. ValueError for characters that no font of this machine has."""
    with _settings():
        made, lacking = sheet(figures, **options)
        _require_fonts(lacking)
        return _saved(made, "png", dpi=DOTS)


def tex(figures: Figures, **options: Any) -> bytes:
    """`svg` as a picture of PGF, in the fonts of the LaTeX document that reads it."""
    with _settings():
        made, _ = sheet(figures, images=False, **options)
        with no_warning_of_glyphs():
            return pgf(made)


def sheet(
    figures: Figures,
    *,
    width: float = PAGE,
    height: float | None = None,
    step: int | None = None,
    columns: int = 2,
    images: bool = True,
) -> tuple[Matplotlib, frozenset[str]]:
    """Figures on a sheet of matplotlib, and the characters that no font of this machine has.

    width: of the sheet, in inches. height: of each figure, in inches; by default as the figure says. step: of the
    slider of a single figure; by default the one that it shows. columns: in which several figures stand.
    images: whether the file can hold some.
    """
    across = pixels(width, "width")
    high = None if height is None else pixels(height, "height")
    if not isinstance(figures, Sequence):
        plans = [plan(figures, across, step, high)]
        return arranged(plans, across, 1, letters=False, images=images), plans[0].fonts.lacking
    if step is not None or not figures or columns < 1:
        raise ValueError("several figures have no common step, and stand in at least one column")
    each = (across - GUTTER * (columns - 1)) / columns
    plans = [plan(figure, each, None, high) for figure in figures]
    lacking = frozenset().union(*(each.fonts.lacking for each in plans))
    return arranged(plans, across, columns, letters=True, images=images), lacking


def pixels(inches: float, what: str) -> float:
    """Inches as pixels of the sheet. what: they are, for the ValueError if they are too few or too many."""
    if not ENDS[0] <= inches <= ENDS[1]:
        raise ValueError(f"{what} {inches:g}: expected {ENDS[0]:g} to {ENDS[1]:g} inches")
    return inches * 72 / POINT


def _require_fonts(lacking: frozenset[str]) -> None:
    if lacking:
        raise ValueError(
            f"no font of this machine has {''.join(sorted(lacking))[:20]}; install one that has, such as {CHINESE[0]}, "
            "or write .svg or .html, which take the reader's fonts"
        )


def _saved(made: Matplotlib, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    with no_warning_of_glyphs():
        made.savefig(file, format=kind, **options)
    return file.getvalue()


@contextmanager
def _settings() -> Iterator[None]:
    """Matplotlib's defaults and ours, whatever the user's own matplotlibrc says."""
    with style.context(["default", SETTINGS]):
        yield
