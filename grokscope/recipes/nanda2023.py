"""The mainline network of Nanda et al. 2023, "Progress measures for grokking via mechanistic interpretability".

Source: arXiv:2301.05217, section 3, and the released code for betas, warm-up, split and init. Departure: the run stops
after it has generalised for some time; the paper trains for 40,000 steps (--set stop_after=1600).
"""

from grokscope.runs.config import RunConfig


def nanda2023() -> RunConfig:
    """Modular addition, p = 113, 30 % of the pairs, one-layer transformer, full-batch AdamW."""
    return RunConfig(
        task="modular_addition",
        p=113,
        train_fraction=0.3,
        model="transformer",
        d_model=128,
        n_heads=4,
        d_mlp=512,
        learning_rate=1e-3,
        weight_decay=1.0,
        betas=(0.9, 0.98),
        eps=1e-8,
        warmup_steps=10,
        max_steps=40_000,
    )
