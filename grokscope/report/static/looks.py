"""What tells curves apart where no colour is seen: marks along them, where two of a panel would look the same.

The dashes of a figure stay as they are, because its caption speaks of them. Curves with words on them are told apart.
"""

import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from grokscope.report.static.scale import mode_of, numeric
from grokscope.report.static.still import Still
from grokscope.report.static.symbols import OPEN

ORDER = (
    "circle", "square", "triangle-up", "diamond", "triangle-down", "star", "pentagon", "triangle-left", "hexagon",
    "triangle-right",
)  # fmt: skip
APART = 1.5  # ratio of two widths, or of two sizes, that is seen
ALONG = 7  # marks along a curve
PLAIN = "circle"  # a mark that stands for nothing but a point; others mean something, and stay if no legend says what

Panel = tuple[str, str]
Style = tuple[Any, ...]


def looks(still: Still) -> dict[int, str]:
    """By place the symbol of each trace that needs one of its own: for its marks, or along its line."""
    named: dict[str, list[int]] = {}
    for place, trace in enumerate(still.traces):
        if trace["type"] == "scatter" and "text" not in mode_of(trace) and has_points(trace):
            named.setdefault(trace.get("legendgroup") or trace.get("name") or "", []).append(place)
    named.pop("", None)
    taken: set[tuple[Panel, Style]] = set()
    chosen: dict[int, str] = {}
    for places in named.values():
        traces = [still.traces[place] for place in places]
        if not any(trace.get("showlegend", True) for trace in traces):
            continue
        for symbol in _candidates():
            styles = {(_panel(trace), style_of(trace, symbol)) for trace in traces if _alters(trace)}
            if not styles & taken:
                break
        taken |= styles
        if symbol:
            chosen |= dict.fromkeys(places, symbol)
    return chosen


def _candidates() -> Iterator[str]:
    """First its own look; then a symbol after the other; at the end any."""
    return chain([""], ORDER, (f"{name}{OPEN}" for name in ORDER), [""])


def _alters(trace: dict[str, Any]) -> bool:
    """Whether a symbol changes a trace."""
    return "lines" in mode_of(trace) or bool(swapped(trace, PLAIN))


def _panel(trace: dict[str, Any]) -> Panel:
    return trace.get("xaxis", "x"), trace.get("yaxis", "y")


def style_of(trace: dict[str, Any], symbol: str) -> Style:
    """What is seen of a trace without its colour; symbol: in place of its own."""
    mode, line, marker = mode_of(trace), trace.get("line") or {}, trace.get("marker") or {}
    style: Style = ()
    if "lines" in mode:
        style += (line.get("dash", "solid"), _step(float(line.get("width", 2))))
    if "markers" in mode:
        own, sizes = marker.get("symbol", "circle"), marker.get("size", 6)
        style += (swapped(trace, symbol) or str(own), _step(float(np.max(sizes))))
    elif style and symbol:
        style += (symbol,)
    return style


def swapped(trace: dict[str, Any], symbol: str) -> str:
    """The symbol in place of a trace's own, open where that is; "" where its own stays."""
    own = (trace.get("marker") or {}).get("symbol", PLAIN)
    if not symbol or not isinstance(own, str) or not (own == PLAIN or trace.get("showlegend", True)):
        return ""
    return symbol + OPEN * (own.endswith(OPEN) and not symbol.endswith(OPEN))


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
