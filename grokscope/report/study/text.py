"""A scorecard as one file of tables: Markdown, or LaTeX to be read into a paper."""

from pathlib import Path

from grokscope.predictions.cards import Scorecard
from grokscope.report.page import latex, markdown
from grokscope.report.page.frame import Section, Table
from grokscope.report.study.scorecard import COLUMNS, cells, glance_table, lead, theories_of, theory_title
from grokscope.report.study.wording import state_of_row
from grokscope.report.words import Lang, require_language, say
from grokscope.runs.output import write_output


def write(card: Scorecard, path: str | Path, lang: Lang = "en") -> Path:
    """Writes a scorecard to FILE.md or FILE.tex, a table a theory, and returns the path. lang: en or zh."""
    require_language(lang)
    title, said = say("scorecard.title", lang), lead(card, lang)
    sections = [Section(id="claims", title=say("scorecard.glance", lang), table=glance_table(card, lang))]
    columns = [say(f"column.{column}", lang) for column in COLUMNS]
    for name in theories_of(card):
        rows = [cells(row, lang, state_of_row(card, row)) for row in card.rows if row.theory == name]
        table = Table(columns=columns, rows=rows)
        sections.append(Section(id=f"theory-{name}", title=theory_title(name, lang), table=table))
    tex = Path(path).suffix == ".tex"
    text = latex.document(title, said, sections) if tex else markdown.document(title, said, sections, {})
    return write_output(path, text.encode())
