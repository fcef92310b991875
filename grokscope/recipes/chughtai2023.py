"""Group composition of Chughtai et al. 2023, "A toy model of universality".

Source: arXiv:2302.03025 and the released code: S5 with the fully connected network. Departure: the run stops after it
has generalised for some time; the paper trains for 250,000 steps.
"""

from grokscope.runs.config import RunConfig


def chughtai2023() -> RunConfig:
    """x y in S5, 40 % of the pairs, two tables of 256 dimensions, 128 ReLU neurons, AdamW with weight decay 1."""
    return RunConfig(
        task="group_operation",
        group="S5",
        train_fraction=0.4,
        model="embedding_mlp",
        learning_rate=1e-3,
        weight_decay=1.0,
        betas=(0.9, 0.98),
        warmup_steps=0,
        max_steps=250_000,
        evaluate_every=100,
    )
