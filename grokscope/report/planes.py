"""Figures over residues and frequencies: the embedding's spectrum through training, and the circles it forms.

Readings -> plotly Figure, or `Missing` with an id of `words`.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics.fourier import basis, frequency_norms
from grokscope.report import frames, theme
from grokscope.report.readings import Readings
from grokscope.report.words import Lang, say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_PLANES = 6  # two rows of three; more planes are too small to see a circle in


def spectrum(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Norm of each frequency of the embedding at the checkpoints, the key frequencies of the last one marked."""
    from plotly.graph_objects import Figure

    if not readings.cyclic:
        return Missing("missing.random_labels" if readings.run.config.random_labels else "missing.not_cyclic")
    views = readings.views("circuits.embedding_spectrum")
    columns = {view: readings.series("circuits.embedding_spectrum", view) for view in views}
    steps = sorted({int(step) for series in columns.values() if isinstance(series, tuple) for step in series[0]} - {0})
    if not steps:
        return Missing(readings.absence)
    frequencies = [int(view.removeprefix("frequency=")) for view in views]
    by_step = {view: dict(zip(*series, strict=True)) for view, series in columns.items() if isinstance(series, tuple)}
    norms = [[by_step[view].get(step) for step in steps] for view in views]
    figure = Figure()
    figure.add_heatmap(
        x=_edges(steps), y=[frequencies[0] - 0.5, *(k + 0.5 for k in frequencies)], z=norms,
        colorscale="Viridis", zmin=0, customdata=[steps] * len(views),
        hovertemplate=f"{say('axis.step', lang)} %{{customdata:,d}}, k = %{{y}}: %{{z:.3g}}<extra></extra>",
        colorbar={
            "title": {"text": say("axis.component", lang), "side": "top"}, "orientation": "h", "thickness": 10,
            "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom", "len": 0.6, "nticks": 4, "outlinewidth": 0,
        },
    )  # fmt: skip
    theme.layout(figure, height=470)
    theme.step_axis(figure, readings, lang)
    edges = np.log10(_edges(steps))
    figure.update_xaxes(range=[edges[0], edges[-1]], showgrid=False)
    figure.update_yaxes(title={"text": say("axis.frequency", lang)}, showgrid=False, range=[0.5, frequencies[-1] + 0.5])
    figure.update_layout(hovermode="closest", margin={"r": 70, "t": 8})
    if isinstance(readings.key_frequencies, list):
        _mark(figure, readings.key_frequencies, float(10 ** edges[-1]), room=len(frequencies))
    return figure


def planes(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The residues in the plane of each of the embedding's strongest key frequencies, with a slider over checkpoints.

    The planes are those of the last checkpoint at every step, so that what moves is the embedding and not the view.
    """
    from plotly.graph_objects import Figure, Frame

    keys, tables = readings.key_frequencies, readings.embeddings
    if isinstance(keys, Missing):
        return keys
    if not tables:
        return Missing("missing.no_embedding" if readings.checkpoints else "missing.no_checkpoint")
    final = tables[max(tables)]
    p, norms = len(final), frequency_norms(final)
    # At k = p/2 there is no sine: two points on a line, no circle.
    shown = sorted(sorted((k for k in keys if 2 * k != p), key=lambda k: -norms[k - 1])[:MOST_PLANES])
    if not shown:
        return Missing("missing.no_key_frequency")
    seen = {step: [table @ plane(final, k) for k in shown] for step, table in tables.items()}
    reach = 1.12 * max(float(np.abs(points).max()) for cloud in seen.values() for points in cloud)
    figure = Figure()
    for index, k in enumerate(shown):
        figure.add_scatter(**_ring(seen[max(seen)][index], k, p), **frames.axes(index))
    figure.frames = [
        Frame(name=str(step), data=[_at(points, k) for points, k in zip(cloud, shown, strict=True)])
        for step, cloud in seen.items()
    ]  # fmt: skip
    titles = [f"k = {k}" for k in shown]
    columns = len(shown) if len(shown) <= 4 else 3
    # All to one scale, so that a small circle looks small.
    frames.squares(figure, titles, [reach] * len(shown), columns=columns, narrow=2, side=340)
    frames.add_slider(figure, sorted(seen), lang)
    return figure


def plane(table: Float[np.ndarray, "residue d_model"], k: int) -> Float[np.ndarray, "d_model axis=2"]:
    """Orthonormal columns that span the plane in which a table of residues varies as frequency k.

        u = sum_a cos(2 pi k a/p) W[a],   v = sum_a sin(2 pi k a/p) W[a];   columns: u, v after Gram and Schmidt

    A table whose rows are (cos, sin)(2 pi k a/p) in some plane is there a circle of radius 1, residue 0 to the right,
    a k mod p counter-clockwise.
    """
    directions = table.T @ basis(len(table))[2 * k - 1 : 2 * k + 1].T
    columns, signs = np.linalg.qr(directions)
    return columns * np.where(np.diag(signs) < 0, -1.0, 1.0)


def _ring(points: Float[np.ndarray, "residue axis=2"], k: int, p: int) -> dict[str, Any]:
    """The trace of one plane; a residue's colour is the angle at which frequency k puts it."""
    order = _order(p, k)
    turn = (order * k) % p / p
    return _at(points, k) | {
        "mode": "lines+markers",
        "line": {"color": "rgba(128,128,128,0.45)", "width": 1},
        "marker": {"color": turn.tolist(), "colorscale": "HSV", "cmin": 0, "cmax": 1, "size": 7},
        "customdata": [[int(a), int(a * k % p)] for a in order],
        "hovertemplate": f"a = %{{customdata[0]}}, {k}a mod {p} = %{{customdata[1]}}<extra>k = {k}</extra>",
        "showlegend": False,
    }


def _at(points: Float[np.ndarray, "residue axis=2"], k: int) -> dict[str, list[float]]:
    """The coordinates of a ring; four digits are finer than a pixel."""
    x, y = points[_order(len(points), k)].round(4).T.tolist()
    return {"x": x, "y": y}


def _order(p: int, k: int) -> Int[np.ndarray, " point"]:
    """The residues in the order of a k mod p, the first again at the end (they share no order where k divides p)."""
    order = np.argsort((np.arange(p) * k) % p, kind="stable")
    return np.append(order, order[0])


def _edges(steps: list[int]) -> list[float]:
    """Borders between the columns of steps, half way on the logarithmic axis."""
    logs = np.log10(np.asarray(steps, dtype=float))
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
        textfont={"size": 12, "color": theme.INK}, marker={"symbol": "triangle-left", "size": 9, "color": theme.ORANGE},
        showlegend=False, hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip
