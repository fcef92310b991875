"""The page of a scorecard: every prediction with its effect, verdict and controls, theory by theory."""

import math
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from grokscope.predictions.verdict import NOT_RUN, Control, Row, Scorecard, joint
from grokscope.report import theme
from grokscope.report.page import Cell, Html, Section, Table, write_page
from grokscope.report.words import Lang, count, number, require_language, say
from grokscope.statistics.regions import Region
from grokscope.theories.base import theories

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLUMNS = ("prediction", "measured", "effect", "regions", "verdict", "controls")
GLANCE = ("prediction", "written", "changed")
COLOURS = {"supported": theme.GREEN, "refuted": theme.ORANGE, "undecided": theme.NEUTRAL}
BAR = 22  # pixels a row of the figure
FARTHEST = 8.0  # the smallest p-value that is told from 0 is 1e-8 (statistics.regions)


def write(card: Scorecard, path: str | Path, lang: Lang = "en") -> Path:
    """Writes the page of a scorecard to a file and returns its path. lang: en or zh."""
    require_language(lang)
    return write_page(path, say("scorecard.title", lang), lead(card, lang), sections(card, lang), lang)


def lead(card: Scorecard, lang: Lang = "en") -> list[str]:
    """How many rows have each verdict, why the undecided ones are, and the rule."""
    numbers = {verdict: count(n) for verdict, n in card.counts().items()}
    said = [say("scorecard.lead", lang, n=count(len(card.rows)), **numbers)]
    reasons = Counter(row.reason for row in card.rows if row.verdict == "undecided")
    if reasons:
        why = [say(f"undecided.{reason}", lang, n=count(n)) for reason, n in reasons.most_common()]
        said.append(say("scorecard.undecided", lang, reasons=("; " if lang == "en" else "；").join(why)))
    return [*said, say("scorecard.rule", lang)]


def sections(card: Scorecard, lang: Lang = "en") -> list[Section]:
    """The claims at a glance; and one section a theory: the figure, and a table of its rows."""
    known = theories()
    of = {name: [row for row in card.rows if row.theory == name] for name in dict.fromkeys(r.theory for r in card.rows)}
    heads = [say(f"column.{column}", lang) for column in GLANCE]
    table = Table(columns=heads, rows=[[Html(text=escape(cell)) for cell in line] for line in glance(card, lang)])
    return [Section(id="claims", title=say("scorecard.glance", lang), table=table)] + [
        Section(
            id=f"theory-{name}",
            title=known[name].title[lang] if name in known else name,
            figure=sureness(rows),
            caption=say("caption.sureness", lang),
            table=Table(
                columns=[say(f"column.{column}", lang) for column in COLUMNS], rows=[cells(row, lang) for row in rows]
            ),
        )
        for name, rows in of.items()
    ]


def glance(card: Scorecard, lang: Lang = "en") -> list[tuple[str, str, str]]:
    """A claim, and the verdict of all its parts together: as they were written, and as they were changed."""
    claims: dict[tuple[str, str], list[Row]] = {}
    for row in card.rows:
        claims.setdefault((row.theory, row.id), []).append(row)
    return [
        (
            f"{rows[0].claim[lang]} ({rows[0].id})",
            _together([row for row in rows if row.version == 1], lang),
            _together([row for row in rows if row.version > 1], lang),
        )
        for rows in claims.values()
    ]


def _together(rows: Sequence[Row], lang: Lang) -> str:
    """The joint verdict, with the effect of a single part or how many of several were decided."""
    if not rows:
        return ""
    verdicts = Counter(row.verdict for row in rows)
    if len(rows) == 1:
        what = effect(rows[0], lang) or say("glance.none", lang)
    else:
        counts = {verdict: verdicts[verdict] for verdict in ("supported", "refuted")}
        what = say("glance.parts" if any(counts.values()) else "glance.open", lang, n=len(rows), **counts)
    return say("glance.verdict", lang, verdict=say(f"verdict.{joint([row.verdict for row in rows])}", lang), what=what)


