"""A figure as the file that its name asks for: .pdf, .svg, .png and .tex for paper, .html for the screen."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.errors import GrokscopeError
from grokscope.report.page.frame import alone
from grokscope.report.words import Lang
from grokscope.runs.output import write_output

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PAPER = (".pdf", ".svg", ".png", ".tex")
WIDTHS = {"column": 3.25, "page": 6.75}  # inches: one column of a journal, and both


def kind_of(path: Path) -> str:
    """The ending of a file; ValueError for one that no figure is written as."""
    known = (*PAPER, ".html")
    if path.suffix.lower() not in known:
        raise ValueError(f"{path.name}: a figure is written as {', '.join(known)}; name the file so")
    return path.suffix.lower()


def inches(text: str) -> float:
    """The width that is called column or page, or a number of inches. ValueError otherwise."""
    try:
        return WIDTHS[text] if text in WIDTHS else float(text)
    except ValueError:
        raise ValueError(f"width {text!r}: expected {', '.join(WIDTHS)}, or a number of inches") from None


def write(
    figures: "Figure | Sequence[Figure]", path: str | Path, *, title: str = "", lang: Lang = "en", **paper: Any
) -> Path:
    """Writes a Plotly figure of grokscope to a file and returns its path; on paper also several, in columns.

    title, lang: of an .html file, which shows the figure as the reports do. paper: width and height in inches, the step
    of a slider, columns, as in `files.sheet`. ValueError for what cannot be drawn; GrokscopeError without matplotlib.
    """
    named = Path(path)
    kind, wanted = kind_of(named), {name: value for name, value in paper.items() if value is not None}
    if kind != ".html":
        return write_output(named, on_paper(kind)(figures, **wanted))
    if wanted or isinstance(figures, Sequence):
        raise ValueError(
            f"{named.name}: an .html file has one figure, which fills its window, with its slider; width, height and "
            "step are of paper"
        )
    return write_output(named, alone(figures, title, lang).encode())


def on_paper(kind: str) -> Callable[..., bytes]:
    """What turns figures into the bytes of such a file. GrokscopeError without matplotlib."""
    try:
        from grokscope.report.static import files
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise GrokscopeError(
            f"{kind} needs matplotlib: pip install 'grokscope[figures]'; .html does without it"
        ) from None
    return {".pdf": files.pdf, ".svg": files.svg, ".png": files.png, ".tex": files.tex}[kind]
