"""A sheet of paper measured in Plotly's pixels, from its lower left corner: lines, areas, marks, images and text."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, TransformedBbox

from grokscope.report.static.colours import Rgba, rgba
from grokscope.report.static.fonts import Fonts
from grokscope.report.static.symbols import dashes, path_of
from grokscope.report.static.text import ASCENT, LINE, Block, Piece, line_width

POINT = 8 / 13  # points a pixel: the template's text of 13 pixels is of 8 points, as journals ask
Across = Literal["left", "center", "right"]
Points = Float[np.ndarray, "point 2"]
# What lies over what.
BACK, GRID, AREA, DATA, FRONT, WORDS = 0, 1, 2, 3, 4, 5
CLEAR: Rgba = (0.0, 0.0, 0.0, 0.0)
ACROSS: dict[Any, float] = {"left": 0.0, "center": 0.5, "right": 1.0}


class Box(NamedTuple):
    """A rectangle, in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    def holds(self, points: Points) -> np.ndarray:
        """Which points lie in it; those on its edge do."""
        x, y = points.T
        near = 1e-6
        inside = (x >= self.left - near) & (x <= self.right + near)
        return inside & (y >= self.bottom - near) & (y <= self.top + near)


class Sheet:
    """width, height: pixels. needs: boxes that must lie on it; texts among them."""

    def __init__(self, width: float, height: float, fonts: Fonts) -> None:
        self.width, self.height, self.fonts = width, height, fonts
        self.figure = Figure(figsize=(width * POINT / 72, height * POINT / 72), dpi=72, facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
        self.axes.set_axis_off()
        self.needs: list[Box] = []

    def line(
        self, points: Any, colour: Rgba, width: float, *, dash: str = "solid", z: float = DATA, clip: Box | None = None,
        gid: str | None = None,
    ) -> None:  # fmt: skip
        """A line through points; NaN is a gap. width: pixels."""
        x, y = np.asarray(points, dtype=float).reshape(-1, 2).T
        strokes = dashes(dash)
        artist = Line2D(
            x, y, color=colour, linewidth=width * POINT, linestyle=(0, strokes) if strokes else "solid", zorder=z,
            dash_capstyle="butt", solid_capstyle="butt", solid_joinstyle="round", gid=gid,
        )  # fmt: skip
        self._add(artist, clip)

    def area(
        self, corners: Any, fill: Rgba, *, z: float = AREA, clip: Box | None = None, gid: str | None = None
    ) -> None:
        """A filled shape without an outline."""
        artist = PolyCollection([np.asarray(corners, dtype=float)], facecolors=[fill], linewidths=0, zorder=z, gid=gid)
        self._add(artist, clip)

    def cells(self, boxes: Sequence[Box], colours: Any, *, clip: Box | None = None, gid: str | None = None) -> None:
        """Rectangles, each in a colour of its own; no seam shows between neighbours."""
        corners = [[(b.left, b.bottom), (b.right, b.bottom), (b.right, b.top), (b.left, b.top)] for b in boxes]
        self._add(
            PolyCollection(corners, facecolors=colours, edgecolors="face", linewidths=0.1, zorder=AREA, gid=gid), clip
        )

    def image(self, box: Box, colours: Float[np.ndarray, "row column 4"], *, gid: str | None = None) -> None:
        """Colours of equal cells as one image, the first row at the bottom."""
        extent = (box.left, box.right, box.bottom, box.top)
        artist = AxesImage(self.axes, interpolation="none", origin="lower", extent=extent, zorder=AREA, gid=gid)
        artist.set_data((colours * 255).round().astype(np.uint8))
        self._add(artist, None)

    def marks(
        self, points: Points, symbols: Sequence[str], radii: Sequence[float], *, colours: Sequence[Rgba],
        edges: Sequence[Rgba], edge: float, gid: str | None = None,
    ) -> None:  # fmt: skip
        """Marks, each with its symbol, radius and colours; edge: the width of outlines in pixels."""
        if not len(points):
            return
        paths, filled = zip(*map(path_of, symbols), strict=True)
        sizes = [(radius * POINT) ** 2 for radius in radii]
        # Of equal marks the file then has one, used often.
        paths, sizes = paths[: 1 if len({*symbols}) == 1 else None], sizes[: 1 if len({*sizes}) == 1 else None]
        artist = PathCollection(
            paths, sizes=sizes, offsets=points, offset_transform=self.axes.transData, linewidths=edge * POINT,
            zorder=DATA, gid=gid,
            facecolors=[colour if inside else CLEAR for colour, inside in zip(colours, filled, strict=True)],
            edgecolors=[rim if inside else own for own, rim, inside in zip(colours, edges, filled, strict=True)],
        )  # fmt: skip
        artist.set_transform(Affine2D())
        self._add(artist, None)
        radius = max(radii)
        self.needs.append(Box(*(points.min(0) - radius), *(points.max(0) + radius)))

    def write(
        self, block: Block, x: float, y: float, *, across: Across = "left", up: str = "top", colour: str = "#000000",
        turned: bool = False, z: float = WORDS,
    ) -> Box:  # fmt: skip
        """Writes a block at a place; returns its box.

        across: the end of the text that is at the place, left, center or right. up: which of its edges is, top, middle
        or bottom. turned: it reads upwards, and "left" is its lower end.
        """
        share = {"top": 0.0, "middle": 0.5, "bottom": 1.0}[up]
        for number, line in enumerate(block.lines):
            down = (ASCENT + LINE * number) * block.size - share * block.height
            at = (x + down, y) if turned else (x, y - down)
            self._line(line, at, block.size, across=across, colour=colour, turned=turned, z=z)
        along, beside = -ACROSS[across] * block.width, -share * block.height
        if turned:
            box = Box(x + beside, y + along, x + beside + block.height, y + along + block.width)
        else:
            box = Box(x + along, y - beside - block.height, x + along + block.width, y - beside)
        self.needs.append(box)
        return box

    def _line(
        self, line: list[Piece], at: tuple[float, float], size: float, *, across: Across, colour: str, turned: bool,
        z: float,
    ) -> None:  # fmt: skip
        x, y = at
        if len(line) > 1:  # pieces follow each other from the left
            back = ACROSS[across] * line_width(line, self.fonts, size)
            x, y, across = (x, y - back, "left") if turned else (x - back, y, "left")
        for piece in line:
            font = self.fonts.properties(size * POINT, bold=piece.bold)
            artist = Text(
                x, y, piece.text, fontproperties=font, color=rgba(colour), horizontalalignment=across, zorder=z,
                verticalalignment="baseline", rotation=90 if turned else 0, rotation_mode="anchor", parse_math=False,
            )  # fmt: skip
            self._add(artist, None)
            step = self.fonts.width(piece.text, size, bold=piece.bold)
            x, y = (x, y + step) if turned else (x + step, y)

    def _add(self, artist: Any, clip: Box | None) -> None:
        self.axes.add_artist(artist)
        artist.set_clip_path(None)
        if clip is None:
            artist.set_clip_on(False)
        else:
            artist.set_clip_box(TransformedBbox(Bbox.from_extents(*clip), self.axes.transData))

    def overhang(self) -> Box:
        """How far what must lie on the sheet reaches beyond its left, lower, right and upper edge; below 0: room."""
        left, bottom, right, top = (np.array(ends) for ends in zip(*self.needs, strict=True))
        return Box(-left.min(), -bottom.min(), right.max() - self.width, top.max() - self.height)
