"""One figure on a sheet, or several in columns, each with its letter."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from grokscope.report.static.draw import Plan
from grokscope.report.static.sheet import POINT, Sheet
from grokscope.report.static.text import block

GUTTER, LETTER = 16.0, 20.0  # pixels between two columns, and for the line of a letter
LETTERS = "abcdefghijklmnopqrstuvwxyz"
INK = "#111111"


def arranged(plans: Sequence[Plan], width: float, columns: int, *, letters: bool) -> Figure:
    """The figures that were planned, row by row, on a sheet of so many pixels; a row is as high as its highest figure.

    ValueError for more figures than there are letters.
    """
    if len(plans) > len(LETTERS):
        raise ValueError(f"{len(plans)} figures: a sheet has room for {len(LETTERS)}")
    above = LETTER if letters else 0.0
    rows = [plans[start : start + columns] for start in range(0, len(plans), columns)]
    heights = [max(plan.place.height for plan in row) + above for row in rows]
    height = sum(heights)
    figure = Figure(figsize=(width * POINT / 72, height * POINT / 72), dpi=72, facecolor="white")
    each = (width - GUTTER * (columns - 1)) / columns
    top = height
    for number, row in enumerate(rows):
        for column, plan in enumerate(row):
            letter = LETTERS[number * columns + column] if letters else ""
            left, high = column * (each + GUTTER), plan.place.height
            bottom = top - above - high
            box = (left / width, bottom / height, each / width, high / height)
            axes = figure.add_axes(box, xlim=(0, each), ylim=(0, high), label=letter)
            axes.set_axis_off()
            plan.draw(axes, name=f"{letter}-" if letter else "")
            if letter:
                sheet = Sheet(each, high, plan.fonts, axes)
                sheet.write(block(f"<b>{letter}</b>", plan.fonts, 15.0), 0.0, high + above, colour=INK)
        top -= heights[number]
    return figure
