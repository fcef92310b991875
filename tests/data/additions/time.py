"""When it happened."""

from grokscope.report.run.sections.base import Room

time = Room(id="time", place=0, figures=("last_step",))
