"""Kumar et al. 2024, arXiv:2310.06110, figure 9: the numbers of samples between which there is grokking.

A smaller network than that of figure 1 (`kumar2024`). With few samples (n_train=50) nothing generalises. With many
(500) test loss falls together with train loss, and in between it falls later. output_scale = alpha makes it an alpha
sweep: the rate is divided by alpha^2, and larger alpha is lazier. As in figure 1 the outputs of step 0 are subtracted;
the source does not say this for figure 9.
"""

from grokscope.recipes.kumar2024 import kumar2024
from grokscope.runs.config import RunConfig


def kumar_goldilocks() -> RunConfig:
    """120 of 1,120 points in 40 dimensions, 100 neurons h + 0.25 h^2, gradient descent at rate 50 / alpha^2."""
    return kumar2024().replace(
        dimension=40,
        n_samples=1120,
        n_train=120,
        d_mlp=100,
        quadratic=0.25,
        learning_rate=50.0,
        divide_rate_by_scale=True,
        max_steps=50_000,
    )
