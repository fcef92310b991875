"""Softmax collapse without weight decay: figure 2 of Prieto et al. 2025.

Source: arXiv:2501.04697, figure 2 a, and the released code: the bias-free ReLU network of `prieto2025`, cross-entropy
in a chosen dtype, AdamW without weight decay at 5e-4. Other panels: --set train_fraction=0.6 or 0.7, --set
softmax_dtype=float16 or float64. Departures: eps is 1e-25 in all panels (figure 2 a used 1e-30); one implementation of
the loss serves all dtypes, where the released code has three. In its issue threads (9 and 8) figure 2 a did not
reproduce: the collapse rate of float32 stayed below .4.
"""

from grokscope.recipes.prieto2025 import prieto2025
from grokscope.runs.config import RunConfig


def prieto_collapse() -> RunConfig:
    """Modular addition, p = 113, 40 % of the pairs, ReLU network 226-200-200-113, AdamW, float32 softmax, no decay."""
    return prieto2025().replace(
        orthogonal_gradient="off",
        learning_rate=5e-4,
        betas=(0.9, 0.99),
        eps=1e-25,
        max_steps=20_000,
        evaluate_every=100,
        stop_after=40,
    )
