"""⊥Grad on a transformer: figure 6 a of Prieto et al. 2025.

Source: arXiv:2501.04697, figure 6 a, and the released code: one layer of torch.nn.TransformerEncoder (width 128, 4
heads, 2,048 neurons, LayerNorm after the sums, no positions, no mask), the answer read at the second of two tokens,
cross-entropy in float32, AdamW with ⊥Grad by tensor at 1e-3. Its other arms: --set orthogonal_gradient=off, with --set
weight_decay=1.5 and without. Departures: no dropout (source: 0.1); all pairs (source: 1 to 112, without 0); addition,
as in the released command, not subtraction, as in the paper. The published x-axis is 2.5 times too long.
"""

from grokscope.recipes.prieto2025 import prieto2025
from grokscope.runs.config import RunConfig


def prieto_transformer() -> RunConfig:
    """Modular addition, p = 113, 40 % of the pairs, one-layer encoder with LayerNorm, AdamW with ⊥Grad by tensor."""
    return prieto2025().replace(
        model="decoder",
        n_layers=1,
        d_model=128,
        n_heads=4,
        d_mlp=2048,
        positions="none",
        equals_token=False,
        causal=False,
        mlp_biases=True,
        attention_biases=True,
        learning_rate=1e-3,
        max_steps=5_000,
        evaluate_every=50,
        stop_after=20,
    )
