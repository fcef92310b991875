"""Whether groups of neurons know more together than each for itself."""

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.measures.analyses.views import cloud_of
from grokscope.measures.base import measure
from grokscope.numerics.higher_order import copula_correlations, extremes
from grokscope.runs.snapshot import Snapshot

GROUPS = 10


@measure(
    unit="nats",
    source="arXiv:2408.08944; Rosas et al. 2019, arXiv:1902.11239",
    cost="asked",
    axis="of",
)
def o_information(
    snapshot: Snapshot, view: str = "mlp_post/all", groups: int = GROUPS, seed: int = 0
) -> dict[str, float] | Missing:
    """Of groups of neurons, the least O-information of any three or more of them (synergy, below 0) and the largest
    (redundancy), by a Gaussian copula (`numerics.higher_order`).

    shuffled_synergy, shuffled_redundancy: the same when each group has its values at other inputs, drawn with a seed:
    what as many independent variables come to. Neurons that do not vary are left out. A group: neurons that are alike
    (average linkage of 1 - |r|, r of the copula); its variable is the mean of its neurons' standardised values, each
    with the sign of its correlation with the first. How the source makes groups and their variables is not stated.
    """
    cloud = cloud_of(snapshot.precise, view)
    if isinstance(cloud, Missing):
        return cloud
    values = np.asarray(cloud, dtype=np.float64)
    varying = values[:, np.ptp(values, axis=0) > 1e-9 * max(float(np.abs(values).max()), 1e-300)]
    if varying.shape[1] < groups or groups < 3:
        return Missing(f"{varying.shape[1]} neurons vary; {groups} groups need as many, and at least 3")
    means = _grouped(varying, groups)
    found = extremes(means)
    rng = np.random.default_rng(seed)
    mixed = extremes(np.stack([rng.permutation(column) for column in means.T], axis=1))
    if isinstance(found, Missing):
        return found
    if isinstance(mixed, Missing):
        return mixed
    return found._asdict() | {f"shuffled_{name}": value for name, value in mixed._asdict().items()}


def _grouped(values: Float[np.ndarray, "input neuron"], groups: int) -> Float[np.ndarray, "input group"]:
    """The variable of each group, by its mean size, so that the order and signs of neurons do not matter."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    correlations = copula_correlations(values)
    apart = np.clip(1 - np.abs(correlations), 0, None)
    np.fill_diagonal(apart, 0)
    member: Int[np.ndarray, " neuron"] = fcluster(
        linkage(squareform(apart, checks=False), "average"), groups, "maxclust"
    )
    standard = (values - values.mean(0)) / values.std(0)
    means = []
    for group in np.unique(member):
        mine = np.flatnonzero(member == group)
        signs = np.where(correlations[mine[0], mine] < 0, -1.0, 1.0)
        means.append((standard[:, mine] * signs).mean(1))
    return np.array(sorted(means, key=_rank)).T


def _rank(mean: Float[np.ndarray, " input"]) -> tuple[float, float]:
    """The mean size; of equal ones, as of neurons that each fire at one input, where along the inputs it lies."""
    sizes = np.abs(mean)
    return float(f"{sizes.mean():.6g}"), float(sizes @ np.arange(len(sizes)))
