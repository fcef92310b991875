"""A transformer made lazy by its output scale: figure 6 of Kumar et al. 2024.

Source: arXiv:2310.06110, figures 6 b and 12 and the released code: the one-layer transformer of Nanda et al. 2023 on
modular addition, p = 113, 40 % of the pairs, outputs alpha (f - f_0), AdamW at rate 6e-6 / alpha^2 with weight decay 1.
In the source grokking vanishes at alpha = .15, and in figure 12 (alpha, weight decay) = (.5, 1) groks, (.5, 5) does
not, and (1.4, 5) groks again: --set output_scale=0.15 --set weight_decay=5. Departure: the loss includes the "="
output, as in `nanda2023`. 200,000 steps take hours on two cores; for a quick look: --set p=31 --set learning_rate=1e-4.
"""

from grokscope.recipes.nanda2023 import nanda2023
from grokscope.runs.config import RunConfig


def kumar_transformer() -> RunConfig:
    """Modular addition, p = 113, one-layer transformer with outputs 0.5 (f - f_0), AdamW at 6e-6 / alpha^2."""
    return nanda2023().replace(
        train_fraction=0.4,
        output_scale=0.5,
        centred=True,
        divide_rate_by_scale=True,
        learning_rate=6e-6,
        weight_decay=1.0,
        betas=(0.9, 0.98),
        warmup_steps=10,
        max_steps=200_000,
        evaluate_every=250,
    )
