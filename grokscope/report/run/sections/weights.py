"""Weights, rounding and attention."""

from grokscope.report.run.sections.base import Room

weights = Room(id="weights", place=4, figures=("weight_norm", "collapse", "attention_entropy"))
