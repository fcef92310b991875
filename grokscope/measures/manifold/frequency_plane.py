"""Whether each of a network's frequencies puts the elements at their angles."""

from collections.abc import Mapping, Sequence
from typing import Any

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.measures.manifold._views import on_table, panel_of
from grokscope.numerics.circles import Key, coherence, plane, waves
from grokscope.numerics.groups import Group
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="the project's definition; planes of frequencies: Nanda et al. 2023, arXiv:2301.05217",
    cost="heavy",
    axis="frequency",
    variants=({"view": "embed/tokens"}, {"view": "resid_mid/class_means"}),
)
def frequency_plane(
    snapshot: Snapshot, view: str = "embed/tokens", frequencies: Sequence[Key] | None = None
) -> Mapping[str, float] | Missing:
    """Coherence |mean_x exp i (theta_x - 2 pi k x / p)| of the elements' angles theta in the plane of each frequency k.

    The plane is fitted without the element that it shows, and with the other frequencies beside. 1: every element at
    its angle; 1 / sqrt(p) by chance. frequencies: by default those that the view carries at the run's last checkpoint.
    """
    if frequencies is None:
        panel = panel_of(snapshot.final, view)
        if isinstance(panel, Missing):
            return panel
        frequencies = [circle.key for circle in panel.circles]
        if not frequencies:
            return Missing(f"{view} carries no frequency at the last checkpoint")
    return on_table(snapshot, view, _coherences, keys=list(frequencies))


def _coherences(rows: Any, *, group: Group, keys: list[Key]) -> Mapping[str, float] | Missing:
    known = waves(group)
    if isinstance(known, Missing):
        return known
    found = {}
    for key in keys:
        points = plane(rows, key, beside=keys, group=group)
        if isinstance(points, Missing):
            return points
        found[str(key)] = coherence(points, known.phases[known.keys.index(key)])
    return found
