"""The network by TransformerLens. Needs transformer_lens below 4 (which removed HookedTransformer), torch and numpy."""

from typing import Any

import torch

from grokscope.benchmarks.peers.plain import Loop
from grokscope.benchmarks.peers.problem import Problem

PLACES = {
    "W_E": "embed.W_E",
    "W_pos": "pos_embed.W_pos",
    **{name: f"blocks.0.attn.{name}" for name in ("W_Q", "W_K", "W_V", "W_O")},
    **{name: f"blocks.0.mlp.{name}" for name in ("W_in", "b_in", "W_out", "b_out")},
    "W_U": "unembed.W_U",
}


def lens(problem: Problem) -> Loop:
    """HookedTransformer with the same weights; biases that this network does not have stay 0."""
    from transformer_lens import (  # pyright: ignore[reportMissingImports]
        HookedTransformer,
        HookedTransformerConfig,
    )

    weights = {name: torch.from_numpy(tensor[0]) for name, tensor in problem.weights.items()}
    n_heads, d_model, d_head = weights["W_Q"].shape
    config = HookedTransformerConfig(
        n_layers=1,
        n_heads=n_heads,
        d_model=d_model,
        d_head=d_head,
        d_mlp=weights["W_in"].shape[1],
        n_ctx=problem.tokens.shape[1],
        d_vocab=len(weights["W_E"]),
        d_vocab_out=weights["W_U"].shape[1],
        act_fn="relu",
        normalization_type=None,
        device="cpu",
    )
    model: Any = HookedTransformer(config)
    trained = {place: weights[name] for name, place in PLACES.items()}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in trained)
        with torch.no_grad():
            parameter.copy_(trained.get(name, torch.zeros(())))
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return Loop(problem, lambda tokens: model(tokens)[:, -1], parameters)
