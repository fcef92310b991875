"""Attention of the last position of a one-layer transformer, from tables over the symbols."""

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.models.base import Model, Params
from grokscope.models.parts import trace


class Attention:
    """What attention reads and weighs, for a transformer with or without the "=" token and any attention rate."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.settings: Any = model.settings
        self.n_symbols = model.interface.n_symbols

    def stream(self, params: Params) -> Float[Tensor, "replica row d_model"]:
        """The residual stream attention reads: symbols at position 0, symbols at position 1, then "=" if there is."""
        table, p = self.model.squeeze(params, "embed", params["W_E"]), self.n_symbols
        second = table[:, :p] if self.settings.tied else self.model.squeeze(params, "embed", params["W_E_right"])
        blocks = [table[:, :p], second, table[:, p:]]
        positions = params["W_pos"].split(1, dim=1)
        return torch.cat([block + position for block, position in zip(blocks, positions, strict=False)], dim=1)

    def last(self, stream: Float[Tensor, "replica row d_model"]) -> Float[Tensor, "replica last d_model"]:
        """The stream where the answer is read: the row of "=", or a row for each second operand."""
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

    def score_rows(self, inputs: Int[Tensor, "*batch operand"]) -> list[Int[Tensor, "*batch"]]:
        """The row of `scores` that each key of each input reads."""
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
        """The weight of every key."""
        rate = self.settings.attention_rate
        return pattern if rate == 1 else rate * pattern + (1 - rate)

    def _second(self, stream: Tensor) -> Tensor:
        return stream[:, self.n_symbols : 2 * self.n_symbols]


def take(table: Float[Tensor, "replica row *channel"], rows: Int[Tensor, "replica pair"]) -> Tensor:
    """Rows of each replica's table."""
    if table.is_cuda:
        return trace.rows(table.flatten(2), rows).unflatten(-1, table.shape[2:])
    return table[torch.arange(len(table), device=table.device)[:, None], rows]
