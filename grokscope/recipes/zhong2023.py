"""Model A of Zhong et al. 2023, "The clock and the pizza": modular addition with constant attention.

Source: arXiv:2306.17844, sections 2 and 3, and the released code and weights.
"""

from grokscope.runs.config import RunConfig


def zhong2023() -> RunConfig:
    """Modular addition, p = 59, 80 % of the pairs, one-layer transformer without "=" and with attention rate 0."""
    return RunConfig(
        task="modular_addition",
        p=59,
        train_fraction=0.8,
        model="transformer",
        equals_token=False,
        attention_rate=0.0,
        scale_W_in_by="d_mlp",
        learning_rate=1e-3,
        weight_decay=2.0,
        betas=(0.9, 0.98),
        warmup_steps=10,
        max_steps=20_000,
        evaluate_every=50,
        stop_after=400,
    )
