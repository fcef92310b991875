"""Whether the task's group acts on a table by moving it rigidly."""

from grokscope.errors import Missing
from grokscope.measures.analyses.views import on_table
from grokscope.measures.base import measure
from grokscope.numerics import circles
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="the project's definition; docs/decisions/0011.md",
    cost="heavy",
    variants=({"view": "embed/tokens"}, {"view": "resid_mid/class_means"}),
)
def equivariance(snapshot: Snapshot, view: str = "embed/tokens") -> float | Missing:
    """Share of the variance of |E_x - E_y|^2 over pairs of elements that x^-1 y explains; for residues, (y - x) mod p.

    1 where every element of the group moves the table by an isometry, for any number of frequencies; about 2 / p on a
    random table of p residues.
    """
    test = on_table(snapshot, view, circles.equivariance, permutations=1)
    return test if isinstance(test, Missing) else test.r2
