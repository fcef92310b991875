"""The longest loop of a cloud, and the length of all loops together."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.views import cloud_of
from grokscope.measures.base import measure
from grokscope.numerics.topology import persistence
from grokscope.runs.snapshot import Snapshot

Scaling = Literal["rows", "cloud"]


@measure(
    unit="1",
    source="arXiv:2605.06352, which says neither whether rows or the cloud are scaled, nor where",
    cost="asked",
    axis="of",
    variants=({"view": "embed/tokens"},),
)
def loop_persistence(
    snapshot: Snapshot, view: str = "embed/tokens", scaling: Scaling = "rows"
) -> dict[str, float] | Missing:
    """max: the longest bar death - birth of H1 of the Vietoris-Rips complex; total: the sum of all.

    The points are centred, and scaled to length 1 each ("rows") or to a mean square of 1 ("cloud"). Bars of noise count
    in the total, which grows with the number of points; manifold.betti tests the bars. No loop: both are 0.
    """
    cloud = cloud_of(snapshot, view)
    if isinstance(cloud, Missing):
        return cloud
    scaled = _scaled(cloud.double(), scaling)
    if isinstance(scaled, Missing):
        return scaled
    bars = persistence(scaled, 1)[1]
    if isinstance(bars, Missing):
        return bars
    lengths = np.asarray(bars)[:, 1] - np.asarray(bars)[:, 0]
    return {"max": float(lengths.max(initial=0.0)), "total": float(lengths.sum())}


def _scaled(cloud: Tensor, scaling: Scaling) -> Tensor | Missing:
    rows = cloud - cloud.mean(0)
    size = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    if not bool(size.any()):
        return Missing("all points are equal: there is no loop")
    return rows / (size.where(size > 0, 1) if scaling == "rows" else size.square().mean().sqrt())
