"""Attention patterns of networks that keep them to themselves, computed again from queries and keys."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

TOLERANCE = 1e-3  # of the largest number of the layer's own output


@dataclass(frozen=True, kw_only=True)
class Attention:
    """The modules of a network whose outputs are queries and keys, (point, position, heads times width).

        pattern = softmax(mask + q k^T / sqrt(width)),   per head, from the last position

    q, k, v: their names; or qkv, one module that gives all three side by side. out: the module that reads
    pattern v of all heads, concatenated: with it (and v) the pattern is checked against what that module really read.
    n_heads: their number. n_key_heads: of keys and values, where they are fewer (grouped queries). causal: whether a
    position sees the earlier ones and itself alone. scale: in the place of 1 / sqrt(width).
    """

    q: str = ""
    k: str = ""
    v: str = ""
    qkv: str = ""
    out: str = ""
    n_heads: int
    n_key_heads: int | None = None
    causal: bool = True
    scale: float | None = None

    def __post_init__(self) -> None:
        if bool(self.qkv) == bool(self.q and self.k):
            raise ValueError("attention needs q and k, or qkv: the names of the modules that compute them")
        if self.n_heads < 1 or self.n_heads % (self.n_key_heads or 1):
            raise ValueError(f"n_heads = {self.n_heads}, n_key_heads = {self.n_key_heads}: expected a multiple")

    @property
    def names(self) -> dict[str, str]:
        """The modules that are listened to, by what they give."""
        parts = {"q": self.q, "k": self.k, "v": self.v, "qkv": self.qkv, "out": self.out}
        return {part: name for part, name in parts.items() if name}

    def pattern(self, heard: Mapping[str, Tensor]) -> Float[Tensor, "point head key"]:
        """The pattern from the last position. heard: outputs by the part they give; of out its input.

        ValueError where what `out` read is not pattern v.
        """
        q, k, v = self._parts(heard)
        scale = 1 / math.sqrt(q.shape[-1]) if self.scale is None else self.scale
        scores = torch.einsum("bqhd,bkhd->bhqk", q.double(), k.double()) * scale
        if self.causal:
            n = scores.shape[-1]
            scores = scores.masked_fill(torch.ones(n, n, dtype=torch.bool, device=scores.device).triu(1), -math.inf)
        pattern = scores.softmax(-1)
        if v is not None and "out" in heard:
            mixed = torch.einsum("bhqk,bkhd->bqhd", pattern, v.double()).flatten(2)
            _require_close(mixed, heard["out"].double(), "the pattern computed from q and k, times v,")
        return pattern[:, :, -1].to(q.dtype)

    def _parts(self, heard: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor | None]:
        if "qkv" in heard:
            width = heard["qkv"].shape[-1] // (self.n_heads + 2 * (self.n_key_heads or self.n_heads))
            keys = width * (self.n_key_heads or self.n_heads)
            q, k, v = heard["qkv"].split([width * self.n_heads, keys, keys], dim=-1)
        else:
            q, k, v = heard["q"], heard["k"], heard.get("v")
        q = q.unflatten(-1, (self.n_heads, -1))
        return q, self._spread(k), None if v is None else self._spread(v)

    def _spread(self, x: Tensor) -> Tensor:
        """Keys or values for each head."""
        n = self.n_key_heads or self.n_heads
        return x.unflatten(-1, (n, -1)).repeat_interleave(self.n_heads // n, dim=-2)


def of_multihead(module: nn.MultiheadAttention) -> Callable[[tuple, dict, Any], Tensor]:
    """A function of the arguments and the output of a call of PyTorch's attention: the pattern from the last position,
    by asking the module itself for its weights, checked against the output of the call."""

    def pattern(args: tuple, kwargs: dict, output: Any) -> Tensor:
        asked: dict[str, Any] = kwargs | {"need_weights": True, "average_attn_weights": False}
        names = ("query", "key", "value", "key_padding_mask", "need_weights", "attn_mask", "average_attn_weights")
        given: dict[str, Any] = dict(zip(names, args, strict=False)) | asked
        again, weights = module.forward(**given)
        assert weights is not None
        _require_close(again, output[0], "attention computed with its weights")
        return weights[:, :, -1]

    return pattern


def _require_close(one: Tensor, other: Tensor, what: str) -> None:
    error, size = float((one - other).abs().max()), float(other.abs().max())
    if not error <= TOLERANCE * max(size, 1e-30):
        raise ValueError(f"{what} differs from what the network computed by {error / max(size, 1e-30):.2g} of it")
