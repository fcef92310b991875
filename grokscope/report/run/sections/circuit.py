"""The frequencies behind the answers."""

from grokscope.report.run import shows
from grokscope.report.run.sections.base import Room

circuit = Room(
    id="circuit",
    place=3,
    figures=("spectrum", "progress_losses", "gini", "spectra", "neurons", "logits", "clock_pizza"),
    ideas=("rotation", "formation"),
    shows=shows.circuit,
    theories=("circuits",),
)
