"""The TwoNN dimension of a cloud that has the spectrum of a view and no other structure."""

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.analyses.views import cloud_of
from grokscope.measures.base import measure
from grokscope.numerics.dimension import twonn
from grokscope.numerics.spectra import structureless
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="the project's null; Facco et al. 2017, doi:10.1038/s41598-017-11873-y, for TwoNN",
    cost="asked",
)
def structureless_dimension(snapshot: Snapshot, view: str = "resid_mid/train", seed: int = 0) -> float | Missing:
    """TwoNN (mle) of a normal cloud of as many points and channels as the view, with the same spectrum.

    Unrelated points form such a cloud. A dimension far below this one comes from structure, not from the layer's width.
    """
    cloud = cloud_of(snapshot, view)
    if isinstance(cloud, Missing):
        return cloud
    drawn = structureless(cloud, seed)
    if not drawn.any():
        return Missing(f"all points of {view!r} are equal")
    if not np.isfinite(drawn).all():
        return Missing(f"the spectrum of {view!r} overflows at step {snapshot.step}")
    estimate = twonn(drawn, "mle")
    return estimate if isinstance(estimate, Missing) else estimate.value
