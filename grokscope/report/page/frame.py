"""A page of a run or of a study: one HTML file with everything in it, which loads nothing from any network.

Texts are plain, and the templates escape them; `Markup` is markup already (`render`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from markupsafe import Markup

from grokscope.errors import Missing
from grokscope.report.page.render import raw, render
from grokscope.report.words import Lang, require_language
from grokscope.runs.output import write_output

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True, kw_only=True)
class Link:
    """A text that leads to an address, which begins at the page's own folder."""

    text: str
    address: str

    def __html__(self) -> str:
        return render("link", link=self)


Cell: TypeAlias = str | Markup | Link


@dataclass(frozen=True, kw_only=True)
class Table:
    """columns: their heads. rows: each as long as they; the first cell names the row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


Block: TypeAlias = str | Markup | Table


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """A figure with its explanation, or anything else under a title.

    id: unique on its page. folded: all but the title is shown when the reader asks for it. lead: paragraphs and tables
    above the figure. figure: where it is `Missing`, its reason, in the page's language, replaces caption, notes
    and table. key: the legend of the shading. notes: paragraphs below the caption. links: run id to address; a click on
    a mark whose customdata begins with that id leads there (page.js). body: the end of the section. parts: sections
    within it. draws: the id of its figure.
    """

    id: str
    title: str
    folded: bool = False
    lead: Sequence[Block] = ()
    figure: "Figure | Missing | None" = None
    key: Markup | None = None
    caption: str = ""
    notes: Sequence[str] = ()
    table: Table | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    body: Markup | None = None
    parts: Sequence["Section"] = ()
    draws: str = ""

    @property
    def missing(self) -> str:
        """The reason of a missing figure; "" where there is one, or where none is wanted."""
        return self.figure.reason if isinstance(self.figure, Missing) else ""

    @property
    def data(self) -> Markup:
        """The figure, for a script element."""
        assert self.figure is not None
        assert not isinstance(self.figure, Missing)
        return as_data(self.figure)


def as_data(figure: "Figure") -> Markup:
    """A figure as JSON, for a script element; a name in it must not end that element."""
    return Markup(str(figure.to_json()).replace("</", "<\\/"))


def write_page(path: str | Path, title: str, lead: Sequence[str], sections: Sequence[Section], lang: Lang) -> Path:
    """Writes `document` to a file and returns its path."""
    return write_output(path, document(title, lead, sections, lang).encode())


def document(title: str, lead: Sequence[str], sections: Sequence[Section], lang: Lang) -> str:
    """The whole page. lead: sentences, the first of them large. lang: en or zh; ValueError for another."""
    return _page("document", title, lang, lead=lead, sections=sections)


def alone(figure: "Figure", title: str, lang: Lang) -> str:
    """A page with one figure and nothing else. title: of the window."""
    return _page("figure", title, lang, figure=figure, data=as_data(figure))


def _page(template: str, title: str, lang: Lang, **values: Any) -> str:
    """A template that has the style, the script and plotly.js."""
    from plotly.offline import get_plotlyjs

    require_language(lang)
    style, script, plotly = raw("page.css"), raw("page.js"), Markup(get_plotlyjs())
    page = render(template, title=title, lang=lang, style=style, script=script, plotly=plotly, **values)
    return f"{page.strip()}\n"
