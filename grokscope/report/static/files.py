"""Figures as files for paper: SVG, PDF and PNG. The same figure gives the same bytes."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matplotlib import style

from grokscope.report.static.draw import drawn
from grokscope.report.static.fonts import CHINESE, OWN, no_warning_of_glyphs
from grokscope.report.static.sheet import POINT, Sheet
from grokscope.report.static.write import WIDTHS

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PAGE = WIDTHS["page"]
ENDS = (2.0, 20.0)  # inches
DOTS = 300  # an inch, of PNG
READERS = ("Verdana", *CHINESE)  # fonts of the reader, who may lack ours; the first is as wide
# Fonts are embedded as they are (TrueType), text of SVG stays text, ids and dates do not differ from call to call.
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "grokscope", "pdf.fonttype": 42, "path.simplify": False,
    "image.composite_image": False, "text.parse_math": False, "text.hinting": "none", "text.usetex": False,
}  # fmt: skip


def svg(figure: "Figure", *, width: float = PAGE, step: int | None = None) -> bytes:
    """A Plotly figure of grokscope as SVG. width: inches. step: of its slider, by default the one that it shows.

    ValueError for a figure, a step or a width that cannot be drawn.
    """
    with _settings():
        made = _saved(drawn(figure, pixels(width), step), "svg", metadata={"Date": None})
    text = re.sub(r'(<text style="[^"]*?)font-family: [^;"]*; ?', r"\1", made.decode())  # named once, for all texts
    names = ", ".join(f"'{name}'" for name in (OWN, *READERS))
    return text.replace("<svg ", f'<svg font-family="{names}, sans-serif" ', 1).encode()


def pdf(figure: "Figure", *, width: float = PAGE, step: int | None = None) -> bytes:
    """`svg` as PDF, with its fonts. ValueError for characters that no font of this machine has."""
    with _settings():
        sheet = drawn(figure, pixels(width), step)
        _require_fonts(sheet)
        return _saved(sheet, "pdf", metadata={"CreationDate": None})


def png(figure: "Figure", *, width: float = PAGE, step: int | None = None) -> bytes:
    """`svg` as PNG of 300 dots an inch. ValueError for characters that no font of this machine has."""
    with _settings():
        sheet = drawn(figure, pixels(width), step)
        _require_fonts(sheet)
        return _saved(sheet, "png", dpi=DOTS)


def pixels(width: float) -> float:
    """Inches as pixels of the sheet."""
    if not ENDS[0] <= width <= ENDS[1]:
        raise ValueError(f"width {width:g}: expected {ENDS[0]:g} to {ENDS[1]:g} inches")
    return width * 72 / POINT


def _require_fonts(sheet: Sheet) -> None:
    if lacking := "".join(sorted(sheet.fonts.lacking)):
        raise ValueError(
            f"no font of this machine has {lacking[:20]}; install one that has, such as {CHINESE[0]}, or write .svg or "
            ".html, which take the reader's fonts"
        )


def _saved(sheet: Sheet, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    with no_warning_of_glyphs():
        sheet.figure.savefig(file, format=kind, **options)
    return file.getvalue()


@contextmanager
def _settings() -> Iterator[None]:
    """Matplotlib's defaults and ours, whatever the user's own matplotlibrc says."""
    with style.context(["default", SETTINGS]):
        yield
