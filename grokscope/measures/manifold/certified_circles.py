"""How many of a table's frequencies are circles of the task."""

from grokscope.errors import Missing
from grokscope.measures.analyses.views import panel_of
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="the project's definition; docs/decisions/0011.md",
    cost="heavy",
    variants=({"view": "embed/tokens"}, {"view": "resid_mid/class_means"}),
)
def certified_circles(snapshot: Snapshot, view: str = "embed/tokens") -> float | Missing:
    """Number of frequencies that pass all tests of a circle (`numerics.circles.circle_panel`).

    The tests: power above that of 999 permutations of the elements, both axes of the ellipse, the cross-validated
    phase, one turn and one loop in the cross-validated plane, and no sign that the table is a function of a line
    instead of the group. Random tables, random walks and clocks of another modulus have none.
    """
    panel = panel_of(snapshot, view)
    return panel if isinstance(panel, Missing) else float(panel.n_certified)
