"""Whether the loops of a view, found without labels, are the circles of the task."""

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
    cost="final",
    variants=({"view": "embed/tokens"}, {"view": "resid_mid/class_means"}),
)
def circular_coordinate(
    snapshot: Snapshot, view: str = "resid_mid/class_means", loops: int | None = None
) -> float | Missing:
    """Coherence between the task's angles and those that persistent cohomology gives the elements without labels.

        max_k |mean_x exp(2 pi i (theta_x -+ phase_k(x)))|,   averaged over the loops

    loops: the number of coordinates. By default the number of certified circles, at least one: a single coordinate of
    several circles mixes them. 1: the loops are the task's circles. By chance the best of (p - 1) / 2 frequencies has
    about sqrt(log p / p), .26 at p = 59. This is no correlation of angles: uniform angles have no mean direction to
    correlate about.
    """
    if loops is None:
        panel = panel_of(snapshot, view)
        loops = 1 if isinstance(panel, Missing) else max(1, panel.n_certified)
    return on_table(snapshot, view, _agreement, n=loops)


def _agreement(rows: object, *, group: Group, n: int) -> float | Missing:
    of_group = waves(group)
    if isinstance(of_group, Missing):
        return of_group
    coordinates = circular_coordinates(rows, n=n)
    if isinstance(coordinates, Missing):
        return coordinates
    theta, phases = np.exp(2j * np.pi * coordinates.angles), np.exp(2j * np.pi * of_group.phases)
    both_directions = np.stack([theta @ phases.T, theta @ phases.conj().T])
    return float(np.abs(both_directions).max((0, 2)).mean() / len(of_group.phases[0]))
