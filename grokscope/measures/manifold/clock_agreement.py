"""Whether a table has the Betti numbers of an ideal clock."""

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.analyses.views import panel_of
from grokscope.measures.base import evaluate, measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="the project's definition", cost="asked")
def clock_agreement(snapshot: Snapshot, view: str = "embed/tokens", draws: int = 5) -> float | Missing:
    """Share of ideal clocks whose b_0 and b_1 are those of the view (`manifold.betti`).

    The clocks have the frequencies, the amplitudes and the noise level of the view (`analyses.views`, like=clock); each
    draws its own noise. Near the level of significance clocks differ among themselves: a view that is one of them
    agrees with some, not with all. 0 where the view carries no frequency: it is no clock.
    """
    panel = panel_of(snapshot, view)
    if isinstance(panel, Missing):
        return panel
    if not panel.circles:
        return 0.0
    own = evaluate("manifold.betti", snapshot, view=view)
    if isinstance(own, Missing):
        return own
    equal = []
    for seed in range(draws):
        clock = evaluate("manifold.betti", snapshot, view=f"{view}/like=clock/seed={seed}")
        if isinstance(clock, Missing):
            return clock
        equal.append(np.array_equal(np.asarray(own), np.asarray(clock)))
    return float(np.mean(equal))
