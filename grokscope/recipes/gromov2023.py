"""The solvable network of Gromov 2023, "Grokking modular arithmetic".

Source: arXiv:2301.02679: modular addition at p = 97 with a quadratic network, full-batch gradient descent on squared
error, nothing else. The paper's text does not give the learning rate; it must be large, because outputs are divided by
D N and errors are averaged over the 97 outputs.
"""

from grokscope.runs.config import RunConfig


def gromov2023() -> RunConfig:
    """Modular addition, p = 97, 49 % of the pairs, 500 quadratic neurons, gradient descent without weight decay."""
    return RunConfig(
        task="modular_addition",
        p=97,
        train_fraction=0.49,
        model="quadratic_mlp",
        d_mlp=500,
        loss="mse",
        optimizer="sgd",
        learning_rate=4e5,
        weight_decay=0.0,
        warmup_steps=0,
        max_steps=50_000,
        evaluate_every=50,
    )
