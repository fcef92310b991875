"""The same frequencies everywhere, and the logits they make. Readings -> plotly Figure, or `Missing` with an id of
`words`."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float64

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.layers import readout
from grokscope.measures.analyses.neurons import shares
from grokscope.measures.analyses.tables import embedding_table
from grokscope.measures.base import NEEDS
from grokscope.numerics.fourier import frequency_norms, varies
from grokscope.report import frames, theme
from grokscope.report.circuit import absent
from grokscope.report.readings import Readings, spread
from grokscope.report.words import Lang, count, say
from grokscope.runs.snapshot import Snapshot

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ANSWER = 0  # whose logit is shown: any other would do
MOMENTS = 4
ABOVE, UNDER = 62, 48  # pixels
SPECTRA = ("embedding", "neurons", "readout", "logits")
Spectrum = Float64[np.ndarray, " frequency"]


def spectra(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Spectra of embedding, neurons, neuron-logit map and logits at the last checkpoint, each over its largest value.

    In front of them, as lines, those of the first checkpoint, each over its own largest value too.
    """
    from plotly.graph_objects import Figure

    if (reason := absent(readings)) is not None:
        return reason
    first, last = (spectra_of(readings.snapshot(step)) for step in (readings.checkpoints[0], readings.checkpoints[-1]))
    if not last:
        return Missing("missing.no_key_frequency")
    n = len(next(iter(last.values())))
    frequencies = list(range(1, n + 1))
    keys = readings.key_frequencies if isinstance(readings.key_frequencies, list) else []
    colours = [theme.ORANGE if k in keys else theme.NEUTRAL for k in frequencies]
    figure, started = Figure(), say("series.first_checkpoint", lang, step=count(readings.checkpoints[0]))
    for index, (name, values) in enumerate(last.items()):
        title = say(f"spectrum.{name}", lang)
        figure.add_bar(
            x=frequencies, y=(values / values.max()).round(3).tolist(), marker={"color": colours}, showlegend=False,
            **frames.axes(index), hovertemplate=f"k = %{{x}}: %{{y:.2f}}<extra>{title}</extra>",
        )  # fmt: skip
        if name in first and len(readings.checkpoints) > 1:
            figure.add_scatter(
                x=frequencies, y=(first[name] / first[name].max()).round(3).tolist(), mode="lines", name=started,
                line={"color": theme.BLUE, "width": 1.5, "dash": "dot"}, **frames.axes(index), hoverinfo="skip",
                showlegend=not index,
            )  # fmt: skip
        figure.add_annotation(
            text=title, xref="paper", yref=f"{frames.axes(index)['yaxis']} domain", x=0, y=1.02, xanchor="left",
            yanchor="bottom", showarrow=False, font={"size": 13, "color": theme.INK},
        )  # fmt: skip
    _rows(figure, len(last), n, say("axis.frequency", lang))
    if 0 < len(keys) <= n / 2:
        axis = frames.axes(len(last) - 1)["xaxis"].replace("x", "xaxis")
        figure.update_layout({axis: {"tickvals": keys, "ticktext": _ticks(keys, n), "tickangle": 0}})
    return figure


