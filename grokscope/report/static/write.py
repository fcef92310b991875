"""A figure as the file that its name asks for: .pdf, .svg and .png for paper, .html for the screen."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from grokscope.errors import GrokscopeError
from grokscope.report.page.frame import alone
from grokscope.report.words import Lang
from grokscope.runs.output import write_output

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PAPER = (".pdf", ".svg", ".png")
WIDTHS = {"column": 3.25, "page": 6.75}  # inches: one column of a journal, and both


def kind_of(path: Path) -> str:
    """The ending of a file; ValueError for one that no figure is written as."""
    known = (*PAPER, ".html")
    if path.suffix.lower() not in known:
        raise ValueError(f"{path.name}: a figure is written as {', '.join(known)}; name the file so")
    return path.suffix.lower()


def inches(text: str) -> float:
    """A width: column, page, or a number of inches. ValueError otherwise."""
    try:
        return WIDTHS[text] if text in WIDTHS else float(text)
    except ValueError:
        raise ValueError(f"width {text!r}: expected {', '.join(WIDTHS)}, or a number of inches") from None


def write(
    figure: "Figure",
    path: str | Path,
    *,
    width: float | None = None,
    step: int | None = None,
    title: str = "",
    lang: Lang = "en",
) -> Path:
    """Writes a Plotly figure of grokscope to a file and returns its path.

    width: in inches, by default that of a page. step: of its slider, by default the one that it shows. title, lang: of
    an .html file, which shows the figure as the reports do. ValueError for what cannot be drawn; GrokscopeError without
    matplotlib.
    """
    named = Path(path)
    kind = kind_of(named)
    if kind != ".html":
        data = _paper(kind)(figure, width=WIDTHS["page"] if width is None else width, step=step)
        return write_output(named, data)
    if width is not None or step is not None:
        raise ValueError(
            f"{named.name}: an .html file fills its window and has the slider itself; width and step are of paper"
        )
    return write_output(named, alone(figure, title, lang).encode())


def _paper(kind: str) -> Callable[..., bytes]:
    try:
        from grokscope.report.static import files
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise GrokscopeError(
            f"{kind} needs matplotlib: pip install 'grokscope[figures]'; .html does without it"
        ) from None
    return {".pdf": files.pdf, ".svg": files.svg, ".png": files.png}[kind]
