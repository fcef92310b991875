"""The linear dimension of a view: how many directions share its variance."""

from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.analyses.views import cloud_of
from grokscope.measures.base import measure
from grokscope.numerics.spectra import entropy_rank, participation_ratio
from grokscope.runs.snapshot import Snapshot

METHODS = {"participation_ratio": participation_ratio, "entropy_rank": entropy_rank}


@measure(
    unit="1",
    source="Gao et al. 2017, doi:10.1101/214262 (participation ratio); Roy & Vetterli 2007 (entropy)",
    cost="heavy",
    variants=({"view": "resid_mid/orbits"}, {"view": "embed/tokens"}),
)
def linear_dimension(
    snapshot: Snapshot,
    view: str = "resid_mid/orbits",
    method: Literal["participation_ratio", "entropy_rank"] = "participation_ratio",
) -> float | Missing:
    """Participation ratio (sum l)^2 / sum l^2, or entropy rank exp H(l / sum l), of the eigenvalues l of a covariance.

    The linear baseline for the intrinsic dimension: a circle has 2, a clock of K equal frequencies 2 K.
    """
    cloud = cloud_of(snapshot, view)
    return cloud if isinstance(cloud, Missing) else METHODS[method](cloud)
