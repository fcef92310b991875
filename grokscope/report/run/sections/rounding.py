"""What rounding does to the softmax."""

from grokscope.report.run import shows
from grokscope.report.run.sections.base import Room

rounding = Room(
    id="rounding",
    place=5,
    figures=("collapse",),
    ideas=("collapse",),
    shows=shows.rounding,
    theories=("softmax_collapse",),
)
