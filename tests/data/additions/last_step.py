"""The last evaluated step."""

from grokscope.report.figures.base import draws
from grokscope.report.page import theme


@draws("run")
def last_step(readings, lang="en"):
    return theme.blank(300).add_scatter(x=[readings.last_step], y=[0])
