"""One layer of a transformer, attention and MLP, on every position."""

import math
from collections.abc import Generator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.models.base import Model, Params
from grokscope.models.parts.activation import ACTIVATIONS
from grokscope.models.parts.layers import plus
from grokscope.models.parts.trace import suffix

# Sites of a layer, in the order of a forward pass.
SITES = ("resid_pre", "pattern", "z", "attn_out", "resid_mid", "mlp_pre", "mlp_post", "mlp_out", "resid_post")
EPSILON = 1e-5  # added to the variance, as in torch.nn.LayerNorm
WAVELENGTH = 10_000  # base of the sinusoids, Vaswani et al. 2017, arXiv:1706.03762, section 3.5


class Block:
    """A layer of a model with a decoder's options. The last layer is computed at the last position only."""

    def __init__(self, model: Model, layer: int) -> None:
        self.model = model
        self.settings: Any = model.settings
        self.suffix = suffix(layer, self.settings.n_layers)
        self.is_last = layer == self.settings.n_layers - 1

    def trace(
        self, params: Params, weights: Params, stream: Float[Tensor, "replica pair position d_model"]
    ) -> Generator[tuple[str, Tensor], None, Tensor]:
        """Yields the layer's sites at the last position and returns the stream after it. weights: of this layer."""
        stream = yield from self._attention(params, weights, stream)
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
        self, params: Params, weights: Params, stream: Tensor
    ) -> Generator[tuple[str, Tensor], None, Tensor]:
        o = self.settings
        yield f"resid_pre{self.suffix}", stream[:, :, -1]
        read = self._normed(stream, weights, "ln1", "pre")
        if self.is_last:
            stream = stream[:, :, -1:]
        pattern, z = attend(read, stream.shape[2], weights, rate=o.attention_rate, causal=o.causal)
        yield f"pattern{self.suffix}", pattern[..., -1, :]
        yield f"z{self.suffix}", z[:, :, -1]
        written = plus(torch.einsum("rpqhe,rhed->rpqd", z, weights["W_O"]), weights.get("b_O"))
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
    stream: Float[Tensor, "replica pair key d_model"], n_queries: int, weights: Params, *, rate: float, causal: bool
) -> tuple[Float[Tensor, "replica pair head query key"], Float[Tensor, "replica pair query head d_head"]]:
    """Attention weights of the last n_queries positions, and the weighted sums of the values.

    A = softmax(q k^T / sqrt(d_head)); the weights are rate A + (1 - rate) where a query may attend; causal: to itself
    and to positions before it.
    """
    query, key, value = (
        plus(torch.einsum("rpsd,rhde->rpshe", x, weights[f"W_{kind}"]), weights.get(f"b_{kind}"))
        for kind, x in (("Q", stream[:, :, -n_queries:]), ("K", stream), ("V", stream))
    )
    n_keys = stream.shape[2]
    scores = torch.einsum("rpqhe,rpkhe->rphqk", query, key) / math.sqrt(query.shape[-1])
    allowed = torch.ones(n_keys, n_keys, dtype=torch.bool, device=stream.device)
    allowed = (allowed.tril() if causal else allowed)[-n_queries:]
    pattern = scores.masked_fill(~allowed, -math.inf).softmax(-1)
    if rate != 1:
        pattern = rate * pattern + (1 - rate) * allowed.to(pattern)
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
