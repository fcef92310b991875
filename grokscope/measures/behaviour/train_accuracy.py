"""Share of training inputs whose largest logit is the label."""

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="Power et al. 2022, arXiv:2201.02177", needs=("answers",))
def train_accuracy(snapshot: Snapshot) -> float | Missing:
    """Share of training inputs whose largest logit is the label."""
    return snapshot.mean(snapshot.correct, "train")
