"""The shape of the representation: the essay's own hypothesis."""

from grokscope.report.run import shows
from grokscope.report.run.sections.base import Room

manifold = Room(
    id="manifold",
    place=2,
    figures=("cloud", "dimension", "planes", "circles", "diagram", "order", "attention_entropy"),
    ideas=("points", "circle"),
    shows=shows.manifold,
    theories=("manifold",),
)
