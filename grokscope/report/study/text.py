"""A scorecard as Markdown, for docs/theories."""

from collections.abc import Sequence
from pathlib import Path

from grokscope.predictions.cards import Row, Scorecard
from grokscope.report.study.scorecard import COLUMNS, GLANCE, control, effect, glance, lead, measured, regions, why
from grokscope.report.words import Lang, require_language, say, told
from grokscope.runs.output import write_output
from grokscope.theories.base import theories


def write(card: Scorecard, path: str | Path, lang: Lang = "en") -> Path:
    """Writes a scorecard to a Markdown file, a table a theory, and returns the path. lang: en or zh."""
    require_language(lang)
    lines = [f"# {say('scorecard.title', lang)}", "", *_spaced(lead(card, lang))]
    lines += [f"## {say('scorecard.glance', lang)}", "", *_head(GLANCE, lang)]
    lines += [_cells(line) for line in glance(card, lang)]
    lines.append("")
    known = theories()
    for name in dict.fromkeys(row.theory for row in card.rows):
        lines += [f"## {told(known[name].title, lang) if name in known else name}", ""]
        lines += _head(COLUMNS, lang)
        lines += [_line(row, lang) for row in card.rows if row.theory == name]
        lines.append("")
    return write_output(path, "\n".join(lines).encode())


def _line(row: Row, lang: Lang) -> str:
    cells = [
        f"{told(row.claim, lang)}<br>`{row.name}`",
        "<br>".join(measured(row, lang)),
        effect(row, lang),
        regions(row, lang),
        f"**{say(f'verdict.{row.verdict}', lang)}**<br>{why(row, lang)}",
        "<br>".join(control(of_arm, lang) for of_arm in row.controls),
    ]
    return _cells(cells)


def _head(columns: Sequence[str], lang: Lang) -> list[str]:
    return [_cells([say(f"column.{column}", lang) for column in columns]), "|" + "---|" * len(columns)]


def _cells(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _spaced(sentences: list[str]) -> list[str]:
    return [line for sentence in sentences for line in (sentence, "")]
