"""How a scatter trace looks: its line and its marks, as the legend shows them too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grokscope.report.static.colours import Rgba, along, rgba
from grokscope.report.static.looks import PLAIN, swapped
from grokscope.report.static.scale import mode_of
from grokscope.report.static.symbols import OPEN

SMALLEST = 5.5  # pixels: the shape of a smaller mark is not seen
ALONG = 2.0, 0.6  # pixels: the radius of a symbol along a line, and of it for each pixel of the line's width
RIM = "#444444"  # plotly.js's line around marks that no colour was given for
BUBBLES = 0.7  # its opacity of marks of several sizes


@dataclass(frozen=True, kw_only=True, eq=False)
class Style:
    """line: its colour; None without one. Sizes and widths in pixels. symbol: along the line, where no marks are."""

    line: Rgba | None
    width: float
    dash: str
    symbols: list[str]
    sizes: list[float]
    colours: list[Rgba]
    edges: list[Rgba]
    edge: float
    symbol: str

    def marks(self, at: Sequence[int]) -> dict[str, Any]:
        """The marks at these places, as `Sheet.marks` takes them."""
        return {
            "symbols": [self.symbols[i] for i in at], "radii": [self.sizes[i] / 2 for i in at],
            "colours": [self.colours[i] for i in at], "edges": [self.edges[i] for i in at], "edge": self.edge,
        }  # fmt: skip

    def along(self, n: int) -> dict[str, Any]:
        """So many symbols of the line."""
        radius, edge = ALONG[0] + ALONG[1] * self.width, 1.0 if self.symbol.endswith(OPEN) else 0.0
        colours = [self.line] * n
        return {"symbols": [self.symbol] * n, "radii": [radius] * n, "colours": colours, "edges": colours, "edge": edge}


def style(trace: dict[str, Any]) -> Style:
    """The look of a trace that has its "colour", where it names none, and its "symbol", where it needs one."""
    mode, opacity, n = mode_of(trace), float(trace.get("opacity", 1.0)), len(trace["x"])
    line, marker = trace.get("line") or {}, trace.get("marker") or {}
    single = marker["color"] if isinstance(marker.get("color"), str) else None
    wide, own = float(line.get("width", 2)), trace["symbol"]
    sizes = [float(size) for size in _each(marker.get("size", 6), n)]
    symbols = [str(one) for one in _each(marker.get("symbol", PLAIN), n)]
    new = swapped(trace, own)
    symbols = [new] * n if new else symbols
    seen = opacity * float(marker.get("opacity", 1.0 if np.isscalar(marker.get("size", 6)) else BUBBLES))
    rim = marker.get("line") or {}
    return Style(
        line=rgba(line.get("color") or single or trace["colour"], opacity) if "lines" in mode and wide > 0 else None,
        width=wide,
        dash=line.get("dash", "solid"),
        symbols=symbols if "markers" in mode else [],
        sizes=[max(size, SMALLEST) for size in sizes] if new else sizes,
        colours=_colours(marker, single or line.get("color") or trace["colour"], n, seen),
        edges=[rgba(rim.get("color", RIM), seen)] * n,
        edge=float(rim.get("width", 0)) or (1.0 if any(name.endswith(OPEN) for name in symbols) else 0.0),
        symbol="" if "markers" in mode else own,
    )


def _each(value: Any, n: int) -> list[Any]:
    return [value] * n if np.isscalar(value) else list(value)


def _colours(marker: dict[str, Any], single: str, n: int, opacity: float) -> list[Rgba]:
    """A colour a mark: one for all, one each, or numbers on a scale."""
    given = marker.get("color")
    if given is None or isinstance(given, str):
        return [rgba(single, opacity)] * n
    values = list(given)
    if all(isinstance(value, str) for value in values):
        return [rgba(value, opacity) for value in values]
    numbers = np.asarray(values, dtype=float)
    low, high = marker.get("cmin", numbers.min()), marker.get("cmax", numbers.max())
    shades = along(marker.get("colorscale", "Viridis"), numbers, float(low), float(high))
    return [(red, green, blue, alpha * opacity) for red, green, blue, alpha in shades.tolist()]
