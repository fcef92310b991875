"""The circles that the embedding forms: residues in the planes of its strongest key frequencies."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics.fourier import basis, frequency_norms
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import panels
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings
from grokscope.report.words import Lang

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_PLANES = 6  # two rows of three; more planes are too small to see a circle in


@draws("run")
def planes(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The residues in the plane of each of the embedding's strongest key frequencies, with a slider over checkpoints.

    The planes are those of the last checkpoint at every step, so that the embedding moves and not the view.
    """
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
    figure = theme.blank()
    for index, k in enumerate(shown):
        figure.add_scatter(**_ring(seen[max(seen)][index], k, p), **panels.axes(index))
    titles = [f"k = {k}" for k in shown]
    columns = len(shown) if len(shown) <= 4 else 3
    # All to one scale, so that a small circle looks small.
    panels.squares(figure, titles, [reach] * len(shown), columns=columns, narrow=2, side=340)
    moved = {step: [_at(points, k) for points, k in zip(cloud, shown, strict=True)] for step, cloud in seen.items()}
    panels.animate(figure, moved, lang)
    return figure


def plane(table: Float[np.ndarray, "residue d_model"], k: int) -> Float[np.ndarray, "d_model axis=2"]:
    """Orthonormal columns that span the plane in which a table of residues varies as frequency k.

        u = sum_a cos(2 pi k a/p) W[a],   v = sum_a sin(2 pi k a/p) W[a];   columns: u, v after Gram and Schmidt

    A table with rows (cos, sin)(2 pi k a/p) in a plane is there a circle of radius 1, with residue 0 to the right and
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
        "line": {"color": theme.LINK, "width": 1},
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
