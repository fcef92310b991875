"""A sheet of paper measured in Plotly's pixels, from its lower left corner: lines, areas, marks, images and text."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox, IdentityTransform, TransformedBbox

from grokscope.report.static.colours import Rgba, rgba
from grokscope.report.static.fonts import Fonts
from grokscope.report.static.symbols import dashes, path_of
from grokscope.report.static.text import ASCENT, LINE, Block, Piece, line_width

POINT = 8 / 13  # points a pixel: the template's text of 13 pixels is of 8 points, as journals ask
Across = Literal["left", "center", "right"]
Points = Float[np.ndarray, "point 2"]
# What lies over what.
BACK, GRID, AREA, DATA, FRONT, WORDS = 0, 1, 2, 3, 4, 5
OVERLAP = 3.0  # pixels: of a line's height about a fifth is empty
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
    """width, height: pixels. axes: of matplotlib, as large as the sheet, whose data are pixels; without them nothing is
    drawn, and what would be is only measured. name: stands before the names of all parts. needs: boxes that must lie on
    the sheet. words: those of texts among them."""

    def __init__(self, width: float, height: float, fonts: Fonts, axes: Axes | None = None, name: str = "") -> None:
        self.width, self.height, self.fonts, self.axes, self.name = width, height, fonts, axes, name
        self.needs: list[Box] = []
        self.words: list[Box] = []

    def line(
        self, points: Any, colour: Rgba, width: float, *, dash: str = "solid", z: float = DATA, clip: Box | None = None,
        gid: str = "",
    ) -> None:  # fmt: skip
        """A line through points; NaN is a gap. width: pixels."""
        x, y = np.asarray(points, dtype=float).reshape(-1, 2).T
        style = {"color": colour, "linewidth": width * POINT, "solid_joinstyle": "round", "zorder": z}
        if strokes := dashes(dash):
            style["linestyle"] = (0, strokes)
        ends: Any = {"dash_capstyle": "butt", "solid_capstyle": "butt"}
        self._add(lambda _: Line2D(x, y, **style, **ends), gid, clip)

    def area(self, corners: Any, fill: Rgba, *, z: float = AREA, clip: Box | None = None, gid: str = "") -> None:
        """A filled shape without an outline."""
        shape = [np.asarray(corners, dtype=float)]
        self._add(lambda _: PolyCollection(shape, facecolors=[fill], linewidths=0, zorder=z), gid, clip)

    def cells(self, boxes: Sequence[Box], colours: Any, *, clip: Box | None = None, gid: str = "") -> None:
        """Rectangles, each in a colour of its own; no seam shows between neighbours."""
        corners = [[(b.left, b.bottom), (b.right, b.bottom), (b.right, b.top), (b.left, b.top)] for b in boxes]
        style: Any = {"facecolors": colours, "edgecolors": "face", "linewidths": 0.1, "zorder": AREA}
        self._add(lambda _: PolyCollection(corners, **style), gid, clip)

    def image(self, box: Box, colours: Float[np.ndarray, "row column 4"], *, gid: str = "") -> None:
        """Colours of equal cells as one image, the first row at the bottom."""
        extent = (box.left, box.right, box.bottom, box.top)

        def made(axes: Axes) -> AxesImage:
            image = AxesImage(axes, interpolation="none", origin="lower", extent=extent, zorder=AREA)
            image.set_data((colours * 255).round().astype(np.uint8))
            return image

        self._add(made, gid)

    def marks(
        self, points: Points, symbols: Sequence[str], radii: Sequence[float], *, colours: Sequence[Rgba],
        edges: Sequence[Rgba], edge: float, gid: str = "",
    ) -> None:  # fmt: skip
        """Marks, each with its symbol, radius and colours; edge: the width of outlines in pixels."""
        if not len(points):
            return
        radius = max(radii)
        self.needs.append(Box(*(points.min(0) - radius), *(points.max(0) + radius)))
        paths, filled = zip(*map(path_of, symbols), strict=True)
        sizes = [(radius * POINT) ** 2 for radius in radii]
        # Of equal marks the file then has one, used often.
        paths, sizes = paths[: 1 if len({*symbols}) == 1 else None], sizes[: 1 if len({*sizes}) == 1 else None]
        style: Any = {
            "offsets": points, "linewidths": edge * POINT, "zorder": DATA, "transform": IdentityTransform(),
            "facecolors": [colour if inside else CLEAR for colour, inside in zip(colours, filled, strict=True)],
            "edgecolors": [rim if inside else own for own, rim, inside in zip(colours, edges, filled, strict=True)],
        }  # fmt: skip
        self._add(lambda axes: PathCollection(paths, sizes, offset_transform=axes.transData, **style), gid)

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
            self._line(line, at, block.size, across=across, turned=turned, style={"color": rgba(colour), "zorder": z})
        along, beside = -ACROSS[across] * block.width, -share * block.height
        if turned:
            box = Box(x + beside, y + along, x + beside + block.height, y + along + block.width)
        else:
            box = Box(x + along, y - beside - block.height, x + along + block.width, y - beside)
        self.needs.append(box)
        self.words.append(box if turned else self._inked(block, box))
        return box

    def _inked(self, block: Block, box: Box) -> Box:
        """The box of a text without the empty ends of its only line."""
        if len(block.lines) != 1:
            return box
        text = "".join(piece.text for piece in block.lines[0])
        ends = text[: len(text) - len(text.lstrip("\u00a0"))], text[len(text.rstrip("\u00a0")) :]
        left, right = (self.fonts.width(end, block.size) for end in ends)
        return box._replace(left=box.left + left, right=box.right - right)

    def _line(
        self, line: list[Piece], at: tuple[float, float], size: float, *, across: Across, turned: bool,
        style: dict[str, Any],
    ) -> None:  # fmt: skip
        x, y = at
        if len(line) > 1:  # pieces follow each other from the left
            back = ACROSS[across] * line_width(line, self.fonts, size)
            x, y, across = (x, y - back, "left") if turned else (x - back, y, "left")
        style = style | {"horizontalalignment": across, "verticalalignment": "baseline", "parse_math": False}
        style |= {"rotation": 90 if turned else 0, "rotation_mode": "anchor"}
        for piece in line:
            font = self.fonts.properties(size * POINT, bold=piece.bold)
            place, text = (x, y), piece.text
            self._add(lambda _, place=place, text=text, font=font: Text(*place, text, fontproperties=font, **style))
            step = self.fonts.width(piece.text, size, bold=piece.bold)
            x, y = (x, y + step) if turned else (x + step, y)

    def _add(self, made: Callable[[Axes], Artist], gid: str = "", clip: Box | None = None) -> None:
        """Puts what is made on the sheet, cut off at the edges of a box where there is one."""
        if self.axes is None:
            return
        artist = made(self.axes)
        self.axes.add_artist(artist)
        artist.set_gid(self.name + gid if gid else None)
        artist.set_clip_path(None)
        if clip is None:
            artist.set_clip_on(False)
        else:
            artist.set_clip_box(TransformedBbox(Bbox.from_extents(*clip), self.axes.transData))

    def overlaps(self) -> bool:
        """Whether two texts share more than a strip of OVERLAP pixels."""
        boxes = np.array(self.words).reshape(-1, 4)
        low, high = boxes[:, None, :2], boxes[:, None, 2:]
        shared = np.minimum(high, high.transpose(1, 0, 2)) - np.maximum(low, low.transpose(1, 0, 2))
        return bool((shared.min(-1) > OVERLAP).sum() > len(boxes))  # each text with itself

    def overhang(self) -> Box:
        """How far what must lie on the sheet reaches beyond its left, lower, right and upper edge; below 0: room."""
        left, bottom, right, top = (np.array(ends) for ends in zip(*self.needs, strict=True))
        return Box(-left.min(), -bottom.min(), right.max() - self.width, top.max() - self.height)
