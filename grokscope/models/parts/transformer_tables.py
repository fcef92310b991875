"""The tables of the one-layer transformer's samples, and the gradient of its weights by hand.

With x the rows of the stream (all a, all b, then "=" if any), v_h = x W_V,h, W_O' = W_O (through the bottleneck, if it
is at resid_mid), w_h the value of "=" or 0, and c what the weights of the three keys add up to, for each head h

    hidden_h  = (v_h - w_h) W_O',h W_in       rest of hidden = r W_in + b_in            r = x_last + c sum_h w_h W_O',h
    direct_h  = (v_h - w_h) W_O',h W_U        rest of direct = r W_U + b_out W_U + b_U
    readout   = (W_out W_U)^T                 scores: `Attention.scores`

The products W_O' W_in and W_O' W_U are formed first. A product y = a b has the gradients da = dy b^T and db = a^T dy;
what is read twice has the sum of both. Rows are those of all replicas: for each replica and head all a, then all b;
then the rest of each replica. So a pair of replica and head is a block of rows, and blocks are one batch of products.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.models.base import NECK, Params
from grokscope.models.parts.attention import Attention
from grokscope.numerics.products import add_products, products
from grokscope.numerics.side_by_side import side_by_side


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The tables that samples are computed from, or the gradients of them."""

    scores: Float[Tensor, "replica score_row head"]
    hidden: Float[Tensor, "row d_mlp"]
    direct: Float[Tensor, "row output"]
    readout: Float[Tensor, "replica output d_mlp"]


