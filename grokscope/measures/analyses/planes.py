"""A view in the plane of every key frequency."""

from collections.abc import Iterator

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.analyses.views import cloud_of
from grokscope.measures.base import Value, evaluate
from grokscope.runs.snapshot import Snapshot


def in_planes(name: str, snapshot: Snapshot, view: str) -> Iterator[Value] | Missing:
    """What a measure says of a view's site in the plane of each key frequency, p / 2 left out; planes without an answer
    are left out too."""
    if isinstance(cloud := cloud_of(snapshot, view), Missing):
        return cloud
    keys = evaluate("circuits.key_frequencies", snapshot)
    if isinstance(keys, Missing):
        return keys
    site = view.partition("/")[0]
    planes = [int(k) for k in np.asarray(keys) if 2 * k != snapshot.task.n_classes]
    answers = (evaluate(name, snapshot, view=f"{site}/frequency={k}") for k in planes)
    return (answer for answer in answers if not isinstance(answer, Missing))
