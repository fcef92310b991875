"""How close the representations of (a, b) and (b, a) are."""

import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.views import cloud_of
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(unit="1", source="the project's definition", cost="heavy")
def swap_distance(snapshot: Snapshot, site: str = "resid_mid") -> float | Missing:
    """Root mean square distance of inputs that a symmetry of the task exchanges, over that of two random inputs.

        sqrt( mean |f(x) - f(y)|^2 over pairs x != y of one orbit / the same over all pairs )

    1: the network ignores the symmetry. 0: it represents (a, b) and (b, a) alike. As the distance falls, each point's
    twin becomes its nearest neighbour, and for this reason alone the dimension of all inputs falls towards 0.
    """
    cloud = cloud_of(snapshot, (site, "all"))
    if isinstance(cloud, Missing):
        return cloud
    orbits = snapshot.task.orbits
    size = torch.bincount(orbits)
    pairs = int((size * (size - 1)).sum())
    if not pairs:
        return Missing("the task has no symmetry that exchanges operands")
    x = cloud.double() - cloud.double().mean(0)
    # Of n points, the squared distances of all ordered pairs x != y sum to 2 n sum |x - mean|^2.
    total = 2 * float(x.square().sum()) / (len(x) - 1)
    centres = torch.zeros(len(size), x.shape[1], dtype=torch.float64).index_add_(0, orbits, x) / size[:, None]
    spread = torch.zeros(len(size), dtype=torch.float64)
    spread.index_add_(0, orbits, (x - centres[orbits]).square().sum(1))
    within = 2 * float((size * spread).sum()) / pairs
    return (within / total) ** 0.5 if total else Missing("all points are equal: there is no distance to compare with")
