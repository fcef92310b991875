"""Accuracy and loss."""

from grokscope.report.run.sections.base import Room

learning = Room(id="learning", place=1, figures=("grokking_curve",))
