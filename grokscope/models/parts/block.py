"""One layer of a transformer, attention and MLP, on every position."""

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.models.base import Model, Params
from grokscope.models.parts.activation import ACTIVATIONS
from grokscope.models.parts.layers import plus
from grokscope.models.parts.trace import rows, suffix

# Sites of a layer, in the order of a forward pass.
SITES = ("resid_pre", "pattern", "z", "attn_out", "resid_mid", "mlp_pre", "mlp_post", "mlp_out", "resid_post")
EPSILON = 1e-5  # added to the variance, as in torch.nn.LayerNorm
WAVELENGTH = 10_000  # base of the sinusoids, Vaswani et al. 2017, arXiv:1706.03762, section 3.5
FEW_PAIRS = 16  # queries times keys, up to which scores are sums of products: a batch of so small matrices is slower


@dataclass(frozen=True)
class Stream:
    """The residual stream, or, where many samples share its rows, those rows: before the first layer each depends on
    one symbol and its position. What reads it is computed once a row.

    table: (replica, row, d_model), and places: the row of each (replica, pair, position); or, without places, the
    stream itself, (replica, pair, position, d_model).
    """

    table: Tensor
    places: Int[Tensor, "replica pair position"] | None = None

    @property
    def n_positions(self) -> int:
        return (self.table if self.places is None else self.places).shape[2]

    def last(self, n: int) -> Float[Tensor, "replica pair position d_model"]:
        """The last n positions."""
        if self.places is None:
            return self.table[:, :, -n:]
        return rows(self.table, self.places[:, :, -n:])

    def mapped(self, weight: Float[Tensor, "replica i *o"], n: int) -> Float[Tensor, "replica pair position *o"]:
        """x W of the last n positions."""
        flat = weight.flatten(2)
        if self.places is None:
            return _mapped(self.last(n), flat).unflatten(-1, weight.shape[2:])
        return Stream(self.table @ flat, self.places).last(n).unflatten(-1, weight.shape[2:])


class Block:
    """A layer of a model with a decoder's options. The last layer is computed at the last position only."""

    def __init__(self, model: Model, layer: int) -> None:
        self.model = model
        self.settings: Any = model.settings
        self.suffix = suffix(layer, self.settings.n_layers)
        self.is_last = layer == self.settings.n_layers - 1

    def trace(
        self, params: Params, weights: Params, before: Stream
    ) -> Generator[tuple[str, Tensor], None, Float[Tensor, "replica pair position d_model"]]:
        """Yields the layer's sites at the last position and returns the stream after it. weights: of this layer."""
        stream = yield from self._attention(params, weights, before)
        pre = plus(_mapped(self._normed(stream, weights, "ln2", "pre"), weights["W_in"]), weights.get("b_in"))
        yield f"mlp_pre{self.suffix}", pre[:, :, -1]
        post = self._squeeze(params, "mlp_post", ACTIVATIONS[self.settings.activation].function(pre))
        yield f"mlp_post{self.suffix}", post[:, :, -1]
        written = plus(_mapped(post, weights["W_out"]), weights.get("b_out"))
        yield f"mlp_out{self.suffix}", written[:, :, -1]
        stream = self._normed(stream + written, weights, "ln2", "post")
        yield f"resid_post{self.suffix}", stream[:, :, -1]
        return stream

    def _attention(
        self, params: Params, weights: Params, before: Stream
    ) -> Generator[tuple[str, Tensor], None, Tensor]:
        o = self.settings
        stream = before.last(1 if self.is_last else before.n_positions)
        yield f"resid_pre{self.suffix}", stream[:, :, -1]
        read = replace(before, table=self._normed(before.table, weights, "ln1", "pre"))
        pattern, z = attend(read, stream.shape[2], weights, rate=o.attention_rate, causal=o.causal)
        yield f"pattern{self.suffix}", pattern[..., -1, :]
        yield f"z{self.suffix}", z[:, :, -1]
        written = plus(_mapped(z.flatten(3), weights["W_O"].flatten(1, 2)), weights.get("b_O"))
        yield f"attn_out{self.suffix}", written[:, :, -1]
        stream = self._squeeze(params, "resid_mid", self._normed(stream + written, weights, "ln1", "post"))
        yield f"resid_mid{self.suffix}", stream[:, :, -1]
        return stream

    def _normed(self, x: Tensor, weights: Params, norm: str, where: str) -> Tensor:
        return layer_norm(x, weights, norm) if self.settings.layer_norm == where else x

    def _squeeze(self, params: Params, site: str, x: Tensor) -> Tensor:
        squeezed = self.model.squeeze(params, f"{site}{self.suffix}", x.flatten(1, 2))
        return squeezed.unflatten(1, x.shape[1:3])


def attend(
    stream: Stream, n_queries: int, weights: Params, *, rate: float, causal: bool
) -> tuple[Float[Tensor, "replica pair head query key"], Float[Tensor, "replica pair query head d_head"]]:
    """Attention weights of the last n_queries positions, and the weighted sums of the values.

    A = softmax(q k^T / sqrt(d_head)); the weights are rate A + (1 - rate) where a query may attend; causal: to itself
    and to positions before it.
    """
    n_keys = stream.n_positions
    query, key, value = (
        plus(stream.mapped(weights[f"W_{kind}"].transpose(1, 2), n), weights.get(f"b_{kind}"))
        for kind, n in (("Q", n_queries), ("K", n_keys), ("V", n_keys))
    )
    by_sums = not query.is_cuda and n_queries * n_keys <= FEW_PAIRS
    if by_sums:
        scores = (query.unsqueeze(3) * key.unsqueeze(2)).sum(-1).permute(0, 1, 4, 2, 3)
    else:
        scores = torch.einsum("rpqhe,rpkhe->rphqk", query, key)
    allowed = torch.ones(n_keys, n_keys, dtype=torch.bool, device=query.device)
    allowed = (allowed.tril() if causal else allowed)[-n_queries:]
    pattern = (scores / math.sqrt(query.shape[-1])).masked_fill(~allowed, -math.inf).softmax(-1)
    if rate != 1:
        pattern = rate * pattern + (1 - rate) * allowed.to(pattern)
    if by_sums:
        return pattern, (pattern.permute(0, 1, 3, 4, 2).unsqueeze(-1) * value.unsqueeze(2)).sum(3)
    return pattern, torch.einsum("rphqk,rpkhe->rpqhe", pattern, value)


def layer_norm(x: Float[Tensor, "replica *position d_model"], weights: Params, name: str) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * gain + bias, over d_model."""
    gain = weights[f"{name}_w"]
    normed = torch.nn.functional.layer_norm(x, x.shape[-1:], eps=EPSILON)
    return plus(normed * gain.view(len(gain), *[1] * (x.ndim - 2), -1), weights[f"{name}_b"])


def sinusoids(n_positions: int, d_model: int) -> Float[Tensor, "position d_model"]:
    """sin(position / 10000^(i / d_model)) in each even channel i, and the cosine in the channel after it."""
    channel = torch.arange(d_model)
    even = channel - channel % 2
    angles = torch.arange(n_positions)[:, None] / WAVELENGTH ** (even.double() / d_model)
    return torch.where(channel == even, angles.sin(), angles.cos())


def _mapped(x: Float[Tensor, "replica pair position i"], weight: Float[Tensor, "replica i o"]) -> Tensor:
    """x W on every position."""
    return torch.einsum("rpsi,rio->rpso", x, weight)
