"""Manifold discovery: memory is isolated points, generalisation a manifold, grokking the transition between them."""

from grokscope.theories._attention import ATTENTION
from grokscope.theories._dimension import DIMENSION
from grokscope.theories._ranks import RANKS
from grokscope.theories._rereadings import REREADINGS
from grokscope.theories._rows import text
from grokscope.theories._topology import TOPOLOGY
from grokscope.theories._transition import TRANSITION
from grokscope.theories.base import Theory

manifold = Theory(
    id="manifold",
    title=text("Manifold discovery", "流形发现假说"),
    source="the essay's own hypothesis",
    predictions=(*DIMENSION, *TOPOLOGY, *ATTENTION, *RANKS, *TRANSITION, *REREADINGS),
)
