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
    """death / birth of the strongest bar of H_dimension (1 or 2), free of scale; of a large view the median of three
    draws of landmarks.

    Noise has bars too: of 59 points in many channels up to about 1.2; whether a bar is more is for manifold.betti.
    """
    if dimension not in (1, 2):
        raise ValueError(f"dimension must be 1 or 2, got {dimension}: the bars of H0 are born at 0")
    found = betti_of(snapshot, view, dimension)
    if isinstance(found, Missing):
        return found
    ratios = [topology.persistence_ratio(draw.bars, dimension) for draw in found.draws]
    known = sorted(ratio for ratio in ratios if not isinstance(ratio, Missing))
    return known[len(known) // 2] if known else ratios[0]
