"""Slices of the loss around a network: lines, planes, and a page of one checkpoint's."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.report import theme
from grokscope.report.page import Html, Section, code, require_language, write_page
from grokscope.report.words import Lang, count, number, say
from grokscope.runs.run import Run
from grokscope.studies.landscape import Axis, Slice1D, Slice2D, slice_1d, slice_2d

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDE = 100.0  # ratio of losses from which an axis is logarithmic
LEVELS = 24  # contours, at most
LINES = ("weights", "hessian", "random")


def write(
    run: Run, path: str | Path, lang: Lang = "en", *, step: int | None = None, reach: float = 0.5, n: int = 21
) -> Path:
    """Writes a page of the loss around a checkpoint: along its weights, the sharpest direction and a random one, and
    over the plane of the first two; returns its path.

    step: of the checkpoint, by default the last. reach, n: as in `studies.landscape`. ValueError for another step than
    the run has kept.
    """
    require_language(lang)
    snapshot = run.snapshot(step)
    mse = run.config.loss == "mse"
    found: list[tuple[str, Slice1D | Slice2D | Missing]] = [
        (name, slice_1d(snapshot, name, reach=reach, n=2 * n - 1)) for name in LINES
    ]
    found.append(("plane", slice_2d(snapshot, reach=reach, n=n)))
    sections = [_section(name, each, lang, squared_error=mse) for name, each in found]
    again = (
        f"import grokscope as gs\nfrom grokscope.report import landscape\n\n"
        f'run = gs.load("{run.folder.parent / run.id}")\n'
        f'landscape.write(run, "landscape.html", step={snapshot.step}, reach={reach}, n={n})'
    )
    body = f"<h3>{say('origin.python_again', lang)}</h3>\n{code(again)}"
    sections.append(Section(id="provenance", title=say("provenance", lang), body=Html(text=body)))
    title = say("landscape.title", lang, run=run.id, step=count(snapshot.step))
    return write_page(path, title, _lead([each for _, each in found], lang), sections, lang)


def _section(name: str, found: Slice1D | Slice2D | Missing, lang: Lang, *, squared_error: bool) -> Section:
    draw = plane if isinstance(found, Slice2D) else line
    figure = (
        Missing(say("missing.slice", lang, reason=found.reason))
        if isinstance(found, Missing)
        else draw(found, lang, squared_error=squared_error)  # pyright: ignore[reportArgumentType]
    )
    caption = say("caption.plane" if name == "plane" else "caption.line", lang)
    return Section(id=name, title=say(f"figure.landscape_{name}", lang), figure=figure, caption=caption)


def _lead(found: Sequence[Slice1D | Slice2D | Missing], lang: Lang) -> list[str]:
    """How much sharper the sharpest direction is than the other two."""
    along = {each.axis.direction: each.axis.curvature for each in found if isinstance(each, Slice1D)}
    sentences = [say("landscape.lead", lang)]
    if set(LINES) <= set(along):
        shown = {name: number(along[name]) for name in LINES}
        sentences.append(say("landscape.curvatures", lang, **shown))
    return sentences


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
    theme.loss_axis(figure, say("axis.squared_error" if squared_error else "axis.loss", lang), shown.tolist(), log=log)
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
