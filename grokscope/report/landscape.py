"""Figures of the Goldilocks zone: the L and the U, the law, and slices of the loss around a network."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from grokscope.errors import Missing
from grokscope.report import theme
from grokscope.report.words import Lang, count, number, say
from grokscope.statistics.goldilocks import Law, Reduced, Shell
from grokscope.statistics.intervals import Effect
from grokscope.studies.landscape import Axis, Slice1D, Slice2D

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDE = 100.0  # ratio of losses from which an axis is logarithmic
LEVELS = 24  # contours, at most


def l_and_u(found: Reduced, shell: Shell | None = None, lang: Lang = "en", *, squared_error: bool = False) -> "Figure":
    """Train loss (the L) and test loss (the U) against the norm that training kept, with intervals over seeds.

    The shell is shaded, more lightly over its ends' intervals; an end that is not known lies at the edge of the figure.
    squared_error: what the loss is, instead of nats. Raises ValueError where no norm has a loss above 0.
    """
    from plotly.graph_objects import Figure

    figure = Figure()
    theme.layout(figure, height=430)
    edges = _edges(found.norms)
    if shell is not None and not (isinstance(shell.low, Missing) and isinstance(shell.high, Missing)):
        _shade_shell(figure, shell, edges, lang)
    for split, effects in (("train", found.train), ("test", found.test)):
        colour, _ = theme.SPLITS[split]
        known = [effect if isinstance(effect, Effect) and effect.value > 0 else None for effect in effects]
        figure.add_scatter(
            x=found.norms.tolist(), y=[effect and effect.value for effect in known], name=say(f"split.{split}", lang),
            mode="lines+markers", line={"color": colour, "width": 2}, marker={"size": 6},
            error_y=_bars(known, colour), hovertemplate="%{y:.2e}",
        )  # fmt: skip
    shown = [effect.value for effect in (*found.train, *found.test) if isinstance(effect, Effect) and effect.value > 0]
    if not shown:
        raise ValueError("no norm has a loss above 0: there is nothing to draw")
    _norm_axis(figure, edges, say("axis.norm_kept", lang))
    _loss_axis(figure, say("axis.squared_error" if squared_error else "axis.loss", lang), shown, log=True)
    return figure


def law(found: Law, w0: ArrayLike, t_gen: ArrayLike, observed: ArrayLike, lang: Lang = "en") -> "Figure":
    """Time to generalise against the initial norm on a logarithmic axis: runs, the fitted line, the predicted slope.

    w0, t_gen, observed: (run,), as given to `generalisation_law`; a run that never generalised stands at its last step.
    The predicted line goes through the middle of the fitted one.
    """
    from plotly.graph_objects import Figure

    norms, times, reached = (np.asarray(each) for each in (w0, t_gen, observed))
    figure = Figure()
    theme.layout(figure, height=430)
    groups = (("generalised", reached.astype(bool), "circle"), ("censored", ~reached.astype(bool), "triangle-up-open"))
    for name, chosen, symbol in groups:
        if chosen.any():
            figure.add_scatter(
                x=norms[chosen].tolist(), y=times[chosen].tolist(), name=say(f"series.{name}", lang), mode="markers",
                marker={"size": 8, "symbol": symbol, "color": theme.BLUE, "opacity": 0.75}, hovertemplate="%{y:,.0f}",
            )  # fmt: skip
    ends = np.array([norms.min(), norms.max()], dtype=float)
    fitted = say(
        "series.law", lang, slope=count(round(found.slope.value)), norm=number(found.w_c.value),
        r=f"{found.r_squared:.3f}",
    )  # fmt: skip
    lines = [(fitted, found.at(ends), "solid", theme.ORANGE)]
    if found.predicted is not None:
        name = say("series.law_predicted", lang, slope=count(round(found.predicted)))
        turned = found.predicted * np.log(ends / np.sqrt(ends.prod())) + found.at(ends).mean()
        lines.append((name, turned, "dash", theme.NEUTRAL))
    for name, y, dash, colour in lines:
        figure.add_scatter(
            x=ends.tolist(), y=y.tolist(), name=name, mode="lines", hoverinfo="skip",
            line={"color": colour, "width": 2, "dash": dash},
        )  # fmt: skip
    _norm_axis(figure, _edges(ends), say("axis.norm_initial", lang))
    figure.update_yaxes(rangemode="tozero", tickformat=",d", title={"text": say("axis.t_gen", lang)})
    figure.update_layout(hovermode="closest")
    return figure


def line(found: Slice1D, lang: Lang = "en", *, squared_error: bool = False) -> "Figure":
    """Loss by split along one direction, the network itself in the middle, and the parabola of its curvature there.

    The loss axis is logarithmic where the losses differ a hundredfold.
    """
    from plotly.graph_objects import Figure

    figure = Figure()
    theme.layout(figure, height=430)
    losses = np.concatenate(list(found.losses.values()))
    shown = losses[np.isfinite(losses) & (losses > 0)]
    log = bool(shown.size) and shown.max() > WIDE * shown.min()
    for split, values in found.losses.items():
        colour, dash = theme.SPLITS.get(split, (theme.NEUTRAL, "solid"))
        drawn = [float(value) if np.isfinite(value) and (value > 0 or not log) else None for value in values]
        figure.add_scatter(
            x=found.t.tolist(), y=drawn, name=say(f"split.{split}", lang), mode="lines",
            line={"color": colour, "width": 2, "dash": dash}, hovertemplate="%{y:.2e}",
        )  # fmt: skip
    if "train" in found.losses:
        centre = float(found.losses["train"][len(found.t) // 2])
        fine = np.linspace(found.t[0], found.t[-1], 201)
        parabola = centre + found.axis.curvature * (fine * found.norm) ** 2 / 2
        kept = (parabola <= shown.max(initial=centre)) & (parabola >= (shown.min(initial=centre) if log else -np.inf))
        figure.add_scatter(
            x=fine[kept].tolist(), y=parabola[kept].tolist(), mode="lines", hoverinfo="skip",
            name=say("series.parabola", lang, curvature=number(found.axis.curvature)),
            line={"color": theme.NEUTRAL, "width": 1.5, "dash": "dash"},
        )  # fmt: skip
    figure.update_xaxes(title={"text": _along(found.axis, lang)}, hoverformat=".3f")
    _loss_axis(figure, say("axis.squared_error" if squared_error else "axis.loss", lang), shown.tolist(), log=log)
    return figure


def plane(found: Slice2D, lang: Lang = "en", *, squared_error: bool = False) -> "Figure":
    """Contours of the loss over a plane, a panel a split, on one logarithmic scale; the network itself at the cross."""
    from plotly.graph_objects import Figure

    figure = Figure()
    positive = np.concatenate([values[np.isfinite(values) & (values > 0)] for values in found.losses.values()])
    if not positive.size:
        raise ValueError("no point of the plane has a loss above 0: there is nothing to draw")
    low, high = float(np.log10(positive.min())), float(np.log10(positive.max()))
    size = max((high - low) / LEVELS, 1e-9)
    ticks = np.linspace(low, high, 6)
    n, gap = len(found.losses), 0.06
    width = (1 - gap * (n - 1)) / n
    title = say("axis.squared_error" if squared_error else "axis.loss", lang)
    for index, (split, values) in enumerate(found.losses.items()):
        suffix = "" if not index else str(index + 1)
        logs = np.log10(np.where(np.isfinite(values) & (values > 0), values, np.nan)).T.tolist()
        figure.add_contour(
            x=found.t.tolist(), y=found.t.tolist(), z=[[None if np.isnan(z) else z for z in row] for row in logs],
            xaxis=f"x{suffix}", yaxis=f"y{suffix}", colorscale="Viridis", zmin=low, zmax=high, showscale=not index,
            contours={"start": low, "end": high, "size": size, "coloring": "fill"},
            line={"width": 0.5, "color": "rgba(128,128,128,0.6)"}, name=say(f"split.{split}", lang),
            colorbar={
                "tickvals": ticks.tolist(), "ticktext": [number(float(f"{10.0**tick:.1g}")) for tick in ticks],
                "thickness": 14, "title": {"text": title, "side": "right"},
            },
            customdata=values.T.tolist(), hovertemplate="%{customdata:.2e}",
        )  # fmt: skip
        figure.add_scatter(
            x=[0], y=[0], mode="markers", xaxis=f"x{suffix}", yaxis=f"y{suffix}", hoverinfo="skip", showlegend=False,
            marker={"symbol": "cross-thin", "size": 12, "line": {"width": 2, "color": "#ffffff"}},
        )  # fmt: skip
        left = index * (width + gap)
        figure.update_layout(
            {
                f"xaxis{suffix}": {
                    "domain": [left, left + width], "anchor": f"y{suffix}",
                    "title": {"text": say(f"split.{split}", lang), "standoff": 2, "font": {"size": 14}},
                },
                f"yaxis{suffix}": {
                    "anchor": f"x{suffix}", "showticklabels": not index,
                    "title": {"text": "" if index else _along(found.axes[1], lang)},
                },
            }
        )  # fmt: skip
    theme.layout(figure, height=470)
    # One title under all panels: on a phone each is narrower than it.
    figure.add_annotation(
        text=_along(found.axes[0], lang), x=0.5, y=0, yshift=-62, xref="paper", yref="paper", showarrow=False,
        font={"size": 14},
    )  # fmt: skip
    figure.update_layout(hovermode="closest", margin={"b": 84})
    return figure


def _along(axis: Axis, lang: Lang) -> str:
    name, _, rank = axis.direction.partition("=")
    return say("axis.along", lang, direction=say(f"direction.{name}", lang, rank=rank or 1))


def _edges(norms: np.ndarray) -> tuple[float, float]:
    """The ends of a logarithmic axis, a little beyond the norms."""
    beyond = (norms.max() / norms.min()) ** 0.04
    return float(norms.min() / beyond), float(norms.max() * beyond)


def _norm_axis(figure: "Figure", edges: tuple[float, float], title: str) -> None:
    # Within a decade Plotly's own ticks would be one or two.
    near = edges[1] < 10 * edges[0]
    nice = 10 ** np.floor(np.log10(edges[1] - edges[0]))
    figure.update_xaxes(
        type="log", range=np.log10(edges).tolist(), dtick=f"L{nice / 2:g}" if near else theme.log_ticks(edges),
        tickformat="~g", hoverformat=".3g",
        title={"text": title}, minor={"dtick": "D1", "ticks": "outside", "ticklen": 3},
    )  # fmt: skip
    if near:
        figure.update_xaxes(minor={"ticks": ""})


def _loss_axis(figure: "Figure", title: str, shown: list[float], *, log: bool) -> None:
    figure.update_yaxes(title={"text": title})
    if log:
        figure.update_yaxes(type="log", dtick=theme.log_ticks(shown), exponentformat="power")


def _bars(known: list[Effect | None], colour: str) -> dict[str, Any]:
    """Error bars; of length 0 where there is no interval."""

    def arm(effect: Effect | None, sign: int) -> float:
        end = None if effect is None else effect.high if sign > 0 else effect.low
        return 0.0 if effect is None or not isinstance(end, float) else max(sign * (end - effect.value), 0.0)

    return {
        "type": "data", "symmetric": False, "array": [arm(effect, 1) for effect in known],
        "arrayminus": [arm(effect, -1) for effect in known], "color": colour, "thickness": 1.5, "width": 4,
    }  # fmt: skip


def _shade_shell(figure: "Figure", shell: Shell, edges: tuple[float, float], lang: Lang) -> None:
    ends = [
        (end.value, *(side if isinstance(side, float) else end.value for side in (end.low, end.high)))
        if isinstance(end, Effect)
        else (edge, edge, edge)
        for end, edge in zip((shell.low, shell.high), edges, strict=True)
    ]
    names = ["?" if isinstance(end, Missing) else number(end.value) for end in (shell.low, shell.high)]
    for x0, x1, opacity in ((ends[0][1], ends[1][2], 0.08), (ends[0][0], ends[1][0], 0.16)):
        figure.add_shape(
            type="rect", xref="x", yref="paper", x0=x0, x1=x1, y0=0, y1=1, layer="below", line={"width": 0},
            fillcolor=theme.GREEN, opacity=opacity,
        )  # fmt: skip
    figure.add_scatter(
        x=[None], y=[None], mode="markers", name=say("series.shell", lang, low=names[0], high=names[1]),
        marker={"symbol": "square", "size": 13, "color": theme.GREEN, "opacity": 0.35}, hoverinfo="skip",
    )  # fmt: skip
