"""The norm of each frequency of the embedding, through training."""

from typing import TYPE_CHECKING

import numpy as np

from grokscope.errors import Missing
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import steps
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@draws("run")
def spectrum(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Norm of each frequency of the embedding at the checkpoints, the key frequencies of the last one marked."""

    if (reason := readings.no_waves) is not None:
        return reason
    views = readings.views("circuits.embedding_spectrum")
    columns = {view: readings.series("circuits.embedding_spectrum", view) for view in views}
    by_view = {view: series for view, series in columns.items() if isinstance(series, tuple)}
    moments = sorted({int(step) for at, _ in by_view.values() for step in at} - {0})
    if not moments:
        return Missing(readings.absence)
    frequencies = [int(view.removeprefix("frequency=")) for view in views]
    by_step = {view: dict(zip(*series, strict=True)) for view, series in by_view.items()}
    norms = [[by_step[view].get(step) for step in moments] for view in views]
    figure = theme.blank(470, margin={"r": 70})
    figure.add_heatmap(
        x=_edges(moments), y=[frequencies[0] - 0.5, *(k + 0.5 for k in frequencies)], z=norms,
        zmin=0, customdata=[moments] * len(views),
        hovertemplate=f"{say('axis.step', lang)} %{{customdata:,d}}, k = %{{y}}: %{{z:.3g}}<extra></extra>",
        colorbar={
            "title": {"text": say("axis.component", lang), "side": "top"}, "orientation": "h", "thickness": 10,
            "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "len": 0.6, "nticks": 4,
        },
    )  # fmt: skip
    steps.step_axis(figure, readings, lang)
    edges = np.log10(_edges(moments))
    figure.update_xaxes(range=[edges[0], edges[-1]], showgrid=False)
    figure.update_yaxes(title={"text": say("axis.frequency", lang)}, showgrid=False, range=[0.5, frequencies[-1] + 0.5])
    if isinstance(readings.key_frequencies, list):
        _mark(figure, readings.key_frequencies, float(10 ** edges[-1]), room=len(frequencies))
    return figure


def _edges(moments: list[int]) -> list[float]:
    """Borders between the columns of moments, half way on the logarithmic axis."""
    logs = np.log10(np.asarray(moments, dtype=float))
    if len(logs) == 1:
        return [float(10 ** (logs[0] - 0.1)), float(10 ** (logs[0] + 0.1))]
    middle = (logs[1:] + logs[:-1]) / 2
    return (10 ** np.concatenate([[logs[0]], middle, [logs[-1]]])).tolist()


def _mark(figure: "Figure", keys: list[int], x: float, *, room: int) -> None:
    """A mark and a name beside each key frequency's row; names of neighbouring rows stand side by side.

    Where most frequencies are key ones, none stands out, and names would only hide each other.
    """
    apart = 16 * room / 330  # rows that a line of text, 16 of the panel's about 330 pixels, covers
    names, indent = [], 0
    for before, k in zip([-room, *keys], keys, strict=False):
        indent = (indent + 1) % 3 if k - before < apart else 0
        names.append(" " * (1 + 5 * indent) + str(k) if len(keys) <= room / 2 else "")
    figure.add_scatter(
        x=[x] * len(keys), y=keys, mode="markers+text", text=names, textposition="middle right",
        textfont={"size": 12}, marker={"symbol": "triangle-left", "size": 9, "color": theme.ORANGE},
        showlegend=False, hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip
