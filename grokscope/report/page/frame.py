"""A page of a run or of a study: one HTML file with everything in it, which loads nothing from any network.

Texts are plain, and the templates escape them; `Markup` is markup already (`render`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from markupsafe import Markup

from grokscope.errors import Missing
from grokscope.report.page.render import raw, render
from grokscope.report.page.script import INLINE, Plotly, beside, source
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


DIGITS = 6  # significant ones of the numbers on a page: finer than any pixel or hover
SLIDER = 70  # pixels that a figure's own slider takes below its panels

Cell: TypeAlias = str | Markup | Link


@dataclass(frozen=True, kw_only=True)
class Table:
    """columns: their heads. rows: each as long as they; the first cell names the row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @property
    def filled(self) -> "Table":
        """The table without columns in which no row has anything."""
        kept = [place for place in range(len(self.columns)) if not place or any(row[place] for row in self.rows)]
        rows = [[row[place] for place in kept] for row in self.rows]
        return Table(columns=[self.columns[place] for place in kept], rows=rows)


Block: TypeAlias = str | Markup | Table


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """A figure with its explanation, or anything else under a title.

    id: unique on its page. folded: all but the title is shown when the reader asks for it. lead: paragraphs and tables
    above the figure. see: one line above the figure that says what to look at. figure: where it is `Missing`, its
    reason, in the page's language, replaces caption, notes and table. key: the legend of the shading. caption, notes:
    how to read the figure, which folds open below it. links: run id to address; a click on a mark whose customdata
    begins with that id leads there (page.js). body: the end of the section. parts: sections within it. draws: the id
    of its figure.
    """

    id: str
    title: str
    folded: bool = False
    lead: Sequence[Block] = ()
    see: str = ""
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

    def data(self, moving: bool) -> Markup:
        """The figure, for a script element. moving: by the slider of the page, instead of one of its own."""
        return as_data(self._figure, moving=moving)

    def height(self, moving: bool) -> float:
        """The figure's height in pixels."""
        return self._figure.layout.height - (of_slider(self._figure) if moving else 0)  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def _figure(self) -> "Figure":
        assert self.figure is not None
        assert not isinstance(self.figure, Missing)
        return self.figure


@dataclass(frozen=True, kw_only=True)
class Moments:
    """The slider of a page. steps: ascending. said: of each step its name, and what holds there. bands: the phases
    above the slider, as (colour, from, to)."""

    steps: Sequence[int]
    said: Sequence[tuple[str, str]]
    bands: Sequence[tuple[str, int, int]]

    @property
    def data(self) -> Markup:
        """For a script element."""
        return _script(json.dumps({"steps": self.steps, "said": self.said, "bands": self.bands}))


def of_slider(figure: "Figure") -> int:
    """The pixels of a figure's height that its own slider takes."""
    return SLIDER if figure.layout.to_plotly_json().get("sliders") else 0


def as_data(figure: "Figure", *, moving: bool = False) -> Markup:
    """A figure as JSON, for a script element. moving: without its own slider."""
    drawn = json.loads(str(figure.to_json()), parse_float=_rounded)
    layout = drawn["layout"]
    if moving and of_slider(figure):
        del layout["sliders"], layout["updatemenus"]
        layout["height"] -= SLIDER
        layout["margin"]["b"] -= SLIDER
        if "below" in layout.get("meta", {}):
            layout["meta"]["below"] -= SLIDER
    return _script(json.dumps(drawn, separators=(",", ":")))


def _rounded(written: str) -> float:
    return float(f"{float(written):.{DIGITS}g}")


def _script(data: str) -> Markup:
    """JSON that cannot end the script element around it."""
    return Markup(data.replace("</", "<\\/"))


def write_page(
    path: str | Path,
    title: str,
    lead: Sequence[str],
    sections: Sequence[Section],
    lang: Lang,
    *,
    plotly: Plotly = INLINE,
    **more: Any,
) -> Path:
    """Writes `document` to a file and returns its path; with plotly.js beside it where that is asked for."""
    page = document(title, lead, sections, lang, plotly=plotly, **more)
    return written(path, page, plotly)


def written(path: str | Path, page: str, plotly: Plotly) -> Path:
    """Writes a page to a file and returns its path; with plotly.js beside it where that is asked for."""
    made = write_output(path, page.encode())
    if plotly == "folder":
        beside(made, page)
    return made


def document(
    title: str,
    lead: Sequence[str],
    sections: Sequence[Section],
    lang: Lang,
    *,
    facts: Sequence[tuple[str, str]] = (),
    moments: Moments | None = None,
    plotly: Plotly = INLINE,
) -> str:
    """The whole page.

    lead: sentences, the first of them large. facts: name and value, below them. moments: the slider of the page, where
    it has one. plotly: where plotly.js is (`script.source`). lang: en or zh. ValueError for another of either.
    """
    contents = any(part.parts for part in sections)
    values = {"lead": lead, "sections": sections, "facts": facts, "moments": moments, "contents": contents}
    return _page("document", title, lang, plotly, _figures(sections), **values)


def story(
    title: str,
    lead: Sequence[str],
    lang: Lang,
    *,
    scenes: Sequence[Any],
    figures: Sequence[Section],
    moments: Moments | None,
    plotly: Plotly,
) -> str:
    """A page to scroll through, with one figure in view at a time. scenes: `report.study.story.Told`."""
    tale = {"scenes": scenes, "figures": figures, "moments": moments, "steer": raw("story.js")}
    return _page("story", title, lang, plotly, _figures(figures), lead=lead, **tale)


def alone(figure: "Figure", title: str, lang: Lang) -> str:
    """A page with one figure and nothing else. title: of the window."""
    return _page("figure", title, lang, INLINE, [figure], figure=figure, data=as_data(figure))


def _figures(sections: Sequence[Section]) -> "Iterator[Figure]":
    for section in sections:
        if section.figure is not None and not isinstance(section.figure, Missing):
            yield section.figure
        yield from _figures(section.parts)


def _page(template: str, title: str, lang: Lang, plotly: Plotly, drawn: "Iterable[Figure]", **values: Any) -> str:
    """A template that has the style, the script and plotly.js, as the figures that are drawn need it."""
    require_language(lang)
    values |= {"style": raw("page.css"), "script": raw("page.js"), "plotly": source(plotly, drawn)}
    page = render(template, title=title, lang=lang, **values)
    return f"{page.strip()}\n"
