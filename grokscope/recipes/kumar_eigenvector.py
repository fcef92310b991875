"""Targets from easy to hard for the kernel: figure 5 of Kumar et al. 2024.

Source: arXiv:2310.06110, figure 5 and released code: the labels are the k-th eigenvector of the first kernel, k = 1, 5,
70, 75, 100, 150 (--set eigenvector=70). The first is learned at once, those near 70 are grokked, and from 100 on none
generalises. Departures: the kernel is the mean kernel, and the network has 500 neurons instead of two (see
`grokscope.tasks.kernel_eigenvector`); targets have mean square 1.
"""

from grokscope.recipes.kumar2024 import kumar2024
from grokscope.runs.config import RunConfig


def kumar_eigenvector() -> RunConfig:
    """100 of 200 points in 100 dimensions, 500 neurons h + 0.125 h^2, gradient descent at rate 500."""
    return kumar2024().replace(
        task="kernel_eigenvector",
        dimension=100,
        n_samples=200,
        n_train=100,
        eigenvector=1,
        eps_kernel=0.25,
        quadratic=0.125,
        max_steps=25_000,
        evaluate_every=100,
    )
