"""Images, made lazy by a large init and rich again by a small output scale: the MNIST case of Kumar et al. 2024.

Source: arXiv:2310.06110, appendix on MNIST, and the released code: 1,000 training images, squared error on one-hots, a
ReLU network of three hidden layers of 200 with large initial weights, AdamW with little weight decay in batches of 200,
outputs alpha f with alpha from .5 down, where grokking vanishes. Departures: scikit-learn's 8 x 8 digits instead of
MNIST (for its files: --set task=mnist, with their folder); the init is PyTorch's times 8, that of the MNIST case of Liu
et al. 2023, instead of N(0, 1 / fan-in) times 150. In the released loop over alpha the first value has another init
than the later ones.
"""

from grokscope.runs.config import RunConfig


def kumar_digits() -> RunConfig:
    """1,000 of 1,797 digits, ReLU network of three hidden layers of 200, squared error, AdamW, large init."""
    return RunConfig(
        task="digits",
        n_train=1000,
        model="mlp",
        n_hidden=3,
        d_mlp=200,
        loss="mse",
        init_scale=8.0,
        output_scale=0.5,
        batch_size=200,
        learning_rate=1e-3,
        weight_decay=0.01,
        warmup_steps=0,
        max_steps=100_000,
        evaluate_every=250,
        stop_accuracy=0.95,
    )
