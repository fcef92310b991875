"""The same frequencies from the embedding to the logits."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.layers import readout
from grokscope.measures.analyses.neurons import shares
from grokscope.measures.analyses.tables import embedding_table
from grokscope.measures.base import NEEDS
from grokscope.numerics.fourier import frequency_norms, varies
from grokscope.report.figures.base import draws
from grokscope.report.figures.parts import elements, panels
from grokscope.report.page import theme
from grokscope.report.page.frame import SLIDER
from grokscope.report.run.readings import Readings, spread
from grokscope.report.words import Lang, count, say
from grokscope.runs.snapshot import Snapshot

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOST_FRAMES = 12  # checkpoints: the waves of all neurons take 0.2 s of each at p = 113
SPECTRA = ("embedding", "neurons", "readout", "logits")
Spectrum = Float64[np.ndarray, " frequency"]


@draws("run")
def spectra(readings: Readings, lang: Lang = "en") -> "Figure | Missing":
    """Spectra of embedding, neurons, neuron-logit map and logits at the last checkpoint, as bars that move with the
    slider; as lines those of the first checkpoint. Each is divided by its own largest value.
    """
    if (reason := readings.no_circuit) is not None:
        return reason
    moments = spread(readings.checkpoints, MOST_FRAMES)
    seen = {step: spectra_of(snapshot) for step in moments if (snapshot := readings.snapshot(step)).is_finite}
    first, last = seen.get(readings.checkpoints[0], {}), seen[readings.checkpoints[-1]]
    if not last:
        return Missing("missing.no_key_frequency")
    n = len(next(iter(last.values())))
    frequencies = list(range(1, n + 1))
    keys = readings.key_frequencies if isinstance(readings.key_frequencies, list) else []
    colours = [theme.ORANGE if k in keys else theme.NEUTRAL for k in frequencies]
    figure = theme.blank(110 * len(last) + 90 + SLIDER)
    started = say("series.first_checkpoint", lang, step=count(readings.checkpoints[0]))
    for index, (name, values) in enumerate(last.items()):
        _row(figure, index, say(f"spectrum.{name}", lang), values, colours)
    for index, name in enumerate(last):
        if name in first and len(readings.checkpoints) > 1:
            figure.add_scatter(
                x=frequencies, y=_heights(first[name]), mode="lines", name=started,
                line={"color": theme.BLUE, "width": 1.5, "dash": "dot"}, **panels.axes(index), hoverinfo="skip",
                showlegend=not index,
            )  # fmt: skip
    _rows(figure, len(last), n, say("axis.frequency", lang))
    if len(seen) > 1:
        flat = {"type": "bar", "y": [0.0] * n}
        frames = {
            step: [{"type": "bar", "y": _heights(found[name])} if name in found else flat for name in last]
            for step, found in seen.items()
        }
        panels.animate(figure, frames, lang)
    if 0 < len(keys) <= n / 2:
        axis = panels.axes(len(last) - 1)["xaxis"].replace("x", "xaxis")
        figure.update_layout({axis: {"tickvals": keys, "ticktext": _ticks(keys, n), "tickangle": 0}})
    return figure


def _row(figure: "Figure", index: int, title: str, values: Spectrum, colours: list[str]) -> None:
    """The bars of one part of the network, its name above them."""
    figure.add_bar(
        x=list(range(1, len(values) + 1)), y=_heights(values), marker={"color": colours},
        showlegend=False, **panels.axes(index), hovertemplate=f"k = %{{x}}: %{{y:.2f}}<extra>{title}</extra>",
    )  # fmt: skip
    figure.add_annotation(
        text=title, xref="paper", yref=f"{panels.axes(index)['yaxis']} domain", x=0, y=1.02, xanchor="left",
        yanchor="bottom",
    )  # fmt: skip


def _heights(values: Spectrum) -> list[float]:
    return (values / values.max()).round(3).tolist()


def spectra_of(snapshot: Snapshot) -> dict[str, Spectrum]:
    """Spectra over k = 1..floor(p/2), of the parts that this network has and that vary.

    embedding: norm of W_E at k, over the residues. neurons: mean over the neurons of their share of variance at k.
    readout: norm of W_L at k, over the answers. logits: norm at k, over y, of the mean logits of the inputs whose right
    answer is y, which is the logits' projection on the waves of a + b.
    """
    task, share = product(snapshot), shares(snapshot)
    tables: dict[str, Any] = {}
    if NEEDS["embedding"][0](snapshot):
        tables["embedding"] = embedding_table(snapshot)
    if NEEDS["mlp"][0](snapshot):
        tables["readout"] = readout(snapshot).T
    if not isinstance(task, Missing):
        tables["logits"] = task.summed(elements.centred_logits(snapshot)) / task.of.order
    norms = {name: frequency_norms(table) for name, table in tables.items() if varies(table)}
    if not isinstance(share, Missing) and share.any():
        norms["neurons"] = share.mean(1).numpy()
    return {name: norms[name] for name in SPECTRA if name in norms}


def _rows(figure: "Figure", rows: int, n: int, title: str) -> None:
    """Rows of bars over one axis of n frequencies, each with room for its name above it."""
    height, bars = 1 / rows, 0.74
    for index in range(rows):
        suffix, bottom, last = panels.axes(index)["xaxis"][1:], 1 - (index + 1) * height, index == rows - 1
        across = {"range": [0.2, n + 0.8], "anchor": f"y{suffix}", "showticklabels": last}
        up = {"domain": [bottom, bottom + bars * height], "range": [0, 1.04], "tickvals": [0, 0.5, 1]}
        figure.update_layout(
            {
                f"xaxis{suffix}": across | {"title": {"text": title if last else ""}},
                f"yaxis{suffix}": up | {"anchor": f"x{suffix}"},
            }
        )
    figure.update_xaxes(showgrid=False)
    figure.update_layout(bargap=0.25, margin={"b": 60 + SLIDER}, legend={"y": 1})


def _ticks(keys: list[int], n: int) -> list[str]:
    """The numbers of the key frequencies below the axis; where neighbours have no room, on two lines."""
    apart, low = n / 14, False  # a number takes about a fourteenth of a phone's width
    names = []
    for before, k in zip([-n, *keys], keys, strict=False):
        low = not low and k - before < apart
        names.append(f"<br>{k}" if low else str(k))
    return names
