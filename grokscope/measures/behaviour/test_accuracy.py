"""Share of all test inputs whose largest logit is the label, as published."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(unit="1", source="Power et al. 2022, arXiv:2201.02177", needs=("answers",), packed=True)
def test_accuracy(snapshots: Snapshots) -> list[float | Missing]:
    """Share of all test inputs whose largest logit is the label, as published."""
    return snapshots.mean(snapshots.correct, "test")
