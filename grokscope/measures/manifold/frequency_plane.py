"""Whether each of a network's frequencies puts the elements at their angles."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.analyses.views import on_table, panel_of
from grokscope.measures.base import measure
from grokscope.numerics.circles import Key, planes, waves
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

    The plane of an element is fitted without this element, together with the planes of the other frequencies. Its axes
    are those of the cosine and the sine, so the angle has no free offset. 1: every element is at its angle; by chance 0
    +- 1 / sqrt(2 p). Lower values: the table lacks this frequency. Its elements then sum to 0 in the plane, and a fit
    without one element points away from it. frequencies: by default those of the view at the run's last checkpoint.
    """
    if frequencies is None:
        panel = panel_of(snapshot.final, view)
        if isinstance(panel, Missing):
            return panel
        frequencies = [circle.key for circle in panel.circles]
        if not frequencies:
            return Missing(f"{view} carries no frequency at the last checkpoint")
    return on_table(snapshot, view, _coherences, keys=list(dict.fromkeys(frequencies)))


def _coherences(rows: Any, *, group: Group, keys: list[Key]) -> Mapping[str, float] | Missing:
    of_group = waves(group)
    if isinstance(of_group, Missing):
        return of_group
    found = planes(rows, keys, group=group)
    if isinstance(found, Missing):
        return found
    theta = np.arctan2(found[..., 1], found[..., 0])
    phases = of_group.phases[[of_group.keys.index(key) for key in keys]]
    coherences = np.cos(theta - 2 * np.pi * phases).mean(1)
    return {str(key): float(coherence) for key, coherence in zip(keys, coherences, strict=True)}
