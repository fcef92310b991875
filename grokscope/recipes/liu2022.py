"""The toy of Liu et al. 2022, "Towards understanding grokking: an effective theory of representation learning".

Source: arXiv:2205.10343, section 3 and appendix E, and the released code: ten symbols as trainable numbers, a decoder
that reads the sum of two of them, regression on one random vector for each of the 19 sums. The learning rate of the
embeddings is ten times the decoder's, and only the decoder has weight decay.
"""

from grokscope.runs.config import RunConfig


def liu2022() -> RunConfig:
    """i + j of ten symbols, 45 of 55 unordered pairs, one-dimensional embeddings, decoder 1-200-200-30 tanh."""
    return RunConfig(
        task="plain_addition",
        p=10,
        unordered=True,
        template_dimension=30,
        n_train=45,
        model="embedding_mlp",
        d_embed=1,
        tied=True,
        combine="add",
        embed_init="uniform",
        n_hidden=2,
        d_mlp=200,
        activation="tanh",
        mlp_biases=True,
        init="torch",
        loss="mse",
        learning_rate=1e-4,
        tensor_rates={"W_E": 10.0},
        weight_decay=0.01,
        tensor_decays={"W_E": 0.0},
        betas=(0.9, 0.999),
        warmup_steps=0,
        max_steps=5_000,
        evaluate_every=10,
        stop_after=500,
    )
