"""How straight the way of the weights was so far."""

import itertools

from grokscope.errors import Missing
from grokscope.measures.analyses.vectors import vector
from grokscope.measures.base import measure
from grokscope.numerics import paths
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="arXiv:2603.25047, released code OrderedLearning 8c3580b", cost="asked", needs=("earlier",))
def path_ratio(snapshot: Snapshot) -> float | Missing:
    """Displacement over path, |w_t - w_0| / sum |w_s - w_r|, r before s, over the run's checkpoints up to this one.

    1: a straight line; 0: back at the start. Between checkpoints the way is taken to be
    straight: over single steps the ratio is at most this. `Missing` at the first checkpoint.
    """
    assert snapshot.earlier is not None  # declared in needs
    return paths.path_ratio(vector(one.params) for one in itertools.chain(snapshot.earlier(), [snapshot]))
