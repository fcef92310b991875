"""Polynomial regression of Kumar et al. 2024, "Grokking as the transition from lazy to rich training dynamics".

Source: arXiv:2310.06110, figure 1 and the released code: y = (beta.x)^2 / 2 in 100 dimensions, a nearly linear
quadratic network with a fixed readout, gradient descent without weight decay, on outputs minus those of step 0.
"""

from grokscope.runs.config import RunConfig


def kumar2024() -> RunConfig:
    """550 of 1,550 points, 500 neurons h + 0.01 h^2, gradient descent at rate 500, no weight decay."""
    return RunConfig(
        task="polynomial_regression",
        dimension=100,
        n_samples=1550,
        n_train=550,
        model="quadratic_mlp",
        d_mlp=500,
        linear=1.0,
        quadratic=0.01,
        readout="ones",
        output_division="N",
        centred=True,
        loss="mse",
        optimizer="sgd",
        learning_rate=500.0,
        weight_decay=0.0,
        warmup_steps=0,
        max_steps=100_000,
        evaluate_every=250,
    )
