"""StableMax groks without weight decay: figure 4 of Prieto et al. 2025.

Source: arXiv:2501.04697, figure 4, and the released code: the bias-free ReLU network of `prieto2025`, StableMax
cross-entropy in float64, AdamW without weight decay at 0.01. Departures: the loss is formed as log softmax of g(x),
not as the logarithm of a ratio; the run stops after it has generalised for some time.
"""

from grokscope.recipes.prieto2025 import prieto2025
from grokscope.runs.config import RunConfig


def prieto_stablemax() -> RunConfig:
    """Modular addition, p = 113, 40 % of the pairs, ReLU network 226-200-200-113, AdamW, StableMax, no decay."""
    return prieto2025().replace(
        orthogonal_gradient="off",
        loss="stablemax_cross_entropy",
        softmax_dtype="float64",
        learning_rate=0.01,
        eps=1e-25,
        max_steps=100_000,
        evaluate_every=200,
        stop_after=10,
    )
