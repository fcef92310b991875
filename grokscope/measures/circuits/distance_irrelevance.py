"""How little the logits depend on the distance between the operands."""

from typing import Literal

import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.circles import addends
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="Zhong et al. 2023, arXiv:2306.17844, definition 4.2; runner_up: released code and tables",
    cost="heavy",
    needs=("cyclic",),
    variants=({"variant": "correct"}, {"variant": "runner_up"}),
)
def distance_irrelevance(snapshot: Snapshot, variant: Literal["correct", "runner_up"] = "correct") -> float | Missing:
    """Spread of the logit at a fixed distance of the operands, divided by its spread over all inputs: 0..1.

        q = mean_d std_i(L[i, i + d]) / std(L),   L[a, b]: the logit of a + b; standard deviations with ddof 0

    0: the logit depends on a - b alone, as in the pizza (below .4 in the paper's networks); 1: on a + b alone (clocks
    are above .4).
    variant: "correct", the definition: the logit of the right answer (even where labels are noisy). "runner_up": the
    largest logit of the wrong answers, used for the published tables and figures 6 and 7; on one network the two
    variants differ by .1.

    Over all p^2 pairs, trained or not. The logits are raw: a constant added to all answers of one input changes the
    value. In x - y the second operand counts backwards. `Missing` where the logit is equal in all inputs.
    """
    pairs = addends(snapshot)
    if isinstance(pairs, Missing):
        return pairs
    logits, right = snapshot.logits.double(), pairs.answers[:, None]
    if variant == "correct":
        logit = logits.gather(1, right)[:, 0]
    else:
        logit = logits.scatter(1, right, -torch.inf).max(1).values
    grid = torch.empty(pairs.p, pairs.p, dtype=torch.float64)
    grid[pairs.distance, pairs.a] = logit
    spread = grid.std(correction=0)
    if spread <= 1e-6 * grid.abs().max():  # float32 logits that are all equal differ by 1e-7 of their size
        return Missing(f"the {variant.replace('_', '-')} logit is the same in all inputs")
    return float(grid.std(dim=1, correction=0).mean() / spread)
