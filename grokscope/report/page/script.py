"""Where a page has plotly.js from: inside itself, from the network of its makers, or from a file beside it.

plotly.js is two thirds of what a browser does before it shows a page. Its bundle for figures with two axes is a third
of the whole and lies here (docs/decisions/0049.md); the Python package has the whole alone, which is taken for a page
with any other kind of figure.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from markupsafe import Markup

from grokscope.runs.output import write_output

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Plotly = Literal["inline", "cdn", "folder"]
INLINE: Plotly = "inline"
SMALL = Path(__file__).parent / "plotly-cartesian.min.js"
WHOLE = "plotly.min.js"
# What traces the small one draws, of those with two axes.
KINDS = {"bar", "box", "contour", "heatmap", "histogram", "histogram2d", "image", "scatter", "violin"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """The text of plotly.js, or the address of it with the digest that a browser compares; "" where there is none."""

    source: str = ""
    address: str = ""
    digest: str = ""


def source(plotly: Plotly, figures: Iterable["Figure"]) -> Source:
    """inline: in the page, which then needs nothing else. cdn: from cdn.plot.ly, which needs a network. folder: a file
    beside the page, for many pages of one folder. figures: all of the page."""
    require_plotly(plotly)
    name = SMALL.name if _kinds(figures) <= KINDS else WHOLE
    if plotly == "folder":
        return Source(address=name)
    text = _text(name)
    if plotly == "inline":
        return Source(source=Markup(text))
    version = text[:200].partition(" v")[2].split()[0]
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Source(address=f"https://cdn.plot.ly/{name.replace('.min', f'-{version}.min')}", digest=f"sha256-{digest}")


def require_plotly(plotly: str) -> None:
    """ValueError for another word."""
    if plotly not in get_args(Plotly):
        raise ValueError(f"plotly must be one of {', '.join(get_args(Plotly))}, got {plotly!r}")


def beside(path: Path, page: str) -> Path:
    """Writes the plotly.js that a page asks for beside it, unless it is there already; returns its path."""
    name = SMALL.name if f'src="{SMALL.name}"' in page else WHOLE
    script, text = path.parent / name, _text(name).encode()
    if not script.is_file() or script.read_bytes() != text:
        write_output(script, text)
    return script


def _kinds(figures: Iterable["Figure"]) -> set[str]:
    return {trace.type for figure in figures for trace in figure.data}  # pyright: ignore[reportAttributeAccessIssue]


def _text(name: str) -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs() if name == WHOLE else SMALL.read_text(encoding="utf-8")
