"""A page: one HTML file with everything in it, which asks nothing of any network; of a run or of a study.

Texts are plain and escaped here; `Html` is what is HTML already.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from grokscope.errors import Missing
from grokscope.report.words import Lang, require_language, say
from grokscope.runs.output import write_output

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Html:
    """Text with its markup, for places where plain text would be escaped."""

    text: str


Cell: TypeAlias = str | Html


@dataclass(frozen=True, kw_only=True)
class Table:
    """columns: their heads. rows: each as long as they; the first cell names the row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """A figure with its explanation, or anything else under a title.

    id: unique on its page. figure: `Missing` has its reason in the page's language, and stands there alone, without
    caption, notes and table. key: what the shading of the figure is. notes: paragraphs below the caption. links: run id
    to address; a click on a mark whose customdata begins with that id leads there (page.js). body: what follows last.
    """

    id: str
    title: str
    figure: "Figure | Missing | None" = None
    key: Html | None = None
    caption: str = ""
    notes: Sequence[str] = ()
    table: Table | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    body: Html | None = None


def write_page(path: str | Path, title: str, lead: Sequence[str], sections: Sequence[Section], lang: Lang) -> Path:
    """Writes `document` to a file and returns its path."""
    return write_output(path, document(title, lead, sections, lang).encode())


def document(title: str, lead: Sequence[str], sections: Sequence[Section], lang: Lang) -> str:
    """The whole page. lead: sentences, the first of them large. lang: en or zh; ValueError for another."""
    from plotly.offline import get_plotlyjs

    require_language(lang)
    first, *rest = (escape(sentence) for sentence in lead)
    gap = "" if lang == "zh" else " "
    return f"""<!doctype html>
<html lang="{"zh-CN" if lang == "zh" else "en"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{(HERE / "page.css").read_text(encoding="utf-8")}</style>
<script>{get_plotlyjs()}</script>
</head>
<body>
<header>
<p class="kicker">{say("page.made_by", lang)}</p>
<h1>{escape(title)}</h1>
<p class="lead">{first}</p>
<p>{gap.join(rest)}</p>
<p class="aside">{say("page.what_is_grokking", lang)}</p>
<noscript><p>{say("page.noscript", lang)}</p></noscript>
</header>
<main>
{chr(10).join(map(_section, sections))}
</main>
<script>{(HERE / "page.js").read_text(encoding="utf-8")}</script>
</body>
</html>
"""


def link(text: str, href: str) -> Html:
    """A link as the cell of a table."""
    return Html(text=f'<a href="{escape(href)}">{escape(text)}</a>')


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values, below each other."""
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in pairs)}</dl>"


def code(text: str) -> str:
    """A command, or lines of a program."""
    return f'<pre class="code">{escape(text)}</pre>'


def _section(section: Section) -> str:
    title = f"<h2>{escape(section.title)}</h2>"
    if isinstance(section.figure, Missing):
        reason = escape(section.figure.reason)
        return f'<section id="{section.id}">{title}<p class="missing">{reason}</p></section>'
    paragraphs = [f"<p>{escape(text)}</p>" for text in (section.caption, *section.notes) if text]
    parts = [
        _plot(section.id, section.figure, section.links) if section.figure is not None else "",
        section.key.text if section.key else "",
        *paragraphs,
        _table(section.table) if section.table else "",
        section.body.text if section.body else "",
    ]
    return f'<section id="{section.id}">{title}\n' + "\n".join(filter(None, parts)) + "</section>"


def _plot(name: str, figure: "Figure", links: Mapping[str, str]) -> str:
    # A "</script>" in a name would end the script element.
    data = str(figure.to_json()).replace("</", "<\\/")
    leads = f' data-links="{escape(json.dumps(dict(links)))}"' if links else ""
    return f"""<div class="plot" style="min-height:{figure.layout.height}px" data-figure="{name}-data"{leads}></div>
<script type="application/json" id="{name}-data">{data}</script>"""


def _table(table: Table) -> str:
    rows = []
    for row in table.rows:
        first, *cells = (cell.text if isinstance(cell, Html) else escape(cell) for cell in row)
        body = "".join(
            f'<td data-label="{escape(head)}"{"" if cell else " class=empty"}>{cell}</td>'
            for head, cell in zip(table.columns[1:], cells, strict=True)
        )
        rows.append(f"<tr><th scope='row'>{first}</th>{body}</tr>")
    columns = "".join(f"<th scope='col'>{escape(head)}</th>" for head in table.columns)
    return f"<table><thead><tr>{columns}</tr></thead><tbody>\n{chr(10).join(rows)}\n</tbody></table>"
