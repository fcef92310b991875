"""The one-layer transformer on fixed samples, with fewer operations and a gradient computed by hand.

A sample's pre-activations are a weighted sum of rows of a table: one row per head for a, one per head for b, and one
for the part that does not depend on attention. With v the values and W_in' = W_O W_in, for each head h,

    pre(a, b)  = sum_h A_0 (v_h[a] - w_h) W_in',h + A_1 (u_h[b] - w_h) W_in',h + rest          hidden
    out(a, b)  = the same with W_U for W_in, + phi(pre) W_out W_U                              direct, readout

because the attention weights of the three keys add up to a constant (without "=" nothing is subtracted, and `rest` has
a row for each b). The tables cost as much as p samples. A sum of 2 n_heads + 1 rows costs a fraction of the product of
d_model rows that it replaces. Multiply-adds per sample, forward: (2 n_heads + 1)(d_mlp + outputs) + d_mlp outputs;
backward: twice that. The literal network needs 3 positions of 4 d_model^2 + 2 d_model d_mlp and more.

The tables are small; autograd differentiates them. The samples are computed in chunks that stay in the cache. The
gradient of a table's row is again a weighted sum, over the samples that read it, always in the same order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from warnings import catch_warnings, simplefilter

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from grokscope.models.base import Loss, Params, Program
from grokscope.models.parts.activation import ACTIVATIONS
from grokscope.models.parts.attention import Attention
from grokscope.numerics.products import Product, add_products, products

# Elements of the activations of one chunk: 4 MB in float32. From 1 to 8 MB the speed does not change measurably.
CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The tables that samples are computed from. Rows: for each head all a, then all b; then the rest."""

    scores: Float[Tensor, "replica score_row head"]
    hidden: Float[Tensor, "replica row d_mlp"]
    direct: Float[Tensor, "replica row output"]
    readout: Float[Tensor, "replica output d_mlp"]

    def all(self) -> list[Tensor]:
        return [self.scores, self.hidden, self.direct, self.readout]


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Some samples, as replicas and rows, and the table rows that each adds up, counted from the first replica."""

    replicas: slice
    rows: slice
    indices: Int[Tensor, " sample_term"]
    offsets: Int[Tensor, " sample"]


class TransformerProgram(Program):
    def __init__(self, attention: Attention, inputs: Int[Tensor, "replica pair operand"]) -> None:
        super().__init__(attention.model, inputs)
        self.attention, self.settings = attention, attention.settings
        self.n_replicas, self.n_pairs = inputs.shape[:2]
        p, n_heads = attention.n_symbols, self.settings.n_heads
        self.score_rows = attention.score_rows(inputs)
        n_rest = 1 if self.settings.equals_token else p
        self.n_rows = 2 * p * n_heads + n_rest
        a, b = inputs.unbind(-1)
        heads = torch.arange(n_heads) * 2 * p
        rest = 2 * p * n_heads + (torch.zeros_like(b) if n_rest == 1 else b)
        self.terms = torch.cat([a[..., None] + heads, p + b[..., None] + heads, rest[..., None]], dim=-1)
        self._activation = ACTIVATIONS[self.settings.activation]
        self.chunks = list(self._chunks())
        self._arrays: dict[str, Tensor] = {}
        self._known_addresses: Tensor | None = None

    def outputs(self, params: Params) -> Float[Tensor, "replica pair output"]:
        with torch.no_grad():
            tables = self._tables(params)
            weights, _ = self._weights(tables)
            outputs = tables.hidden.new_empty(self.n_replicas, self.n_pairs, tables.direct.shape[-1])
            for chunk in self.chunks:
                _, _, outputs[chunk.replicas, chunk.rows] = self._forward(tables, weights, chunk)
        return outputs

    def gradients(self, params: Params, loss: Loss) -> tuple[Float[Tensor, "replica pair"], dict[str, Tensor]]:
        leaves = {name: tensor.detach().requires_grad_() for name, tensor in params.items()}
        with torch.enable_grad():
            graph = self._tables(leaves)
        tables = Tables(**{name: table.detach() for name, table in vars(graph).items()})
        with torch.no_grad():
            losses, d_tables = self._samples(tables, loss)
        return losses, dict(zip(leaves, torch.autograd.grad(graph.all(), list(leaves.values()), d_tables), strict=True))

    def _tables(self, params: Params) -> Tables:
        model, attention = self.model, self.attention
        stream = attention.stream(params)
        values = stream[:, None] @ params["W_V"]
        rest = model.squeeze(params, "resid_mid", attention.last(stream))
        W_O = model.squeeze(params, "resid_mid", params["W_O"].flatten(1, 2))
        if self.settings.equals_token:
            values, of_equals = values[:, :, :-1] - values[:, :, -1:], values[:, :, -1:]
            total = self.settings.attention_rate + 3 * (1 - self.settings.attention_rate)
            rest = rest + total * of_equals.transpose(1, 2).flatten(2) @ W_O
        W_out = params["W_out"]
        if self.settings.bottleneck == "mlp_post":
            W_out = params["W_down"] @ (params["W_up"] @ W_out)

        def read(name: str, weight: Tensor, bias: Tensor | float) -> Tensor:
            by_head = Product.apply(W_O, weight).unflatten(1, values.shape[1::2])
            into = self._kept(name, (len(values), self.n_rows, weight.shape[-1]), weight.dtype)
            return _Table.apply(values, by_head, rest @ weight + bias, into)

        b_in, b_out, b_U = (params[name][:, None] if name in params else 0.0 for name in ("b_in", "b_out", "b_U"))
        hidden = read("hidden", params["W_in"], b_in)
        direct = read("direct", params["W_U"], (b_out @ params["W_U"] if isinstance(b_out, Tensor) else 0.0) + b_U)
        return Tables(
            scores=attention.scores(params, stream),
            hidden=hidden,
            direct=direct,
            readout=Product.apply(params["W_U"].mT, W_out.mT),
        )

    def _weights(self, tables: Tables) -> tuple[Float[Tensor, "replica pair term"], Tensor]:
        """The weight of every term of every sample, and the softmax pattern they come from."""
        pattern = self.attention.pattern(tables.scores, self.score_rows)
        weights = pattern.new_ones(self.terms.shape)
        weights[..., :-1] = self.attention.mixed(pattern[:2]).permute(1, 2, 0, 3).flatten(2)
        return weights, pattern

    def _forward(self, tables: Tables, weights: Tensor, chunk: Chunk) -> tuple[Tensor, Tensor, Tensor]:
        """Pre-activations (overwritten by ReLU), activations and outputs of a chunk."""
        weight = weights[chunk.replicas, chunk.rows].flatten()
        shape = (chunk.replicas.stop - chunk.replicas.start, chunk.rows.stop - chunk.rows.start, -1)
        pre = _sums(tables.hidden[chunk.replicas].flatten(0, 1), chunk.indices, chunk.offsets, weight).view(shape)
        out = _sums(tables.direct[chunk.replicas].flatten(0, 1), chunk.indices, chunk.offsets, weight).view(shape)
        post = pre.relu_() if self.settings.activation == "relu" else self._activation.function(pre)
        return pre, post, add_products(out, post, tables.readout[chunk.replicas].mT)

    def _samples(self, tables: Tables, loss: Loss) -> tuple[Tensor, list[Tensor]]:
        weights, pattern = self._weights(tables)
        d_pre, d_out = (
            self._kept(name, (self.n_replicas, self.n_pairs, table.shape[-1]), table.dtype)
            for name, table in (("d_pre", tables.hidden), ("d_out", tables.direct))
        )
        d_readout = torch.zeros_like(tables.readout)
        losses = tables.hidden.new_empty(self.n_replicas, self.n_pairs, dtype=torch.float64)
        for chunk in self.chunks:
            pre, post, out = self._forward(tables, weights, chunk)
            place = chunk.replicas, chunk.rows
            losses[place], d_out[place] = loss(out, *place)
            add_products(d_readout[chunk.replicas], d_out[place].mT, post)
            d_post = products(d_out[place], tables.readout[chunk.replicas], d_pre[place])
            self._activation.backward(d_post, post if self._activation.by_output else pre)
        d_weights = self._weight_gradient(tables, d_pre, d_out)
        read = weights.flatten().index_select(0, self._readers[0])
        d_tables = [self._row_sums(d_pre, read), self._row_sums(d_out, read)]
        return losses, [self._score_gradient(tables, pattern, d_weights), *d_tables, d_readout]

    def _weight_gradient(self, tables: Tables, d_pre: Tensor, d_out: Tensor) -> Float[Tensor, "replica pair term"]:
        """d loss / d weight of a term: the product of the sample's gradient with the term's row."""
        products = self._addresses(d_pre.dtype)
        for d, table in ((d_pre, tables.hidden), (d_out, tables.direct)):
            beta = 0.0 if d is d_pre else 1.0
            products = torch.sparse.sampled_addmm(products, d.flatten(0, 1), table.flatten(0, 1).mT, beta=beta)
        return products.values().view(self.n_replicas, self.n_pairs, -1)

    def _row_sums(self, d: Float[Tensor, "replica pair channel"], weights: Float[Tensor, " term"]) -> Tensor:
        """d loss / d row of a table: the sum over the samples that read it. weights: of the terms in that order."""
        _, samples, offsets = self._readers
        sums = _sums(d.flatten(0, 1), samples, offsets, weights)
        return sums.view(self.n_replicas, self.n_rows, -1)

    def _score_gradient(self, tables: Tables, pattern: Tensor, d_weights: Tensor) -> Tensor:
        d_pattern = torch.zeros_like(pattern)
        d_pattern[:2] = d_weights.unflatten(-1, (2, -1)).permute(2, 0, 1, 3)
        if self.settings.attention_rate != 1:
            d_pattern *= self.settings.attention_rate
        d_score = pattern * (d_pattern - (pattern * d_pattern).sum(0))
        d_scores = torch.zeros_like(tables.scores).flatten(0, 1)
        first = torch.arange(self.n_replicas)[:, None] * tables.scores.shape[1]
        for key, rows in enumerate(self.score_rows):
            d_scores.index_add_(0, (rows + first).flatten(), d_score[key].flatten(0, 1))
        return d_scores.view_as(tables.scores)

    def _kept(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A large array that is reused at every step: fresh memory pages would cost a tenth of a step."""
        known = self._arrays.get(name)
        if known is None or known.dtype != dtype:
            known = self._arrays[name] = torch.empty(shape, dtype=dtype)
        return known.detach()  # an alias: autograd's notes on it end with the step

    def _chunks(self) -> Iterator[Chunk]:
        """Rows of one replica, or several whole replicas, about CHUNK activations at a time."""
        n_terms = self.terms.shape[-1]
        n_rows = max(1, min(self.n_pairs, CHUNK // self.settings.d_mlp))
        n_rows = -(-self.n_pairs // -(-self.n_pairs // n_rows))  # as many chunks, of equal size
        n_together = max(1, CHUNK // (self.n_pairs * self.settings.d_mlp)) if n_rows == self.n_pairs else 1
        for start in range(0, self.n_replicas, n_together):
            replicas = slice(start, min(start + n_together, self.n_replicas))
            first = torch.arange(replicas.stop - start)[:, None, None] * self.n_rows
            for row in range(0, self.n_pairs, n_rows):
                rows = slice(row, min(row + n_rows, self.n_pairs))
                indices = (self.terms[replicas, rows] + first).flatten()
                yield Chunk(
                    replicas=replicas, rows=rows, indices=indices, offsets=torch.arange(0, len(indices), n_terms)
                )

    def _addresses(self, dtype: torch.dtype) -> Tensor:
        """A sparse (sample, table row) matrix with an entry for each term whose weight depends on attention."""
        if self._known_addresses is None or self._known_addresses.dtype != dtype:
            terms = self.terms[..., :-1]
            first = torch.arange(self.n_replicas)[:, None, None] * self.n_rows
            columns = (terms + first).flatten()
            samples = torch.arange(0, len(columns) + 1, terms.shape[-1])
            size = (self.n_replicas * self.n_pairs, self.n_replicas * self.n_rows)
            with catch_warnings():
                simplefilter("ignore", UserWarning)  # torch calls its sparse layout a beta
                places = torch.zeros(len(columns), dtype=dtype)
                self._known_addresses = torch.sparse_csr_tensor(samples, columns, places, size)
        return self._known_addresses

    @cached_property
    def _readers(self) -> tuple[Tensor, Tensor, Tensor]:
        """Terms in the order of the table rows that they read; the sample of each; the first term of each row."""
        first = torch.arange(self.n_replicas)[:, None, None] * self.n_rows
        rows = (self.terms + first).flatten()
        order = rows.argsort(stable=True)
        counts = torch.bincount(rows, minlength=self.n_replicas * self.n_rows)
        return order, order // self.terms.shape[-1], counts.cumsum(0) - counts


class _Table(torch.autograd.Function):
    """Rows (head, symbol) of values times by_head, then the rest, written into a given array."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, by_head: Tensor, rest: Tensor, into: Tensor) -> Tensor:
        ctx.save_for_backward(values, by_head)
        n = values.shape[1] * values.shape[2]
        if len(values) == 1:
            torch.bmm(values[0], by_head[0], out=into[0, :n].view(*values.shape[1:3], -1))
        else:
            into[:, :n] = (values @ by_head).flatten(1, 2)
        into[:, n:] = rest
        ctx.mark_dirty(into)
        return into

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        values, by_head = ctx.saved_tensors
        n = values.shape[1] * values.shape[2]
        d_rows, d_rest = grad_outputs[0][:, :n].unflatten(1, values.shape[1:3]), grad_outputs[0][:, n:]
        return d_rows @ by_head.mT, values.mT @ d_rows, d_rest, None


def _sums(
    table: Float[Tensor, "row channel"], indices: Int[Tensor, " term"], offsets: Tensor, weights: Tensor
) -> Float[Tensor, "sum channel"]:
    """Weighted sums of rows, each over the terms from its offset to the next."""
    return torch.ops.aten._embedding_bag_forward_only(table, indices, offsets, False, 0, False, weights, False, -1)[0]
