"""The smallest network that groks in minutes on a laptop: p = 59, 40 % of the pairs, otherwise Nanda et al. 2023."""

from grokscope.runs.config import RunConfig


def quickstart() -> RunConfig:
    """Modular addition, p = 59: memorises by step 200, groks by step 5,000."""
    return RunConfig(
        task="modular_addition",
        p=59,
        train_fraction=0.4,
        model="transformer",
        d_model=128,
        n_heads=4,
        d_mlp=512,
        learning_rate=1e-3,
        weight_decay=1.0,
        betas=(0.9, 0.98),
        max_steps=20_000,
        evaluate_every=50,
        stop_after=10,
    )
