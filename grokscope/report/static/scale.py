"""Axes: what they measure, from where to where, and the pixels that it falls on."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from grokscope.report.static.known import one_of
from grokscope.report.static.sheet import Box
from grokscope.report.static.still import Still

Values = Float[np.ndarray, " point"]
KINDS = {"linear": "linear", "log": "log", "category": "category", "-": None, None: None}
BEYOND = 0.05  # of what is drawn, on both sides of an axis without a range of its own


@dataclass(frozen=True, kw_only=True, eq=False)
class Axis:
    """id: such as "x2". low, high: the ends, powers of ten on a logarithmic axis. options: Plotly's."""

    id: str
    options: dict[str, Any]
    kind: str
    low: float
    high: float
    categories: tuple[str, ...] = ()

    @property
    def domain(self) -> tuple[float, float]:
        low, high = self.options.get("domain", (0.0, 1.0))
        return float(low), float(high)

    @property
    def anchor(self) -> str:
        """The axis that it crosses."""
        return self.options.get("anchor") or ("y" if self.id[0] == "x" else "x")

    @property
    def visible(self) -> bool:
        return self.options.get("visible", True)

    @property
    def title(self) -> str:
        return (self.options.get("title") or {}).get("text") or ""

    def places(self, values: Any) -> Values:
        """Where values lie on the axis; NaN for those that have no place."""
        if self.kind == "category":
            order = {name: float(at) for at, name in enumerate(self.categories)}
            return np.array([order.get(str(value), np.nan) for value in values])
        numbers = numeric(values)
        if self.kind == "linear":
            return numbers
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(numbers > 0, np.log10(numbers), np.nan)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scale:
    """An axis between two pixels."""

    axis: Axis
    start: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.start

    def at(self, place: Any) -> Any:
        """The pixel of a place on the axis."""
        share = (np.asarray(place, dtype=float) - self.axis.low) / ((self.axis.high - self.axis.low) or 1.0)
        return self.start + share * self.length

    def __call__(self, values: Any) -> Values:
        """The pixels of values."""
        return self.at(self.axis.places(values))


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """Two scales that a trace lies between."""

    x: Scale
    y: Scale

    @property
    def box(self) -> Box:
        return Box(self.x.start, self.y.start, self.x.end, self.y.end)


def numeric(values: Any) -> Values:
    """Numbers, with NaN for None. ValueError for anything else."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return values.astype(float)
    try:
        return np.array([np.nan if value is None else float(value) for value in values])
    except (TypeError, ValueError):
        raise ValueError(f"values {str(values)[:60]}: a figure on paper draws numbers and names, not dates") from None


def axes_of(still: Still) -> dict[str, Axis]:
    """The axes that the figure draws on, by id."""
    names = {trace.get(f"{letter}axis", letter) for trace in still.traces for letter in "xy"}
    wanted = sorted(names or {"x", "y"})
    anchors = [still.axis(name).get("anchor") or "" for name in wanted]
    wanted += [anchor for anchor in anchors if re.fullmatch(r"[xy]\d*", anchor)]
    return {name: _axis(name, still) for name in dict.fromkeys(wanted)}


def _axis(name: str, still: Still) -> Axis:
    options, letter = still.axis(name), name[0]
    traces = [trace for trace in still.traces if trace.get(f"{letter}axis", letter) == name]
    kind, categories = one_of(f"the type of axis {name}", options.get("type"), KINDS), ()
    texts = [value for trace in traces for value in _listed(trace.get(letter)) if isinstance(value, str)]
    if kind == "category" or (kind is None and texts and not all(map(_is_number, texts))):
        kind, categories = "category", tuple(dict.fromkeys(texts))
    axis = Axis(id=name, options=options, kind=kind or "linear", low=0.0, high=1.0, categories=categories)
    low, high = _range(axis, traces, still.layout.get("shapes", ()))
    return Axis(id=name, options=options, kind=axis.kind, low=low, high=high, categories=categories)


def _listed(values: Any) -> Iterable[Any]:
    return () if values is None or (isinstance(values, np.ndarray) and values.dtype.kind in "fiub") else values


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", text) is not None


def _range(axis: Axis, traces: Sequence[dict[str, Any]], shapes: Iterable[dict[str, Any]]) -> tuple[float, float]:
    """The range that is set, or that of what is drawn, a little beyond it, and with 0 where that is asked for."""
    given = axis.options.get("range")
    if given is not None and None not in given:
        return float(given[0]), float(given[1])
    if axis.kind == "category":
        return -0.5, len(axis.categories) - 0.5
    letter, tight, places = axis.id[0], True, []
    for trace in traces:
        values, snug = _extent(trace, letter, axis)
        tight &= snug
        places += [values[np.isfinite(values)]]
    for shape in shapes:
        if shape.get(f"{letter}ref", letter) == axis.id:
            places.append(axis.places([shape[f"{letter}0"], shape[f"{letter}1"]]))
    known = np.concatenate([*places, np.array([])])
    if not len(known):
        return (0.0, 1.0) if axis.kind == "log" else (-1.0, 1.0)
    low, high = float(known.min()), float(known.max())
    zero = axis.options.get("rangemode") == "tozero" and axis.kind == "linear"
    low, high = (min(low, 0.0), max(high, 0.0)) if zero else (low, high)
    if high == low:  # as plotly.js
        return (0.0, 1.0) if zero else (low - 1.0, high + 1.0)
    beyond = 0.0 if tight else BEYOND * (high - low)
    return (low if zero and low == 0 else low - beyond), (high if zero and high == 0 else high + beyond)


def _extent(trace: dict[str, Any], letter: str, axis: Axis) -> tuple[Values, bool]:
    """The places that a trace reaches, and whether the axis may end at them."""
    if trace["type"] == "heatmap":
        return axis.places(edges(trace, letter)), True
    values = axis.places(trace.get(letter, ()))
    if trace["type"] == "bar":
        return (np.append(values, 0.0), False) if letter == "y" else (np.append(values - 0.5, values + 0.5), True)
    bars = trace.get("error_y")
    if bars and letter == "y":
        own = numeric(trace["y"])
        ends = [own + numeric(bars["array"]), own - numeric(bars.get("arrayminus", bars["array"]))]
        values = np.concatenate([values, *(axis.places(end) for end in ends)])
    return values, letter == "x" and "markers" not in mode_of(trace)


def mode_of(trace: dict[str, Any]) -> str:
    """lines, markers and text, joined by "+"; by default Plotly's own choice."""
    few = "lines+markers" if len(trace.get("x", ())) < 20 else "lines"
    return trace.get("mode") or few


def edges(trace: dict[str, Any], letter: str) -> Values:
    """The borders of the cells of a heat map: its values, if they are one more than the cells, or half way between."""
    n = len(trace["z"][0]) if letter == "x" else len(trace["z"])
    given = trace.get(letter)
    if given is None:
        return np.arange(n + 1) - 0.5
    values = numeric(given)
    if len(values) == n + 1:
        return values
    if n == 1:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def pairs(still: Still) -> Iterator[tuple[str, str]]:
    """The axes of each panel, each pair once."""
    yield from dict.fromkeys((trace.get("xaxis", "x"), trace.get("yaxis", "y")) for trace in still.traces)
