"""Whether the loops that a view shows by itself are those of the answer."""

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.analyses.views import on_table, panel_of
from grokscope.measures.base import measure
from grokscope.numerics.circles import waves
from grokscope.numerics.cohomology import circular_coordinates
from grokscope.numerics.groups import Group
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="de Silva, Morozov & Vejdemo-Johansson 2011; Scoccola et al. 2023, arXiv:2212.07201",
    cost="heavy",
    variants=({"view": "embed/tokens"}, {"view": "resid_mid/class_means"}),
)
def circular_coordinate(
    snapshot: Snapshot, view: str = "resid_mid/class_means", loops: int | None = None
) -> float | Missing:
    """Coherence of the angles that persistent cohomology gives the elements, without labels, with the task's.

        max_k |mean_x exp(2 pi i (theta_x -+ phase_k(x)))|,   the mean over the loops

    loops: how many coordinates; by default as many as there are certified circles, at least one: a single coordinate
    of several circles is a mixture of them. 1: the loops are the task's circles. By chance about sqrt(log p / p) at
    the best of (p - 1) / 2 frequencies, .26 at p = 59. Not a correlation of angles: uniform angles have no mean
    direction to correlate about.
    """
    if loops is None:
        panel = panel_of(snapshot, view)
        loops = 1 if isinstance(panel, Missing) else max(1, panel.n_certified)
    return on_table(snapshot, view, _agreement, n=loops)


def _agreement(rows: object, *, group: Group, n: int) -> float | Missing:
    known = waves(group)
    if isinstance(known, Missing):
        return known
    found = circular_coordinates(rows, n=n)
    if isinstance(found, Missing):
        return found
    theta, phases = np.exp(2j * np.pi * found.angles), np.exp(2j * np.pi * known.phases)
    both = np.stack([theta @ phases.T, theta @ phases.conj().T])
    return float(np.abs(both).max((0, 2)).mean() / len(known.phases[0]))