def logits(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """The logit of one answer over all inputs (a, b), less the input's mean over the answers, at up to four steps."""
    from plotly.graph_objects import Figure

    if (reason := absent(readings)) is not None:
        return reason
    shown = {step: (name, readings.snapshot(step)) for step, name in _moments(readings).items()}
    shown = {step: (name, snapshot) for step, (name, snapshot) in shown.items() if snapshot.is_finite}
    figure, titles, p = Figure(), [], readings.run.config.build_task().n_classes
    ends = [say(f"axis.{end}", lang) for end in ("lowest", "highest")]
    for index, (step, (name, snapshot)) in enumerate(shown.items()):
        grid = _centred(snapshot)[:, ANSWER].reshape(p, p).numpy()
        low, high = grid.min(), grid.max()
        # Small integers, as Plotly packs them, are finer than the eye sees.
        levels = (100 * (grid - low) / max(high - low, 1e-300)).round().astype(np.uint8)
        figure.add_heatmap(
            z=levels.T, zmin=0, zmax=100, colorscale="Viridis", **frames.axes(index), showscale=not index,
            hovertemplate="a = %{x}, b = %{y}: %{z}%<extra></extra>",
            colorbar={
                "orientation": "h", "thickness": 10, "len": 0.5, "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom",
                "outlinewidth": 0, "tickvals": [14, 86], "ticktext": ends,
            },
        )  # fmt: skip
        said = say("axis.at_step", lang, step=count(step)) + (say(f"moment.{name}", lang) if name else "")
        titles.append(f"{said}<br>{low:.3g} … {high:.3g}".replace("-", "−"))
    _squares(figure, titles, p)
    # The colour bar would centre a title of its own, and cut it off on a phone.
    figure.add_annotation(
        text=say("axis.logit", lang, c=ANSWER), xref="paper", yref="paper", x=0, y=1, yshift=36, xanchor="left",
        yanchor="bottom", showarrow=False, font={"size": 13, "color": theme.INK},
    )  # fmt: skip
    return figure


def spectra_of(snapshot: Snapshot) -> dict[str, Spectrum]:
    """Spectra over k = 1..floor(p/2), of what this network has and what varies.

    embedding: norm of W_E at k, over the residues; neurons: mean over the neurons of their share of variance at k;
    readout: norm of W_L at k, over the answers; logits: norm at k, over y, of the mean logits of the inputs whose right
    answer is y. They are the logits' projection on the waves of a + b.
    """
    task, share = product(snapshot), shares(snapshot)
    tables: dict[str, Any] = {}
    if NEEDS["embedding"][0](snapshot):
        tables["embedding"] = embedding_table(snapshot)
    if NEEDS["mlp"][0](snapshot):
        tables["readout"] = readout(snapshot).T
    if not isinstance(task, Missing):
        tables["logits"] = task.summed(_centred(snapshot)) / task.of.order
    found = {name: frequency_norms(table) for name, table in tables.items() if varies(table)}
    if not isinstance(share, Missing) and share.any():
        found["neurons"] = share.mean(1).numpy()
    return {name: found[name] for name in SPECTRA if name in found}


def _centred(snapshot: Snapshot) -> Float64[torch.Tensor, "pair class"]:
    """The logits less each input's mean, which a softmax does not see."""
    values = snapshot.logits.detach().double()
    return values - values.mean(1, keepdim=True)


def _moments(readings: Readings) -> dict[int, str]:
    """The first and the last checkpoint and those nearest to the (geometric) middles of two phases, with their names.

    Evenly spread ones where a phase lacks.
    """
    steps, found = np.array(readings.checkpoints), readings.phases
    named = {int(steps[0]): "", int(steps[-1]): "last"}
    alone = None if found.memorized_at is None else (found.memorized_at, found.memorized_at)
    for name, window in (("memorized", found.memorized or alone), ("transition", readings.transition)):
        if window is not None:
            middle = math.sqrt(max(window[0], 1) * max(window[1], 1))
            named.setdefault(int(steps[np.abs(steps - middle).argmin()]), name)
    for step in spread(readings.checkpoints, MOMENTS):
        if len(named) < MOMENTS:
            named.setdefault(step, "")
    return dict(sorted(named.items()))


def _squares(figure: "Figure", titles: list[str], p: int) -> None:
    """Places the panels side by side, on a phone two in a row, each p by p cells, its title below."""
    frames.arrange(figure, len(titles), columns=MOMENTS, narrow=2, side=340, gaps=(0.03, 0.13))
    for index, title in enumerate(titles):
        x, y = frames.axes(index).values()
        blank = {"range": [-0.5, p - 0.5], "constrain": "domain", "visible": False}
        figure.update_layout(
            {
                x.replace("x", "xaxis"): blank | {"anchor": y},
                y.replace("y", "yaxis"): blank | {"anchor": x, "scaleanchor": x},
            }
        )
        # The title of an axis would begin its second line above the first.
        figure.add_annotation(
            text=title, xref=f"{x} domain", yref=f"{y} domain", x=0.5, y=0, xanchor="center", yanchor="top",
            showarrow=False, font={"size": 13, "color": theme.INK},
        )  # fmt: skip
    # Room for the colour bar above and the titles below, instead of a slider.
    figure.layout.height += ABOVE + UNDER - frames.BELOW
    figure.update_layout(margin={"l": 8, "r": 8, "t": ABOVE, "b": UNDER})
    figure.layout.meta = {**figure.layout.meta, "below": ABOVE + UNDER}


def _rows(figure: "Figure", rows: int, n: int, title: str) -> None:
    """Rows of bars over one axis of n frequencies, each with room for its name above it."""
    height, bars = 1 / rows, 0.74
    for index in range(rows):
        suffix, bottom, last = frames.axes(index)["xaxis"][1:], 1 - (index + 1) * height, index == rows - 1
        across = {"range": [0.2, n + 0.8], "anchor": f"y{suffix}", "showticklabels": last}
        up = {"domain": [bottom, bottom + bars * height], "range": [0, 1.04], "tickvals": [0, 0.5, 1]}
        figure.update_layout(
            {
                f"xaxis{suffix}": across | {"title": {"text": title if last else ""}},
                f"yaxis{suffix}": up | {"anchor": f"x{suffix}"},
            }
        )
    theme.layout(figure, height=110 * rows + 90)
    figure.update_xaxes(showgrid=False)
    figure.update_layout(bargap=0.25, hovermode="closest", margin={"b": 60}, legend={"y": 1})


def _ticks(keys: list[int], n: int) -> list[str]:
    """The numbers of the key frequencies below the axis; where neighbours have no room, on two lines."""
    apart, low = n / 14, False  # a number takes about a fourteenth of a phone's width
    names = []
    for before, k in zip([-n, *keys], keys, strict=False):
        low = not low and k - before < apart
        names.append(f"<br>{k}" if low else str(k))
    return names
