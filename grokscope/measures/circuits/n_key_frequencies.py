"""The number of circles that the network computes on."""

from grokscope.errors import Missing
from grokscope.measures.analyses.planes import frequencies_with_a_plane
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Nanda et al. 2023, arXiv:2301.05217, appendix C.2, counted; p / 2 left out, as the project does",
    cost="asked",
    needs=("cyclic",),
)
def n_key_frequencies(snapshot: Snapshot) -> float | Missing:
    """The number of key frequencies (`circuits.key_frequencies`) that have a circle; p / 2 has a sign only."""
    frequencies = frequencies_with_a_plane(snapshot)
    return frequencies if isinstance(frequencies, Missing) else float(len(frequencies))
