"""Division modulo 97 of Power et al. 2022, "Grokking: generalization beyond overfitting on small algorithmic datasets".

Source: arXiv:2201.02177, section 3 and appendix A, and the released code for initial weights, split, batches and
warm-up. Departures: only the answer is trained, not the <eos> after it, and outputs are the task's classes (see
`grokscope.models.decoder`); a batch may run over the end of an epoch.
"""

from grokscope.runs.config import RunConfig


def power2022() -> RunConfig:
    """x / y mod 97, 50 % of the pairs (the same for every seed), two-layer transformer, AdamW with weight decay 1."""
    return RunConfig(
        task="binary_operation",
        operation="x/y",
        p=97,
        train_fraction=0.5,
        split="nested",
        model="decoder",
        batch_size=512,
        learning_rate=1e-3,
        weight_decay=1.0,
        betas=(0.9, 0.98),
        warmup_steps=10,
        max_steps=100_000,
        evaluate_every=50,
    )