class Kept:
    """Arrays that stay from step to step: fresh memory pages would cost a tenth of a step.

    Two threads that ask for a new one at once get the same: `setdefault` is one operation.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, torch.dtype], Tensor] = {}

    def __call__(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        known = self._known.get((name, dtype))
        return self._known.setdefault((name, dtype), torch.empty(shape, dtype=dtype)) if known is None else known


class TransformerTables:
    """`forward`, then `backward` at the same parameters."""

    def __init__(self, attention: Attention, n_replicas: int) -> None:
        self.attention, self.model, self.settings = attention, attention.model, attention.settings
        self.n_replicas, self.n_heads, self.n_symbols = n_replicas, self.settings.n_heads, attention.n_symbols
        self.n_in_blocks = n_replicas * self.n_heads * 2 * self.n_symbols
        self.n_rest = 1 if self.settings.equals_token else self.n_symbols
        self.n_rows = self.n_in_blocks + n_replicas * self.n_rest
        rate = self.settings.attention_rate
        self._total = rate + 3 * (1 - rate)
        n_blocks = n_replicas * self.n_heads
        half = -(-n_blocks // 2)
        self.halves = [slice(0, half), slice(half, n_blocks)] if half < n_blocks else [slice(0, half)]
        self._kept = Kept()

    def forward(self, params: Params) -> Tables:
        """The tables; their arrays stay the same at every step."""
        self._params = params
        d_mlp, n_outputs = params["W_in"].shape[-1], params["W_U"].shape[-1]
        self._hidden, self._direct = (
            self._array("hidden", self.n_rows, d_mlp),
            self._array("direct", self.n_rows, n_outputs),
        )
        self._readout = self._array("readout", self.n_replicas, n_outputs, d_mlp)
        side_by_side([self._multiply_weights, self._read])
        side_by_side([lambda half=half: self._fill(half) for half in self.halves])
        return Tables(scores=self._scores, hidden=self._hidden, direct=self._direct, readout=self._readout)

    def backward(self, d: Tables, into: Params) -> None:
        """Writes the gradients of all parameters, after `backward_blocks` of all blocks.

        d: those of the tables; of hidden and direct, the rest rows alone.
        """
        for name in NECK:
            if name in into:
                into[name].zero_()
        d_hidden, d_direct = (rows.view(self.n_replicas, self.n_rest, -1) for rows in (d.hidden, d.direct))
        d_rest = d_hidden @ self._params["W_in"].mT + d_direct @ self._params["W_U"].mT
        side_by_side(
            [
                lambda: self._backward_middle(d_hidden, d_rest, into),
                lambda: self._backward_outputs(d, d_direct, into),
            ]
        )
        self._backward_stream(d_rest, into)

    def backward_blocks(self, d_hidden: Tensor, d_direct: Tensor, blocks: slice) -> None:
        """The gradients of the blocks' values and products of weights; d: those of the blocks' rows."""
        values = self._values[blocks]
        d_hidden, d_direct = (rows.view(*values.shape[:2], -1) for rows in (d_hidden, d_direct))
        d_values = products(d_hidden, self._by_head(self._W_OI)[blocks].mT, self._like("values", self._values)[blocks])
        add_products(d_values, d_direct, self._by_head(self._W_OU)[blocks].mT)
        products(values.mT, d_hidden, self._by_head(self._like("W_OI", self._W_OI))[blocks])
        products(values.mT, d_direct, self._by_head(self._like("W_OU", self._W_OU))[blocks])

    def _multiply_weights(self) -> None:
        """W_O', W_O' W_in and W_O' W_U."""
        params = self._params
        self._W_O = self.model.squeeze(params, "resid_mid", params["W_O"].flatten(1, 2))
        shape = self._W_O.shape[:2]
        self._W_OI = products(self._W_O, params["W_in"], self._array("W_OI", *shape, self._hidden.shape[-1]))
        self._W_OU = products(self._W_O, params["W_U"], self._array("W_OU", *shape, self._direct.shape[-1]))

    def _read(self) -> None:
        """The stream, what attention reads of it, and the read-out."""
        params = self._params
        self._stream = self.attention.stream(params)
        self._scores = self.attention.scores(params, self._stream)
        self._W_V = params["W_V"].transpose(1, 2).flatten(2)
        shape = *self._stream.shape[:2], self._W_V.shape[-1]
        values = self._all_values = products(self._stream, self._W_V, self._array("all values", *shape))
        self._of_equals = values[:, 2 * self.n_symbols :]
        by_head = self._split_heads(values[:, : 2 * self.n_symbols])
        self._values = self._array("values", self.n_replicas * self.n_heads, *by_head.shape[2:])
        blocks = self._values.view(by_head.shape)
        if self.settings.equals_token:
            torch.sub(by_head, self._split_heads(self._of_equals), out=blocks)
        else:
            blocks.copy_(by_head)
        self._W_out = params["W_out"]
        if self.settings.bottleneck == "mlp_post":
            self._W_up_out = params["W_up"] @ params["W_out"]
            self._W_out = params["W_down"] @ self._W_up_out
        products(params["W_U"].mT, self._W_out.mT, self._readout)

    def _fill(self, blocks: slice) -> None:
        """Writes the rows of these blocks; with the first ones also the rest."""
        for table, by_head in ((self._hidden, self._W_OI), (self._direct, self._W_OU)):
            rows = table[: self.n_in_blocks].view(len(self._values), -1, table.shape[-1])
            products(self._values[blocks], self._by_head(by_head)[blocks], rows[blocks])
        if blocks.start:
            return
        params = self._params
        self._last = self.attention.last(self._stream)
        self._r = self.model.squeeze(params, "resid_mid", self._last)
        if self.settings.equals_token:
            self._r = torch.baddbmm(self._r, self._of_equals, self._W_O, alpha=self._total)
        hidden, direct = self._r @ params["W_in"], self._r @ params["W_U"]
        for name, rest in (("b_in", hidden), ("b_U", direct)):
            if name in params:
                rest.add_(params[name][:, None])
        if "b_out" in params:
            direct += params["b_out"][:, None] @ params["W_U"]
        self._rest(self._hidden).copy_(hidden)
        self._rest(self._direct).copy_(direct)

    def _backward_middle(self, d_hidden: Tensor, d_rest: Tensor, into: Params) -> None:
        """Of W_in, b_in and W_O. d: of the rest rows and of r."""
        params, d_W_OI, d_W_OU = self._params, self._like("W_OI", self._W_OI), self._like("W_OU", self._W_OU)
        add_products(products(self._W_O.mT, d_W_OI, into["W_in"]), self._r.mT, d_hidden)
        if "b_in" in into:
            torch.sum(d_hidden, 1, out=into["b_in"])
        d_W_O = products(d_W_OI, params["W_in"].mT, self._like("W_O", self._W_O))
        add_products(d_W_O, d_W_OU, params["W_U"].mT)
        if self.settings.equals_token:
            d_W_O.baddbmm_(self._of_equals.mT, d_rest, alpha=self._total)
        d_W_O = self._backward_squeeze("resid_mid", params["W_O"].flatten(1, 2), d_W_O, into)
        into["W_O"].copy_(d_W_O.view_as(into["W_O"]))

    def _backward_outputs(self, d: Tables, d_direct: Tensor, into: Params) -> None:
        """Of W_out, b_out, W_U, b_U, W_Q and W_K, and of the stream as far as the scores read it."""
        params = self._params
        d_W_U = products(self._W_out.mT, d.readout.mT, into["W_U"])
        add_products(d_W_U, self._W_O.mT, self._like("W_OU", self._W_OU))
        d_W_U.baddbmm_(self._r.mT, d_direct)
        d_bias = d_direct.sum(1)
        if "b_out" in params:
            d_W_U.baddbmm_(params["b_out"][..., None], d_bias[:, None])
            into["b_out"].copy_((d_bias[:, None] @ params["W_U"].mT)[:, 0])
        if "b_U" in params:
            into["b_U"].copy_(d_bias)
        if self.settings.bottleneck == "mlp_post":
            d_W_out = d.readout.mT @ params["W_U"].mT
            d_up_out = params["W_down"].mT @ d_W_out
            torch.bmm(d_W_out, self._W_up_out.mT, out=into["W_down"])
            torch.bmm(d_up_out, params["W_out"].mT, out=into["W_up"])
            torch.bmm(params["W_up"].mT, d_up_out, out=into["W_out"])
        else:
            products(d.readout.mT, params["W_U"].mT, into["W_out"])
        self._d_stream = self.attention.backward_scores(params, self._stream, d.scores, into)

    def _backward_stream(self, d_rest: Tensor, into: Params) -> None:
        """Of W_V, W_pos and the embeddings."""
        n_first, d_stream = 2 * self.n_symbols, self._d_stream
        d_blocks = self._like("values", self._values).unflatten(0, (self.n_replicas, -1))
        d_values = self._like("all values", self._all_values)
        self._split_heads(d_values[:, :n_first]).copy_(d_blocks)
        if self.settings.equals_token:
            of_equals = self._total * (d_rest @ self._W_O.mT)
            torch.sub(of_equals, d_values[:, :n_first].sum(1, keepdim=True), out=d_values[:, n_first:])
        into["W_V"].copy_(self._split_heads(self._stream.mT @ d_values))
        add_products(d_stream, d_values, self._W_V.mT)
        self.attention.last(d_stream).add_(self._backward_squeeze("resid_mid", self._last, d_rest, into))
        parts = d_stream.split(self.n_symbols, dim=1)
        for position, part in enumerate(parts):
            torch.sum(part, 1, out=into["W_pos"][:, position])
        first, second, *equals = parts
        tied = self.settings.tied
        d_table = torch.cat([first + second if tied else first, *equals], dim=1)
        for name, d in (("W_E", d_table), *(() if tied else (("W_E_right", second),))):
            into[name].copy_(self._backward_squeeze("embed", self._params[name], d, into))

    def _backward_squeeze(self, site: str, x: Tensor, d: Tensor, into: Params) -> Tensor:
        """The gradient of x from that of `Model.squeeze`; adds those of the bottleneck's factors."""
        if self.settings.bottleneck != site:
            return d
        down, up = (self._params[name] for name in NECK)
        into["W_up"].baddbmm_((x @ down).mT, d)
        d_narrow = d @ up.mT
        into["W_down"].baddbmm_(x.mT, d_narrow)
        return d_narrow @ down.mT

    def _rest(self, rows: Float[Tensor, "row channel"]) -> Float[Tensor, "replica rest channel"]:
        return rows[self.n_in_blocks :].view(self.n_replicas, self.n_rest, -1)

    def _split_heads(self, x: Float[Tensor, "replica row head_channel"]) -> Float[Tensor, "replica head row d_head"]:
        return x.unflatten(2, (self.n_heads, -1)).transpose(1, 2)

    def _by_head(self, weight: Float[Tensor, "replica head_channel column"]) -> Float[Tensor, "block d_head column"]:
        return weight.view(self.n_replicas * self.n_heads, -1, weight.shape[-1])

    def _array(self, name: str, *shape: int) -> Tensor:
        return self._kept(name, shape, self._params["W_in"].dtype)

    def _like(self, name: str, of: Tensor) -> Tensor:
        """The array of a gradient."""
        return self._array(f"d {name}", *of.shape)
