"""Whether each of a network's frequencies puts the elements at their angles."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.analyses.views import on_table, panel_of
from grokscope.measures.base import measure
from grokscope.numerics.circles import Key, plane, waves
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
    """Phase coherence mean_x cos(theta_x - 2 pi k x / p), theta the elements' angles in the plane of each frequency k.

    The plane is fitted without the element that it shows, and with the other frequencies beside; its axes are the
    cosine's and the sine's, so that the angle has no offset to be found. 1: every element at its angle; by chance 0,
    give or take 1 / sqrt(2 p). Below that: the table has no such frequency at all, and the fit of the rest of a sum
    that is 0 points away from the element left out. frequencies: by default those that the view carries at the run's
    last checkpoint.
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
        theta = np.arctan2(points[:, 1], points[:, 0])
        found[str(key)] = float(np.cos(theta - 2 * np.pi * known.phases[known.keys.index(key)]).mean())
    return found
