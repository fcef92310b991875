"""The shape of the representation."""

from grokscope.report.run.sections.base import Room

manifold = Room(id="manifold", place=2, figures=("cloud", "dimension", "planes", "circles", "diagram", "order"))
