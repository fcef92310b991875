"""Gradient descent until the gradient vanishes: figure 9 of Prieto et al. 2025.

Source: arXiv:2501.04697, figure 9 (appendix C), and the released commands: the bias-free ReLU network of `prieto2025`,
cross-entropy in a chosen dtype, SGD with momentum 0.2 whose rate is divided at each step by the norm of the full
gradient: 3 at 40 % of the pairs, 4 at 60 and 70 % (--set train_fraction=0.6 --set learning_rate=4). Departures: the
scheduler is not released (see `grokscope.training.transforms.unit_gradient` for the difference with momentum); one
implementation of the loss serves all dtypes. The published x-axis is five times too long: the runs logged every 100
steps, and the plot counts 500.
"""

from grokscope.recipes.prieto2025 import prieto2025
from grokscope.runs.config import RunConfig


def prieto_sgd() -> RunConfig:
    """Modular addition, p = 113, 40 % of the pairs, ReLU network 226-200-200-113, SGD of steps of one length."""
    return prieto2025().replace(
        orthogonal_gradient="off",
        optimizer="sgd",
        momentum=0.2,
        learning_rate=3.0,
        unit_gradient=True,
        max_steps=10_000,
        evaluate_every=100,
        stop_after=20,
    )
