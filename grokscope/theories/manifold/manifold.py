"""Manifold discovery: memory is isolated points, generalisation a manifold, grokking the transition between them."""

from grokscope.predictions.base import Theory
from grokscope.predictions.rows import text
from grokscope.theories.manifold.arms import ARMS
from grokscope.theories.manifold.attention import ATTENTION
from grokscope.theories.manifold.changes import CHANGES
from grokscope.theories.manifold.clocks import CLOCKS
from grokscope.theories.manifold.dimension import DIMENSION
from grokscope.theories.manifold.efficiency import EFFICIENCY
from grokscope.theories.manifold.order import WHEN
from grokscope.theories.manifold.ranks import RANKS
from grokscope.theories.manifold.rereadings import REREADINGS
from grokscope.theories.manifold.topology import TOPOLOGY
from grokscope.theories.manifold.transition import TRANSITION

manifold = Theory(
    id="manifold",
    title=text("Manifold discovery", "流形发现假说"),
    source="the essay's own hypothesis",
    arms=ARMS,
    predictions=(
        *DIMENSION,
        *TOPOLOGY,
        *WHEN,
        *CHANGES,
        *CLOCKS,
        *ATTENTION,
        *RANKS,
        *TRANSITION,
        *REREADINGS,
        *EFFICIENCY,
    ),
)
