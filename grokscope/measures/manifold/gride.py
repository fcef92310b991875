"""The intrinsic dimension of a view against the scale."""

from collections.abc import Mapping

from grokscope.errors import Missing
from grokscope.measures.analyses.views import nearest_of
from grokscope.measures.base import measure
from grokscope.numerics import dimension
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Denti et al. 2022, doi:10.1038/s41598-022-20991-1",
    cost="heavy",
    axis="n1",
    variants=({"view": "resid_mid/orbits"}, {"view": "embed/tokens"}, {"view": "mlp_out/class_means"}),
)
def gride(snapshot: Snapshot, view: str = "resid_mid/orbits") -> Mapping[str, float] | Missing:
    """Dimension from the distances to the n1-th and the 2 n1-th neighbour, by n1; without scales that have no answer.

    A curve that falls steeply from n1 = 1 to 16 comes from a lattice or from noise at small scale; no single number
    describes it.
    """
    near = nearest_of(snapshot, view, 32)
    if isinstance(near, Missing):
        return near
    curve = dimension.gride(near)
    by_scale = {str(point.n1): point.value for point in curve if not isinstance(point, Missing)}
    return by_scale or next(point for point in curve if isinstance(point, Missing))
