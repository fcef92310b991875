"""How evenly the gradient, and the weights, are spread over their entries."""

import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.gradients import flat, gradient
from grokscope.measures.base import measure
from grokscope.numerics.absolute_entropy import absolute_entropy, evenness
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="arXiv:2504.17243, absolute gradient entropy (AGE) and absolute weight entropy (AWE)",
    cost="asked",
    axis="of",
)
def gradient_entropy(snapshot: Snapshot) -> dict[str, float] | Missing:
    """Of the gradient g of the mean training loss and of the weights W, over all entries, in float64.

        age: -sum |g| ln |g|,   awe: -sum |W| ln |W|   [published; they depend on the scale: mostly |g|_1 and |W|_1]
        gradient, weights: the entropy of |g| / |g|_1 and of |W| / |W|_1 over the logarithm of their number

    The last two are free of scale: 1 where all entries are as large, 0 where one alone is not 0.
    """
    slopes = gradient(snapshot)
    if isinstance(slopes, Missing):
        return slopes
    parts: dict[str, Tensor] = {"gradient": flat(slopes), "weights": flat(snapshot.precise.params)}
    found = {"age": absolute_entropy(parts["gradient"]), "awe": absolute_entropy(parts["weights"])}
    even = {name: evenness(torch.as_tensor(part)) for name, part in parts.items()}
    return found | {name: value for name, value in even.items() if value is not None}
