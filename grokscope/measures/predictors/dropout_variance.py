"""How much the accuracy depends on which neurons are silent."""

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.measures.predictors.dropout_curve import accuracies
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="arXiv:2507.11645, figure of robustness (100 passes at a rate of 0.3)",
    cost="asked",
    needs=("mlp", "classes"),
    axis="of",
)
def dropout_variance(
    snapshot: Snapshot,
    *,
    rate: float = 0.3,
    passes: int = 100,
    shared: bool = True,
    split: str = "test",
    seed: int = 0,
) -> dict[str, float] | Missing:
    """variance: of the accuracy a over passes with a share `rate` of the neurons silent; chance: a (1 - a) / n, what n
    inputs that fail independently of each other would have.

    shared: all inputs of a pass have the same silent neurons; else each its own, and the variance is smaller by about
    the number of inputs. The source does not say which. At an accuracy of 0 or 1 there is none.
    """
    found = accuracies(snapshot, rate, passes, split, seed, shared=shared)
    if isinstance(found, Missing):
        return found
    mean = float(found.mean())
    return {"variance": float(np.var(found)), "chance": mean * (1 - mean) / int(snapshot.masks[split].sum())}
