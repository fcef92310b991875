"""One figure of a run, by its name."""

from typing import TYPE_CHECKING

from grokscope.errors import Missing
from grokscope.registry import unknown
from grokscope.report.figures.base import Drawing, figures
from grokscope.report.run.readings import read
from grokscope.report.words import Lang, require_language, say
from grokscope.runs.run import Run

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def named(name: str) -> Drawing:
    """The figure of runs that has a name, with "-" or "_". ValueError, with the nearest name, for another."""
    known = _of_runs()
    if (id_ := name.replace("-", "_")) not in known:
        raise ValueError(unknown("figure of a run", name, known))
    return known[id_]


def _of_runs() -> dict[str, Drawing]:
    return {id_: drawing for id_, drawing in figures().items() if drawing.draws == "run"}


def every_figure(run: Run, lang: Lang = "en") -> "dict[str, Figure]":
    """All figures that the run has, as it is now, by name."""
    require_language(lang)
    readings = read(run)
    drawn = {id_: drawing(readings, lang) for id_, drawing in _of_runs().items()}
    return {id_: made for id_, made in drawn.items() if not isinstance(made, Missing)}


def figure(run: Run, name: str, lang: Lang = "en") -> "Figure | Missing":
    """The figure of a run as it is now; `Missing` with the reason, in words, where the run has none."""
    require_language(lang)
    drawn = named(name)(read(run), lang)
    return Missing(say(drawn.reason, lang, run=run.id)) if isinstance(drawn, Missing) else drawn
