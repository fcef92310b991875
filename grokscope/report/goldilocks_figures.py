"""Figures of the Goldilocks zone: the L and the U, the law, and how much data it takes."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from grokscope.errors import Missing
from grokscope.report import theme
from grokscope.report.words import Lang, catalogue, number, percent, say
from grokscope.statistics.contrasts import share
from grokscope.statistics.goldilocks import Law, Reduced, Shell
from grokscope.statistics.intervals import Effect
from grokscope.studies.goldilocks import GENERALISED, Arm

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PANEL, TITLE = 330, 26  # pixels of a panel, and of its title above it
TICKS = (1, 1.5, 2, 3, 4, 5, 6, 8)  # in every power of ten, on an axis shorter than one
BAND, MARK = 0.10, 0.16  # opacities of an interval and of what lies between its ends


def l_and_u(
    found: Mapping[str, Reduced],
    shells: Mapping[str, Shell],
    lang: Lang = "en",
    *,
    arms: Mapping[str, Arm] | None = None,
    squared_error: bool = False,
) -> "Figure":
    """Train loss (the L) and test loss (the U) against the norm that training kept, a panel an arm.

    found, shells: by arm, as in `Summary`; a shell is shaded, more lightly over its ends' intervals, and an end that is
    not known lies at the edge of the figure. arms: every run as a small dot. Lines are means over seeds with their
    intervals. squared_error: what the loss is, instead of nats. Raises ValueError where no norm has a loss above 0.
    """
    from plotly.graph_objects import Figure

    if not any(_known(effect) for each in found.values() for effect in (*each.train, *each.test)):
        raise ValueError("no norm has a loss above 0: there is nothing to draw")
    figure, n = Figure(), len(found)
    theme.layout(figure, height=80 + (PANEL + TITLE) * n)
    edges = _edges(np.concatenate([each.norms for each in found.values()]))
    title = TITLE / (PANEL + TITLE) / n
    height, losses = 1 / n - title, []
    for place, (name, each) in enumerate(found.items()):
        axis = "y" if not place else f"y{place + 1}"
        top = 1 - title - place / n
        figure.update_layout({axis.replace("y", "yaxis"): {"domain": [max(top - height, 0.0), top], "anchor": "x"}})
        losses += _losses(figure, each, (arms or {}).get(name), axis, lang, first=not place)
        _panel_title(figure, _arm_title(name, shells.get(name), lang), top)
        if name in shells:
            _shade_shell(figure, shells[name], edges, axis)
    figure.add_scatter(
        x=[None], y=[None], mode="markers", name=say("series.shell", lang), hoverinfo="skip",
        marker={"symbol": "square", "size": 13, "color": theme.GREEN, "opacity": 0.35},
    )  # fmt: skip
    _norm_axis(figure, edges, say("axis.norm_kept", lang))
    figure.update_layout(xaxis={"anchor": "y" if n == 1 else f"y{n}"}, hovermode="closest")
    theme.loss_axis(figure, say("axis.squared_error" if squared_error else "axis.loss", lang), losses, log=True)
    figure.update_yaxes(gridcolor=theme.GRID, zeroline=False, range=_log_range(losses))
    return figure


def law(
    found: Law | Missing,
    w0: ArrayLike,
    t_gen: ArrayLike,
    observed: ArrayLike,
    lang: Lang = "en",
    *,
    fitted: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    shell: Shell | None = None,
) -> "Figure":
    """Time to generalise against the initial norm on a logarithmic axis: runs, the fitted line, the predicted slope.

    w0, t_gen, observed: (run,), as given to `generalisation_law`; a run that never generalised stands at its last step.
    fitted: which runs the line was fitted to, by default all; the others are grey. names: of the runs, for the hover.
    shell: its upper edge is marked, as w_c is where the line meets 0; both with their intervals. The predicted line
    goes through the middle of the fitted one. Without a law there is no line.
    """
    from plotly.graph_objects import Figure

    norms, times, reached = np.asarray(w0), np.asarray(t_gen), np.asarray(observed).astype(bool)
    used = np.ones(len(norms), dtype=bool) if fitted is None else np.asarray(fitted).astype(bool)
    called = np.array(names if names is not None else [""] * len(norms))
    figure = Figure()
    theme.layout(figure, height=470)
    groups = (
        ("generalised", reached & used, "circle", theme.BLUE),
        ("censored", ~reached & used, "triangle-up-open", theme.BLUE),
        ("outside", reached & ~used, "circle", theme.NEUTRAL),
        ("outside_censored", ~reached & ~used, "triangle-up-open", theme.NEUTRAL),
    )
    for name, chosen, symbol, colour in groups:
        if chosen.any():
            figure.add_scatter(
                x=norms[chosen].tolist(), y=times[chosen].tolist(), name=say(f"series.{name}", lang), mode="markers",
                marker={"size": 9, "symbol": symbol, "color": colour, "opacity": 0.75, "line": {"width": 1.5}},
                customdata=[[run] for run in called[chosen].tolist()],
                hovertemplate="%{customdata[0]}<br>w₀ = %{x:.3g}: %{y:,.0f}<extra></extra>",
            )  # fmt: skip
    marks = {"shell_edge": (shell.high, theme.GREEN)} if shell and isinstance(shell.high, Effect) else {}
    if isinstance(found, Law):
        marks["w_c"] = (found.w_c, theme.ORANGE)
        _lines(figure, found, norms[used], lang)
    # A mark further than a factor of ten from all runs would press them into a corner.
    near = [effect.value for effect, _ in marks.values() if norms.min() / 10 < effect.value < norms.max() * 10]
    edges = _edges(np.array([*norms, *near]))
    for dash, (name, (effect, colour)) in zip(("longdash", "dashdot"), marks.items(), strict=False):
        if effect.value in near:
            named = f"{say(f'mark.{name}', lang)}: {interval(effect, lang)}"
            _upright(figure, effect, edges, named, colour=colour, dash=dash)
    _norm_axis(figure, edges, say("axis.norm_initial", lang))
    figure.update_yaxes(range=[0, float(times.max()) * 1.08], tickformat=",d", title={"text": say("axis.t_gen", lang)})
    figure.update_layout(hovermode="closest")
    return figure


def fractions(shares: Sequence[float], accuracy: ArrayLike, critical: Effect | Missing, lang: Lang = "en") -> "Figure":
    """Share of runs that generalise by the share of the data they are trained on, with exact binomial intervals.

    accuracy: (share, seed), test accuracy at the end. critical: the share from which they do, marked with its interval.
    """
    from plotly.graph_objects import Figure

    found = [share(int((row >= GENERALISED).sum()), len(row)) for row in np.asarray(accuracy, dtype=float)]
    figure = Figure()
    theme.layout(figure, height=400)
    figure.add_scatter(
        x=list(shares), y=[each.value for each in found], name=say("series.generalising", lang),
        mode="lines+markers", line={"color": theme.BLUE, "width": 2}, marker={"size": 9},
        error_y={
            "type": "data", "symmetric": False, "array": [each.high - each.value for each in found],
            "arrayminus": [each.value - each.low for each in found], "color": theme.BLUE, "thickness": 1.5, "width": 4,
        },
        customdata=[[each.k, each.n] for each in found],
        hovertemplate="%{x:.0%}: %{customdata[0]} / %{customdata[1]}<extra></extra>",
    )  # fmt: skip
    ends = (min(shares), max(shares))
    beyond = 0.04 * (ends[1] - ends[0] or 1)
    figure.update_xaxes(
        range=[ends[0] - beyond, ends[1] + beyond], tickformat=".0%", title={"text": say("axis.train_share", lang)}
    )
    if isinstance(critical, Effect):
        named = f"{say('mark.critical', lang)}: {interval(critical, lang, percent)}"
        _upright(figure, critical, ends, named, colour=theme.ORANGE)
    figure.update_yaxes(range=[-0.03, 1.03], tickformat=".0%", title={"text": say("axis.generalising", lang)})
    figure.update_layout(hovermode="closest")
    return figure


def _losses(figure: "Figure", each: Reduced, arm: Arm | None, axis: str, lang: Lang, *, first: bool) -> list[float]:
    """Dots of the runs, lines of the means; all losses that were drawn."""
    drawn: list[float] = []
    for split, effects in (("train", each.train), ("test", each.test)):
        colour, _ = theme.SPLITS[split]
        shared = {"legendgroup": split, "yaxis": axis}
        if arm is not None:
            values = getattr(arm, split).ravel()
            kept = np.isfinite(values) & (values > 0)
            drawn += values[kept].tolist()
            figure.add_scatter(
                x=arm.norms.ravel()[kept].tolist(), y=values[kept].tolist(), mode="markers", showlegend=False,
                marker={"size": 5, "color": colour, "opacity": 0.45}, hoverinfo="skip", **shared,
            )  # fmt: skip
        known = [_known(effect) for effect in effects]
        drawn += [effect.value for effect in known if effect]
        figure.add_scatter(
            x=each.norms.tolist(), y=[effect and effect.value for effect in known], name=say(f"split.{split}", lang),
            mode="lines+markers", line={"color": colour, "width": 2}, marker={"size": 7}, showlegend=first,
            error_y=_bars(known, colour), hovertemplate="|w| = %{x:.3g}: %{y:.2e}", **shared,
        )  # fmt: skip
    return drawn


def _known(effect: Effect | Missing) -> Effect | None:
    """What has a place on a logarithmic axis."""
    return effect if isinstance(effect, Effect) and effect.value > 0 else None


def _log_range(losses: list[float]) -> list[float]:
    """The range of the losses drawn, so that an interval that ends near 0 does not stretch the axis."""
    low, high = np.log10([min(losses), max(losses)])
    beyond = 0.05 * (high - low) + 0.05
    return [float(low - beyond), float(high + beyond)]


def _lines(figure: "Figure", found: Law, norms: np.ndarray, lang: Lang) -> None:
    """The fitted line from where it meets 0, and one of the predicted slope through its middle."""
    ends = np.array([norms.min(), norms.max()], dtype=float)
    down = np.array([found.w_c.value, ends[0]])
    lines = [(say("series.law", lang), ends, found.at(ends), "solid", theme.ORANGE, True)]
    if ends[0] / 10 < down[0] < ends[0]:
        lines.append(("", down, found.at(down), "dot", theme.ORANGE, False))
    if found.predicted is not None:
        turned = found.predicted * np.log(ends / np.sqrt(ends.prod())) + found.at(ends).mean()
        lines.append((say("series.law_predicted", lang), ends, turned, "dash", theme.NEUTRAL, True))
    for name, x, y, dash, colour, listed in lines:
        figure.add_scatter(
            x=x.tolist(), y=y.tolist(), name=name, mode="lines", hoverinfo="skip", showlegend=listed,
            line={"color": colour, "width": 2, "dash": dash},
        )  # fmt: skip


def _upright(
    figure: "Figure", effect: Effect, edges: tuple[float, float], name: str, *, colour: str, dash: str = "longdash"
) -> None:
    """A value on the x axis as an upright line over the band of its interval, named in the legend."""
    low, high = (effect.value if isinstance(end, Missing) else end for end in (effect.low, effect.high))
    line = {"color": colour, "width": 1.5, "dash": dash}
    figure.add_shape(
        type="rect", xref="x", yref="paper", x0=max(low, edges[0]), x1=min(high, edges[1]), y0=0, y1=1, layer="below",
        line={"width": 0}, fillcolor=colour, opacity=MARK,
    )  # fmt: skip
    figure.add_shape(
        type="line", xref="x", yref="paper", x0=effect.value, x1=effect.value, y0=0, y1=1, layer="below", line=line
    )
    figure.add_scatter(x=[None], y=[None], mode="lines", name=name, hoverinfo="skip", line=line)


def interval(effect: Effect, lang: Lang, shown: Callable[[float], str] = number) -> str:
    """A value with its interval in brackets, where it has one."""
    if isinstance(effect.low, Missing) or isinstance(effect.high, Missing):
        return shown(effect.value)
    return say("number.interval", lang, value=shown(effect.value), low=shown(effect.low), high=shown(effect.high))


def _arm_title(name: str, shell: Shell | None, lang: Lang) -> str:
    title = say(f"arm.{name}", lang) if f"arm.{name}" in catalogue(lang) else name
    if shell is None:
        return title
    low, high = ("?" if isinstance(end, Missing) else number(end.value) for end in (shell.low, shell.high))
    return say("arm.shell", lang, arm=title, low=low, high=high)


def _panel_title(figure: "Figure", text: str, top: float) -> None:
    figure.add_annotation(
        text=text, x=0, y=top, xref="paper", yref="paper", xanchor="left", yanchor="bottom", showarrow=False,
        font={"size": 13}, align="left",
    )  # fmt: skip


def _edges(norms: np.ndarray) -> tuple[float, float]:
    """The ends of a logarithmic axis, a little beyond the norms."""
    beyond = (norms.max() / norms.min()) ** 0.04 if norms.max() > norms.min() else 1.5
    return float(norms.min() / beyond), float(norms.max() * beyond)


def _norm_axis(figure: "Figure", edges: tuple[float, float], title: str) -> None:
    figure.update_xaxes(
        type="log", range=np.log10(edges).tolist(), tickformat="~g", hoverformat=".3g", title={"text": title}
    )
    if edges[1] > 10 * edges[0]:
        minor = {"dtick": "D1", "ticks": "outside", "ticklen": 3}
        figure.update_xaxes(dtick=theme.log_ticks(edges), minor=minor)
    else:  # Plotly's own ticks would be one or two
        powers = range(int(np.floor(np.log10(edges[0]))), int(np.ceil(np.log10(edges[1]))) + 1)
        ticks = [tick * 10.0**power for power in powers for tick in TICKS]
        figure.update_xaxes(tickvals=[tick for tick in ticks if edges[0] <= tick <= edges[1]])


def _bars(known: list[Effect | None], colour: str) -> dict[str, Any]:
    """Error bars; of length 0 where there is no interval."""

    def arm(effect: Effect | None, sign: int) -> float:
        end = None if effect is None else effect.high if sign > 0 else effect.low
        return 0.0 if effect is None or not isinstance(end, float) else max(sign * (end - effect.value), 0.0)

    return {
        "type": "data", "symmetric": False, "array": [arm(effect, 1) for effect in known],
        "arrayminus": [arm(effect, -1) for effect in known], "color": colour, "thickness": 1.5, "width": 4,
    }  # fmt: skip


def _shade_shell(figure: "Figure", shell: Shell, edges: tuple[float, float], axis: str) -> None:
    """The shell behind one panel; nothing where neither end is known."""
    if isinstance(shell.low, Missing) and isinstance(shell.high, Missing):
        return
    ends = [
        (end.value, *(side if isinstance(side, float) else end.value for side in (end.low, end.high)))
        if isinstance(end, Effect)
        else (edge, edge, edge)
        for end, edge in zip((shell.low, shell.high), edges, strict=True)
    ]
    for x0, x1, opacity in ((ends[0][1], ends[1][2], BAND), (ends[0][0], ends[1][0], MARK)):
        figure.add_shape(
            type="rect", xref="x", yref=f"{axis} domain", x0=x0, x1=x1, y0=0, y1=1, layer="below", line={"width": 0},
            fillcolor=theme.GREEN, opacity=opacity,
        )  # fmt: skip
