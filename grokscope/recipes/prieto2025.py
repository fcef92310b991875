"""⊥Grad of Prieto et al. 2025, "Grokking at the edge of numerical stability".

Source: arXiv:2501.04697, figure 6 b, and the released code: modular addition, a bias-free ReLU network on one-hots,
AdamW without weight decay, gradients without their part along the weights. The released wrapper always ran AdamW with
PyTorch's default betas and eps; this recipe has the same values.
"""

from grokscope.runs.config import RunConfig


def prieto2025() -> RunConfig:
    """Modular addition, p = 113, 40 % of the pairs, ReLU network 226-200-200-113, AdamW with ⊥Grad by tensor."""
    return RunConfig(
        task="modular_addition",
        p=113,
        train_fraction=0.4,
        model="mlp",
        n_hidden=2,
        d_mlp=200,
        mlp_biases=False,
        softmax_dtype="float32",
        learning_rate=5e-3,
        weight_decay=0.0,
        betas=(0.9, 0.999),
        warmup_steps=0,
        orthogonal_gradient="per_tensor",
        orthogonal_rescale=True,
        max_steps=1_000,
        evaluate_every=5,
        stop_after=200,
    )
