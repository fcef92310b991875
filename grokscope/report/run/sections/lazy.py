"""From lazy to rich: how far a run has moved from the features that it began with."""

from grokscope.report.run import shows
from grokscope.report.run.sections.base import Room

lazy = Room(id="lazy", place=6, ideas=("lazy",), shows=shows.lazy, theories=("lazy_rich",))