def cells(row: Row, lang: Lang = "en") -> list[Cell]:
    """The cells of a row, as COLUMNS."""
    name = f"{escape(row.claim[lang])}<br><small>{escape(row.name)}</small>"
    measured = [row.measured[lang]]
    if row.changed:
        measured.append(say("row.version", lang, version=row.version, changed=row.changed[lang]))
    return [
        Html(text=name),
        Html(text="<br>".join(map(escape, measured))),
        effect(row, lang),
        regions(row),
        Html(text=f"<strong>{say(f'verdict.{row.verdict}', lang)}</strong><br>{escape(why(row, lang))}"),
        Html(text="<br>".join(escape(control(one, lang)) for one in row.controls)),
    ]


def regions(row: Row) -> str:
    """The supporting and the refuting region."""
    return f"{Region(row.supports).text}; {Region(row.refutes).text}"


def effect(row: Row, lang: Lang = "en") -> str:
    """The effect with its 95 % interval, n, and how many seeds change on which side of a window."""
    if row.effect is None:
        return ""
    parts = [_with_interval(row.effect, row.low, row.high), say("row.seeds", lang, n=row.n)]
    if row.counts:
        sides = {"before": row.counts["before"], "inside": row.counts["in"], "after": row.counts["after"]}
        parts.append(say("row.counts", lang, **sides))
    return "; ".join(parts)


def why(row: Row, lang: Lang = "en") -> str:
    """Why a row has its verdict, and how many seeds would decide it."""
    arms = [control.arm for control in row.controls if control.shows or control.missing == NOT_RUN]
    p = "" if row.adjusted is None else number(row.adjusted)
    said = say(
        f"reason.{row.reason}", lang, p=p, n=row.n, lacking=row.lacking, missing=row.missing, arms=", ".join(arms)
    )  # fmt: skip
    if isinstance(row.needed, int):
        return f"{said}; {say('needed.seeds', lang, n=count(row.needed))}"
    return said if row.needed is None else f"{said}; {say('needed.none', lang, why=row.needed)}"


def sureness(rows: Sequence[Row]) -> "Figure | None":
    """Bars of -log10 p after correction, signed by the region that the effect lies in; None without a tested row."""
    from plotly.graph_objects import Bar, Figure

    tested = [row for row in rows if row.adjusted is not None and row.effect is not None]
    if not tested:
        return None
    figure = Figure()
    theme.layout(figure, height=70 + BAR * len(tested))
    for verdict, colour in COLOURS.items():
        chosen = [row for row in tested if row.verdict == verdict]
        if chosen:
            figure.add_trace(
                Bar(
                    x=[_signed(row) for row in chosen], y=[row.name for row in chosen], orientation="h",
                    marker={"color": colour}, showlegend=False, hovertemplate="%{y}<extra></extra>",
                )
            )  # fmt: skip
    for end in (-1, 1):
        figure.add_vline(x=-end * math.log10(0.05), line={"dash": "dot", "color": theme.INK, "width": 1})
    figure.update_yaxes(
        categoryorder="array", categoryarray=[row.name for row in reversed(tested)], tickfont={"size": 11}
    )
    figure.update_xaxes(title={"text": "−log10 p"}, zeroline=True, zerolinecolor=theme.INK)
    figure.update_layout(bargap=0.35, hovermode="closest")
    return figure


def _signed(row: Row) -> float:
    assert row.adjusted is not None
    assert row.effect is not None
    size = min(FARTHEST, -math.log10(max(row.adjusted, 1e-300)))
    if Region(row.supports).contains(row.effect, row.effect):
        return size
    return -size if Region(row.refutes).contains(row.effect, row.effect) else 0.0


def _with_interval(value: float, low: float | None, high: float | None) -> str:
    shown = number(value)
    return shown if low is None or high is None else f"{shown} [{number(low)}, {number(high)}]"


def control(control: Control, lang: Lang = "en") -> str:
    """The effect of a control arm, or why it has none."""
    if control.effect is None:
        return say("control.not_run" if control.missing == NOT_RUN else "control.none", lang, arm=control.arm)
    return say("control.value", lang, arm=control.arm, value=_with_interval(control.effect, control.low, control.high))
