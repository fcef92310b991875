"""How strong the strongest loop of a view is."""

from grokscope.errors import Missing
from grokscope.measures.analyses.views import betti_of
from grokscope.measures.base import measure
from grokscope.numerics import topology
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Bobrowski & Skraba 2023, doi:10.1038/s41598-023-37842-2",
    cost="heavy",
    variants=({"view": "embed/tokens"}, {"view": "resid_mid/class_means"}),
)
def persistence_ratio(snapshot: Snapshot, view: str = "resid_mid/class_means", dimension: int = 1) -> float | Missing:
    """death / birth of the strongest bar of H_dimension (1 or 2), free of scale. For a large view: the median over
    three draws of landmarks.

    Noise has bars too: 59 random points in many channels reach about 1.2. manifold.betti tests the bars.
    """
    if dimension not in (1, 2):
        raise ValueError(f"dimension must be 1 or 2, got {dimension}: the bars of H0 are born at 0")
    persistent = betti_of(snapshot, view, dimension)
    if isinstance(persistent, Missing):
        return persistent
    ratios = [topology.persistence_ratio(draw.bars, dimension) for draw in persistent.draws]
    known = sorted(ratio for ratio in ratios if not isinstance(ratio, Missing))
    return known[len(known) // 2] if known else ratios[0]
