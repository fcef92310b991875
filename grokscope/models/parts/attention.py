"""Options of a transformer's attention, and the attention of the last position, from tables over the symbols."""

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from grokscope.models.base import Model, ModelOptions, Params
from grokscope.models.parts import trace


class AttentionOptions(ModelOptions):
    """The options of every transformer.

    Not tied: the second operand reads W_E_right, and W_E holds the first operand's symbols and "=" (`diff_vocab` in the
    released code of Zhong et al. 2023, arXiv:2306.17844, where these symbols have outputs too: extra_outputs=p).
    """

    d_model: int = Field(128, ge=1, description="width of the residual stream [1]")
    n_heads: int = Field(4, ge=1, description="attention heads [1]")
    d_head: int | None = Field(None, ge=1, description="width of a head [1]; null: d_model / n_heads")
    tied: bool = Field(True, description="one table for both operands; else the second has symbols of its own")
    extra_outputs: int = Field(
        0, ge=0, description='outputs that are no class nor "=", as of the second\'s symbols [1]'
    )
    unembed_bias: bool = Field(False, description="train b_U, a bias of the outputs (starts at 0)")
    attention_rate: float = Field(1.0, ge=0, le=1, description="share of softmax attention; the rest weighs keys 1 [1]")

    @model_validator(mode="after")
    def _heads_divide(self) -> "AttentionOptions":
        if self.d_head is None and self.d_model % self.n_heads:
            raise ValueError(f"n_heads must divide d_model, got {self.n_heads} and {self.d_model}; or give d_head")
        return self

    @property
    def head_width(self) -> int:
        """Channels of a head."""
        return self.d_head or self.d_model // self.n_heads


class Attention:
    """Attention of a one-layer transformer, with or without the "=" token, at any attention rate."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.settings: Any = model.settings
        self.n_symbols = model.interface.n_symbols

    def stream(self, params: Params) -> Float[Tensor, "replica row d_model"]:
        """The residual stream that attention reads: symbols at position 0, symbols at position 1, then "=" if any."""
        table, p = self.model.squeeze(params, "embed", params["W_E"]), self.n_symbols
        second = table[:, :p] if self.settings.tied else self.model.squeeze(params, "embed", params["W_E_right"])
        blocks = [table[:, :p], second, table[:, p:]]
        positions = params["W_pos"].split(1, dim=1)
        return torch.cat([block + position for block, position in zip(blocks, positions, strict=False)], dim=1)

    def last(self, stream: Float[Tensor, "replica row d_model"]) -> Float[Tensor, "replica last d_model"]:
        """The stream at the position of the answer: the row of "=", or one row for each second operand."""
        return stream[:, 2 * self.n_symbols :] if self.settings.equals_token else self._second(stream)

    def scores(self, params: Params, stream: Float[Tensor, "replica row d_model"]) -> Float[Tensor, "replica row head"]:
        """Attention scores, by the rows that `score_rows` names: [a], [b], "="; or [b to a], [b to itself]."""
        queries = self.last(stream)[:, None] @ params["W_Q"] / math.sqrt(params["W_Q"].shape[-1])
        if self.settings.equals_token:
            return stream @ (params["W_K"] @ queries.mT).squeeze(-1).mT
        keys = stream[:, None] @ params["W_K"]
        first, second = keys.split(self.n_symbols, dim=2)
        to_first, to_itself = queries @ first.mT, (queries * second).sum(-1)
        return torch.cat([to_first.flatten(2), to_itself], dim=2).mT

    def backward_scores(
        self, params: Params, stream: Float[Tensor, "replica row d_model"], d_scores: Tensor, into: Params
    ) -> Float[Tensor, "replica row d_model"]:
        """Writes the gradients of W_Q and W_K, and returns that of the stream; d_scores: that of `scores`."""
        last, W_Q, W_K = self.last(stream)[:, None], params["W_Q"], params["W_K"]
        root = math.sqrt(W_Q.shape[-1])
        queries = last @ W_Q / root
        if self.settings.equals_token:
            read = (W_K @ queries.mT).squeeze(-1)  # scores = stream read^T
            d_stream, d_read = d_scores @ read, d_scores.mT @ stream
            torch.mul(d_read[..., None], queries, out=into["W_K"])
            d_queries = d_read[:, :, None] @ W_K / root
        else:
            p = self.n_symbols
            first, second = (stream[:, None] @ W_K).split(p, dim=2)
            d_first, d_second = d_scores.mT.split(p * p, dim=2)
            d_first, d_second = d_first.unflatten(2, (p, p)), d_second[..., None]
            d_keys = torch.cat([d_first.mT @ queries, d_second * queries], dim=2)
            into["W_K"].copy_(stream[:, None].mT @ d_keys)
            d_stream = (d_keys @ W_K.mT).sum(1)
            d_queries = (d_first @ first + d_second * second) / root
        into["W_Q"].copy_(last.mT @ d_queries)
        self.last(d_stream).add_((d_queries @ W_Q.mT).sum(1))
        return d_stream

    def score_rows(self, inputs: Int[Tensor, "*batch operand"]) -> list[Int[Tensor, "*batch"]]:
        """The row of `scores` for each key of each input."""
        (a, b), p = inputs.unbind(-1), self.n_symbols
        if self.settings.equals_token:
            return [a, p + b, torch.full_like(a, 2 * p)]
        return [b * p + a, p * p + b]

    def pattern(
        self, scores: Float[Tensor, "replica row head"], rows: list[Int[Tensor, "replica pair"]]
    ) -> Float[Tensor, "key replica pair head"]:
        """Softmax attention of the last position to every key, before attention_rate."""
        return torch.stack([take(scores, row) for row in rows]).softmax(0)

    def mixed(self, pattern: Tensor) -> Tensor:
        """The weight of every key, with attention_rate."""
        rate = self.settings.attention_rate
        return pattern if rate == 1 else rate * pattern + (1 - rate)

    def _second(self, stream: Tensor) -> Tensor:
        return stream[:, self.n_symbols : 2 * self.n_symbols]


def take(table: Float[Tensor, "replica row *channel"], rows: Int[Tensor, "replica pair"]) -> Tensor:
    """Rows of each replica's table."""
    if table.is_cuda:
        return trace.rows(table.flatten(2), rows).unflatten(-1, table.shape[2:])
    return table[torch.arange(len(table), device=table.device)[:, None], rows]


def infer_attention(params: Params) -> dict[str, Any]:
    """The options that follow from the parameters of one replica of a transformer."""
    n_heads, d_model, d_head = params["W_Q"].shape[-3:]
    return {
        "d_model": d_model,
        "n_heads": n_heads,
        "d_head": None if n_heads * d_head == d_model else d_head,
        "tied": "W_E_right" not in params,
        "unembed_bias": "b_U" in params,
        "d_mlp": params["W_in"].shape[-1],
        "mlp_biases": "b_in" in params,
    }
