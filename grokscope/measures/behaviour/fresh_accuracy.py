"""Share of right answers on test inputs whose symmetry orbit was never trained on."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshots import Snapshots


@measure(unit="1", source="Power et al. 2022, arXiv:2201.02177", needs=("answers",), packed=True)
def fresh_accuracy(snapshots: Snapshots) -> list[float | Missing]:
    """Share of right answers on test inputs whose symmetry orbit was never trained on.

    A twin, such as (b, a) of a trained (a, b), is solved by symmetry alone; these inputs are not.
    """
    return snapshots.mean(snapshots.correct, "fresh")
