"""How similar the logits are to the character of each irrep."""

import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.harmonics import centred
from grokscope.measures.base import measure
from grokscope.numerics.irreps import irreps
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Chughtai et al. 2023, arXiv:2302.03025, section 4 (logit similarity)",
    cost="final",
    needs=("classes",),
    axis="irrep",
)
def logit_similarity(snapshot: Snapshot) -> dict[str, float] | Missing:
    """Cosine between the logits and the character chi_rho(a b c^-1), for each irrep but the trivial one.

        similarity = <L, X> / (|L| |X|),   X[a, b, c] = tr rho(a b c^-1)

    over all inputs and classes. L is centred over the classes, as the characters are; a softmax does not see this.
    Irreps are real (`numerics.irreps`): those of a cyclic group are the frequencies "k=1", "k=2", ..., with character
    2 cos(2 pi k x / n). Characters are orthogonal: the sum of squares is the share of the logits that they explain, at
    most 1. `Missing` where the answers are no product in a group, or the logits do not depend on the class.
    """
    task = product(snapshot)
    if isinstance(task, Missing):
        return task
    logits = centred(snapshot.logits)
    size = float(logits.norm())
    if not size > 0:
        return Missing("all logits of an input are equal")
    # The character depends on a b c^-1 alone: sum the logits by answer and class, then by this element.
    of = task.of
    by_answer = task.summed(logits)
    quotients = of.table[:, of.inverse].flatten()
    by_element = torch.zeros(of.order, dtype=torch.float64).index_add_(0, quotients, by_answer.flatten())
    return {
        irrep.name: float(by_element @ irrep.character) / (size * float(irrep.character.norm()) * of.order)
        for irrep in irreps(of)[1:]
    }
