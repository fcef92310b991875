"""How evenly a representation uses its directions."""

from grokscope.errors import Missing
from grokscope.measures.analyses.views import cloud_of
from grokscope.measures.base import measure
from grokscope.numerics import spectra
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="arXiv:2604.13123, which leaves open whether it centres: both are variants",
    cost="asked",
    variants=(
        {"view": "resid_post/all", "centred": True},
        {"view": "resid_post/all", "centred": False},
        {"view": "resid_post/train", "centred": True},
    ),
)
def spectral_entropy(snapshot: Snapshot, view: str = "resid_post/all", centred: bool = True) -> float | Missing:
    """-sum_k p_k ln p_k / ln d, p_k = l_k / sum l, of the eigenvalues l of a view's covariance, d its channels.

    1: all channels alike and uncorrelated; 0: a line. The view of the source is the representation before the logits:
    `resid_post`, and `mlp_post` of a network without attention (asked for by name). Free of scale. Neurons that are
    always silent lower it.
    """
    cloud = cloud_of(snapshot, view)
    return cloud if isinstance(cloud, Missing) else spectra.spectral_entropy(cloud, centred=centred)
