"""What tells curves apart where no colour is seen: marks along them, where two of a panel would look the same.

The dashes of a figure stay as they are, because its caption speaks of them.
"""

import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from grokscope.report.static.scale import mode_of, numeric
from grokscope.report.static.still import Still

ORDER = (
    "circle", "square", "triangle-up", "diamond", "triangle-down", "star", "pentagon", "triangle-left", "hexagon",
    "triangle-right",
)  # fmt: skip
APART = 1.5  # ratio of two widths, or of two sizes, that is seen
ALONG = 7  # marks along a curve

Panel = tuple[str, str]
Style = tuple[Any, ...]


def looks(still: Still) -> dict[int, str]:
    """By place the symbol of each trace that needs one of its own: for its marks, or along its line."""
    named: dict[str, list[int]] = {}
    for place, trace in enumerate(still.traces):
        if trace["type"] == "scatter" and has_points(trace) and (trace.get("legendgroup") or trace.get("name")):
            named.setdefault(trace.get("legendgroup") or trace["name"], []).append(place)
    taken: set[tuple[Panel, Style]] = set()
    chosen: dict[int, str] = {}
    for places in named.values():
        traces = [still.traces[place] for place in places]
        if not any(trace.get("showlegend", True) for trace in traces):
            continue
        for symbol in _candidates():
            styles = {(_panel(trace), style_of(trace, symbol)) for trace in traces if style_of(trace, symbol)}
            if not styles & taken:
                break
        taken |= styles
        if symbol:
            chosen |= dict.fromkeys(places, symbol)
    return chosen


def _candidates() -> Iterator[str]:
    """First its own look; then a symbol after the other; at the end any."""
    return chain([""], ORDER, (f"{name}-open" for name in ORDER), [""])


def _panel(trace: dict[str, Any]) -> Panel:
    return trace.get("xaxis", "x"), trace.get("yaxis", "y")


def style_of(trace: dict[str, Any], symbol: str) -> Style:
    """What is seen of a trace without its colour; symbol: in place of its own."""
    mode, line, marker = mode_of(trace), trace.get("line") or {}, trace.get("marker") or {}
    style: Style = ()
    if "lines" in mode:
        style += (line.get("dash", "solid"), _step(float(line.get("width", 2))))
    if "markers" in mode:
        own = marker.get("symbol", "circle")
        sizes = marker.get("size", 6)
        style += (symbol or str(own), _step(float(np.max(sizes))))
    elif style and symbol:
        style += (symbol,)
    return style


def _step(size: float) -> int:
    return round(math.log(max(size, 0.1)) / math.log(APART))


def has_points(trace: dict[str, Any]) -> bool:
    """Whether anything of a trace is drawn: a trace without a point only stands in the legend."""
    values = trace.get("y")
    if values is None or isinstance(values, np.ndarray):
        return values is not None and len(values) > 0
    return any(isinstance(value, str) or value is not None for value in values) and bool(
        np.isfinite(numeric([v for v in values if not isinstance(v, str)])).any()
    )


def sparse(points: np.ndarray, turn: int) -> np.ndarray:
    """A few of a curve's points, evenly along it; turn: so that the marks of two curves do not coincide."""
    known = points[np.isfinite(points).all(1)]
    if len(known) <= ALONG:
        return known
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(known[:, 0])))])
    wanted = (np.arange(ALONG) + 0.2 + 0.6 * ((turn * 0.382) % 1)) / ALONG * way[-1]
    return known[np.unique(np.abs(way[:, None] - wanted).argmin(0))]
