"""Plotly's marks and dashes as matplotlib's. Marks have the radius 1."""

import math

import numpy as np
from matplotlib.path import Path

from grokscope.report.static.known import one_of


def _polygon(*corners: tuple[float, float]) -> Path:
    return Path(np.array([*corners, corners[0]]), closed=True)


def _star(points: int, outer: float, inner: float) -> Path:
    angles = np.pi / 2 + np.arange(2 * points) * np.pi / points
    radii = np.where(np.arange(2 * points) % 2, inner, outer)
    return _polygon(*zip(radii * np.cos(angles), radii * np.sin(angles), strict=True))


def _regular(corners: int) -> Path:
    angles = np.pi / 2 + np.arange(corners) * 2 * np.pi / corners
    return _polygon(*zip(np.cos(angles), np.sin(angles), strict=True))


_WIDE = 2 / math.sqrt(3)
# The sizes are those of plotly.js (src/components/drawing/symbol_defs.js).
PATHS = {
    "circle": Path.unit_circle(),
    "square": _polygon((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "diamond": _polygon((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    "triangle-up": _polygon((-_WIDE, -0.5), (_WIDE, -0.5), (0, 1)),
    "triangle-down": _polygon((-_WIDE, 0.5), (_WIDE, 0.5), (0, -1)),
    "triangle-left": _polygon((0.5, -_WIDE), (0.5, _WIDE), (-1, 0)),
    "triangle-right": _polygon((-0.5, -_WIDE), (-0.5, _WIDE), (1, 0)),
    "pentagon": _regular(5),
    "hexagon": _regular(6),
    "star": _star(5, 1.4, 0.535),
    "line-ns": Path(np.array([(0.0, -1.4), (0.0, 1.4)])),
}
OPEN = "-open"  # drawn by its outline alone
STROKES = {"line-ns"}  # they have no inside
DASHES: dict[str, tuple[float, ...]] = {  # in widths of the line
    "solid": (), "dot": (1.2, 1.6), "dash": (3.7, 2.2), "longdash": (6.5, 2.6), "dashdot": (4.5, 1.8, 1.2, 1.8),
    "longdashdot": (6.5, 1.8, 1.2, 1.8),
}  # fmt: skip


def path_of(symbol: str) -> tuple[Path, bool]:
    """The outline of a mark, and whether it is filled."""
    name = symbol.removesuffix(OPEN)
    path = one_of("the symbol of a marker", name, PATHS)
    return path, symbol == name and name not in STROKES


def dashes(name: str) -> tuple[float, ...]:
    """The strokes and gaps of a line."""
    return one_of("the dash of a line", name, DASHES)
