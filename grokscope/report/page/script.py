"""Where a page has plotly.js from: inside itself, from the network of its makers, or from a file beside it."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from markupsafe import Markup

from grokscope.runs.output import write_output

Plotly = Literal["inline", "cdn", "folder"]
INLINE: Plotly = "inline"
FILE = "plotly.min.js"


@dataclass(frozen=True, kw_only=True)
class Source:
    """The text of plotly.js, or the address of it with the digest that a browser compares; "" where there is none."""

    source: str = ""
    address: str = ""
    digest: str = ""


def source(plotly: Plotly) -> Source:
    """inline: in the page, which then needs nothing else. cdn: from cdn.plot.ly, which needs a network. folder:
    plotly.min.js beside the page, for many pages of one folder. ValueError for another word."""
    from plotly.offline import get_plotlyjs, get_plotlyjs_version

    if plotly not in get_args(Plotly):
        raise ValueError(f"plotly must be one of {', '.join(get_args(Plotly))}, got {plotly!r}")
    if plotly == "folder":
        return Source(address=FILE)
    text = get_plotlyjs()
    if plotly == "inline":
        return Source(source=Markup(text))
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Source(address=f"https://cdn.plot.ly/plotly-{get_plotlyjs_version()}.min.js", digest=f"sha256-{digest}")


def beside(page: Path) -> Path:
    """Writes plotly.js beside a page, unless it is there already; returns its path."""
    from plotly.offline import get_plotlyjs

    path, text = page.parent / FILE, get_plotlyjs().encode()
    if not path.is_file() or path.read_bytes() != text:
        write_output(path, text)
    return path
