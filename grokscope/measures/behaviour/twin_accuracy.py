"""Share of right answers on test inputs whose mirror image, such as (b, a), was trained on."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Power et al. 2022, arXiv:2201.02177", needs=("answers",))
def twin_accuracy(snapshot: Snapshot) -> float | Missing:
    """Share of right answers on test inputs whose mirror image, such as (b, a), was trained on."""
    return snapshot.mean(snapshot.correct, "twin")
