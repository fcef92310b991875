"""Kumar et al. 2024, arXiv:2310.06110, figure 2: modular addition in the lazy and the rich regime.

Gromov's quadratic network on p = 23 and 90 % of the pairs, gradient descent without weight decay. alpha is
output_scale, and the rate is divided by its square. The released code multiplies the outputs by its alpha twice: its
alpha is the root of ours. The source's rate is 100, for a squared error that starts far above 1/23; here the error is
the mean over 23 outputs and starts at 1/23. The rate 1150 corresponds to 100 for half the squared error, summed over
the outputs. It gives the published steps (all training pairs are right at about 2,000); twice the rate halves them.
"""

from grokscope.runs.config import RunConfig


def kumar_modular() -> RunConfig:
    """Modular addition, p = 23, 90 % of the pairs, 100 quadratic neurons, gradient descent at rate 1150 / alpha^2."""
    return RunConfig(
        task="modular_addition",
        p=23,
        train_fraction=0.9,
        model="quadratic_mlp",
        d_mlp=100,
        loss="mse",
        optimizer="sgd",
        learning_rate=1150.0,
        divide_rate_by_scale=True,
        weight_decay=0.0,
        warmup_steps=0,
        max_steps=50_000,
        evaluate_every=50,
    )
