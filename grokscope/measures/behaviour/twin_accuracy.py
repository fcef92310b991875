"""Share of right answers on test inputs whose mirror image, such as (b, a), was trained on."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(unit="1", source="Power et al. 2022, arXiv:2201.02177", needs=("answers",), packed=True)
def twin_accuracy(snapshots: Snapshots) -> list[float | Missing]:
    """Share of right answers on test inputs whose mirror image, such as (b, a), was trained on."""
    return snapshots.mean(snapshots.correct, "twin")
