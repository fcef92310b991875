"""The page of a study of softmax collapse: what each arm's runs did, and what had collapsed by then."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grokscope.report import theme
from grokscope.report.page import Html, Section, Table, code, facts, require_language, write_page
from grokscope.report.words import Lang, count, number, percent, say
from grokscope.runs.run import Run
from grokscope.studies.stability import ARMS, Outcome, outcome

if TYPE_CHECKING:
    from plotly.graph_objects import Figure, Scatter

BAND = 0.13  # opacity of the range over seeds


def write(runs: Mapping[str, Sequence[Run]], path: str | Path, lang: Lang = "en") -> Path:
    """Writes the page of trained arms (`studies.stability`: name -> runs of its seeds) and returns its path.

    ValueError without an arm.
    """
    require_language(lang)
    if not runs:
        raise ValueError("expected at least one arm, got none")
    found = {name: outcome(some) for name, some in runs.items()}
    columns = ("arm", "memorised", "generalised", "peak", "collapse", "norm_growth")
    sections = [
        Section(
            id="arms",
            title=say("figure.arms", lang),
            figure=arms(runs, lang),
            caption=say("caption.arms", lang),
            table=Table(
                columns=[say(f"column.{name}", lang) for name in columns],
                rows=[_row(name, each, lang) for name, each in found.items()],
            ),
        ),
        Section(id="provenance", title=say("provenance", lang), body=_origin(runs, lang)),
    ]
    return write_page(path, say("stability.title", lang), _lead(found, lang), sections, lang)


def arms(runs: Mapping[str, Sequence[Run]], lang: Lang = "en") -> "Figure":
    """Test accuracy by arm, and below it the share of collapsed training inputs: medians over seeds, and the range."""
    from plotly.graph_objects import Figure

    figure = Figure()
    theme.layout(figure, height=640)
    colours = theme.SERIES * (len(runs) // len(theme.SERIES) + 1)
    first, last = np.inf, 1.0
    for (name, some), colour in zip(runs.items(), colours, strict=False):
        own = f"dtype={some[0].config.softmax_dtype}"
        for measure, view, axis in (("test/accuracy", "", "y"), ("stability.collapse_rate", own, "y2")):
            steps, values = _together(some, measure, view)
            first, last = min(first, steps[0]), max(last, steps[-1])
            for trace in _band(steps, values, _arm(name, lang), colour):
                figure.add_trace(trace.update(yaxis=axis, showlegend=trace.showlegend is None and axis == "y"))
    figure.update_xaxes(
        type="log", range=np.log10([first, last]).tolist(), dtick=1, tickformat=",d", hoverformat=",d", anchor="y2",
        title={"text": say("axis.step", lang)}, minor={"dtick": "D1", "ticks": "outside", "ticklen": 3},
    )  # fmt: skip
    shared = {"range": [-0.03, 1.03], "tickformat": ".0%", "gridcolor": theme.GRID, "zeroline": False}
    figure.update_layout(
        yaxis={"domain": [0.47, 1], "title": {"text": say("axis.accuracy", lang)}, **shared},
        yaxis2={"domain": [0, 0.41], "anchor": "x", "title": {"text": say("axis.collapsed", lang)}, **shared},
    )
    return figure


def _together(runs: Sequence[Run], measure: str, view: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps above 0 that all runs were evaluated at, and the values there (run, step)."""
    series = [run.series(measure, view) for run in runs]
    steps = np.array(sorted(set.intersection(*(set(at.tolist()) for at, _ in series)) - {0}))
    return steps, np.array([values[np.isin(at, steps)] for at, values in series])


def _band(steps: np.ndarray, values: np.ndarray, name: str, colour: str) -> tuple["Scatter", "Scatter"]:
    """The range over seeds, and the median."""
    from plotly.graph_objects import Scatter

    x, low, high = steps.tolist(), values.min(0).tolist(), values.max(0).tolist()
    between = Scatter(
        x=x + x[::-1], y=high + low[::-1], fill="toself", fillcolor=colour, opacity=BAND, mode="lines",
        line={"width": 0}, hoverinfo="skip", showlegend=False, legendgroup=name,
    )  # fmt: skip
    median = Scatter(
        x=x, y=np.median(values, 0).tolist(), name=name, mode="lines", line={"color": colour, "width": 2},
        hovertemplate="%{y:.1%}", legendgroup=name,
    )  # fmt: skip
    return between, median


def _arm(name: str, lang: Lang) -> str:
    return say(f"arm.{name}", lang) if name in ARMS else name


def _row(name: str, found: Outcome, lang: Lang) -> list[str]:
    """One arm: how many memorised and generalised and when (median), its best accuracy, collapse and norm."""

    def reached(steps: np.ndarray) -> str:
        when = steps[np.isfinite(steps)]
        share = say("of", lang, k=count(len(when)), n=count(len(steps)))
        return say("reached", lang, share=share, step=count(round(float(np.median(when))))) if len(when) else share

    def spread(values: np.ndarray, shown: object = percent) -> str:
        low, high = (shown(float(end)) for end in (values.min(), values.max()))  # pyright: ignore
        return low if low == high else say("between", lang, low=low, high=high)

    times = [reached(found.memorized_at), reached(found.generalized_at)]
    return [_arm(name, lang), *times, spread(found.peak), spread(found.collapse), spread(found.norm, number)]


def _lead(found: Mapping[str, Outcome], lang: Lang) -> list[str]:
    """Which arms generalise in all seeds, and in none."""
    names = {
        "all": [name for name, each in found.items() if each.generalised.k == each.n],
        "none": [name for name, each in found.items() if not each.generalised.k],
    }
    gap = "、" if lang == "zh" else ", "
    sentences = [
        say(f"stability.{which}", lang, arms=gap.join(_arm(name, lang) for name in some))
        for which, some in names.items()
        if some
    ]
    return sentences or [say("stability.some", lang)]


def _origin(runs: Mapping[str, Sequence[Run]], lang: Lang) -> Html:
    pairs = []
    for name, some in runs.items():
        steps = count(max(run.steps for run in some))
        about = say("origin.arm", lang, packs=some[0].folder.name, n=count(len(some)), steps=steps)
        pairs.append((_arm(name, lang), about))
    plain = (
        "import grokscope as gs\nfrom grokscope.report import stability\n"
        "from grokscope.studies.stability import arms\n\n"
        f"configs = arms(base, names={list(runs)!r})  # base: a config such as recipes.prieto_collapse\n"
        'stability.write({name: gs.train(pack) for name, pack in configs.items()}, "stability.html")'
    )
    return Html(text=f"{facts(pairs)}\n<h3>{say('origin.python_again', lang)}</h3>\n{code(plain)}")
