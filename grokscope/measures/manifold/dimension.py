"""The intrinsic dimension of a view."""

from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.analyses.views import TABLES, nearest_of, parsed
from grokscope.measures.base import measure
from grokscope.numerics.dimension import intrinsic_dimension, twonn
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Facco et al. 2017, doi:10.1038/s41598-017-11873-y; Denti et al. 2022, doi:10.1038/s41598-022-20991-1",
    cost="heavy",
    variants=({"view": "resid_mid/orbits"}, {"view": "resid_mid/all", "method": "mle"}),
)
def dimension(
    snapshot: Snapshot, view: str = "resid_mid/orbits", method: Literal["plateau", "mle", "fit"] = "plateau"
) -> float | Missing:
    """Intrinsic dimension of the points of a view, "site/points".

    method: `plateau` is Gride at scales above the noise, where it does not depend on the scale
    (`numerics.dimension.intrinsic_dimension`). `mle` and `fit` are TwoNN at the smallest scale, even if noise rules
    there. On all inputs of a commutative task TwoNN is the naive number: (a, b) and (b, a) are near twins, so it falls
    towards 0 for no topological reason. The orbits hold one point for both. Tables of a group's elements are lattices,
    on which TwoNN means nothing: see manifold.gride.
    """
    if method != "plateau" and snapshot.task.truth.group and parsed(view)[1] in TABLES:
        return Missing(
            "the elements of a group lie on a lattice, where ratios of distances to the two nearest say nothing"
        )
    near = nearest_of(snapshot, view, 32 if method == "plateau" else 2)
    if isinstance(near, Missing):
        return near
    estimate = intrinsic_dimension(near) if method == "plateau" else twonn(near, method)
    return estimate if isinstance(estimate, Missing) else estimate.value
