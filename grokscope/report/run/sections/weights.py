"""The size of the weights: two theories are about it."""

from grokscope.report.run import shows
from grokscope.report.run.sections.base import Room

weights = Room(
    id="weights",
    place=4,
    figures=("weight_norm",),
    ideas=("goldilocks", "efficiency"),
    shows=shows.weights,
    theories=("goldilocks", "weight_efficiency"),
)
