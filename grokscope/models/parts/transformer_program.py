"""The one-layer transformer on fixed samples, with fewer operations and a gradient computed by hand.

A sample's pre-activations are a weighted sum of rows of a table: one row per head for a, one per head for b, and one
for the part that does not depend on attention. With v the values and W_in' = W_O W_in, for each head h,

    pre(a, b)  = sum_h A_0 (v_h[a] - w_h) W_in',h + A_1 (u_h[b] - w_h) W_in',h + rest          hidden
    out(a, b)  = the same with W_U for W_in, + phi(pre) W_out W_U                              direct, readout

because the attention weights of the three keys add up to a constant (without "=" nothing is subtracted, and `rest` has
a row for each b). The tables cost as much as p samples. A sum of 2 n_heads + 1 rows costs a fraction of the product of
d_model rows that it replaces. Multiply-adds per sample, forward: (2 n_heads + 1)(d_mlp + outputs) + d_mlp outputs;
backward: twice that. The literal network needs 3 positions of 4 d_model^2 + 2 d_model d_mlp and more.

Backward: d pre = phi'(pre) (d out) readout, where d out is that of the loss. A term's weight A has the gradient
d pre . row of hidden + d out . row of direct. A row has the sum of A d pre (or A d out) over the samples that read it,
always in the same order. `transformer_tables.py` goes on from there.

Samples are computed in chunks that stay in the cache, and the work is cut in two halves that may be done side by side:
of the tables, of the samples, of the rows. The halves follow from the sizes alone, so the number of threads changes no
bit of a result.
"""

from itertools import chain
from warnings import catch_warnings, simplefilter

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.models.parts.activation import ACTIVATIONS
from grokscope.models.parts.attention import Attention
from grokscope.models.parts.program import Loss, Params, Program
from grokscope.models.parts.transformer_plan import Chunk, Plan
from grokscope.models.parts.transformer_tables import Tables, TransformerTables
from grokscope.numerics.products import add_products, products
from grokscope.numerics.side_by_side import side_by_side


class Work:
    """Arrays that stay from step to step: fresh memory pages would cost a tenth of a step.

    The keys of a chunk's samples are together, key by key. d_rest: of the rows that are in no block. addresses: a
    sparse (sample, table row) matrix for each chunk, with an entry for each term whose weight depends on attention.
    """

    def __init__(self, plan: Plan, tables: Tables) -> None:
        new, n_samples, n_heads = tables.hidden.new_empty, plan.n_replicas * plan.n_pairs, tables.scores.shape[-1]
        n_keys, n_rest = len(plan.score_readers.terms), len(plan.readers[-1][-1].offsets)
        self.weights = new(n_samples, 2 * n_heads + 1).fill_(1)
        self.pattern, self.d_scores = (new(n_keys, n_heads) for _ in range(2))
        self.d_pre, self.d_out = (new(n_samples, table.shape[-1]) for table in (tables.hidden, tables.direct))
        self.d_rest = [new(n_rest, d.shape[-1]) for d in (self.d_pre, self.d_out)]
        self.d_readouts = new(2, *tables.readout.shape)
        self.addresses: dict[int, Tensor] = {}
        for chunk in chain(*plan.chunks):
            columns = chunk.terms.view(-1, 2 * n_heads + 1)[:, :-1]
            starts = torch.arange(0, columns.numel() + 1, 2 * n_heads)
            size = len(columns), len(tables.hidden)
            with catch_warnings():
                simplefilter("ignore", UserWarning)  # torch calls its sparse layout a beta
                places = torch.sparse_csr_tensor(starts, columns.flatten(), new(columns.numel()).zero_(), size)
            self.addresses[chunk.samples.start] = places


class TransformerProgram(Program):
    def __init__(self, attention: Attention, inputs: Int[Tensor, "replica pair operand"]) -> None:
        super().__init__(attention.model, inputs)
        self.attention, self.settings = attention, attention.settings
        self.n_replicas, self.n_pairs = inputs.shape[:2]
        self.n_keys = 3 if self.settings.equals_token else 2
        self.tables = TransformerTables(attention, self.n_replicas)
        self.plan = Plan(attention, inputs, self.settings.d_mlp)
        self._activation = ACTIVATIONS[self.settings.activation]
        self._work: Work | None = None

    def outputs(self, params: Params) -> Float[Tensor, "replica pair output"]:
        with torch.no_grad():
            tables = self.tables.forward(params)
            work = self._arrays(tables)
            outputs = tables.hidden.new_empty(self.n_replicas, self.n_pairs, tables.direct.shape[-1])

            def compute(chunks: list[Chunk]) -> None:
                for chunk in chunks:
                    outputs[chunk.replicas, chunk.rows] = self._forward(tables, work, chunk)[-1]

            side_by_side([lambda half=half: compute(half) for half in self.plan.chunks])
        return outputs

    def gradients(
        self, params: Params, loss: Loss, into: Params | None = None
    ) -> tuple[Float[Tensor, "replica pair"], Params]:
        into = {name: torch.empty_like(tensor) for name, tensor in params.items()} if into is None else into
        with torch.no_grad():
            tables = self.tables.forward(params)
            work = self._arrays(tables)
            losses = tables.hidden.new_empty(self.n_replicas, self.n_pairs, dtype=torch.float64)

            def work_on(half: int) -> None:
                work.d_readouts[half].zero_()
                for chunk in self.plan.chunks[half]:
                    losses[chunk.replicas, chunk.rows], d_out, post = self._samples(tables, work, loss, chunk)
                    add_products(work.d_readouts[half, chunk.replicas], d_out.mT, post)

            side_by_side([lambda half=half: work_on(half) for half in (0, 1)])
            d_scores = torch.empty_like(tables.scores)
            side_by_side(
                [
                    lambda: (self._rows(work, 0), self._score_rows(work, d_scores)),
                    lambda: self._rows(work, 1),
                ]
            )
            d_hidden, d_direct = work.d_rest
            d = Tables(scores=d_scores, hidden=d_hidden, direct=d_direct, readout=work.d_readouts.sum(0))
            self.tables.backward(d, into)
        return losses, into

    def _forward(self, tables: Tables, work: Work, chunk: Chunk) -> tuple[Tensor, Tensor, Tensor]:
        """Pre-activations (overwritten by ReLU), activations and outputs of a chunk."""
        weights, pattern = work.weights[chunk.samples], work.pattern[chunk.keys]
        by_key = pattern.view(self.n_keys, -1)
        scores = tables.scores.flatten(0, 1).index_select(0, chunk.scores).view_as(by_key)
        torch._softmax(scores, 0, False, out=by_key)  # pyright: ignore[reportPrivateImportUsage]
        mixed = self.attention.mixed(by_key[:2].view(2, -1, self.settings.n_heads)).transpose(0, 1)
        weights[:, :-1].view(mixed.shape).copy_(mixed)
        shape = (chunk.replicas.stop - chunk.replicas.start, chunk.rows.stop - chunk.rows.start, -1)
        pre, out = (
            _sums(table, chunk.terms, chunk.offsets, weights.view(-1)).view(shape)
            for table in (tables.hidden, tables.direct)
        )
        post = pre.relu_() if self.settings.activation == "relu" else self._activation.function(pre)
        return pre, post, add_products(out, post, tables.readout[chunk.replicas].mT)

    def _samples(self, tables: Tables, work: Work, loss: Loss, chunk: Chunk) -> tuple[Tensor, Tensor, Tensor]:
        """Losses, their gradient in the outputs, and the activations; keeps the gradients of a chunk's samples."""
        pre, post, out = self._forward(tables, work, chunk)
        losses, gradient = loss(out, chunk.replicas, chunk.rows)
        d_out, d_pre = work.d_out[chunk.samples].view_as(out), work.d_pre[chunk.samples].view_as(post)
        d_out.copy_(gradient)
        products(d_out, tables.readout[chunk.replicas], d_pre)
        self._activation.backward(d_pre, post if self._activation.by_output else pre)
        self._backward_pattern(tables, work, chunk)
        return losses, d_out, post

    def _backward_pattern(self, tables: Tables, work: Work, chunk: Chunk) -> None:
        """d loss / d score of each key. d loss / d weight of a term: the sample's gradient times the term's row."""
        found = work.addresses[chunk.samples.start]
        torch.sparse.sampled_addmm(found, work.d_pre[chunk.samples], tables.hidden.mT, beta=0.0, out=found)
        torch.sparse.sampled_addmm(found, work.d_out[chunk.samples], tables.direct.mT, out=found)
        keys = chunk.keys
        pattern, d_scores = (x[keys].view(self.n_keys, -1, x.shape[-1]) for x in (work.pattern, work.d_scores))
        weighted = found.values().view(-1, 2, pattern.shape[-1]).transpose(0, 1) * pattern[:2]
        torch.mul(pattern, weighted.sum(0), out=d_scores).neg_()
        d_scores[:2] += weighted
        if self.settings.attention_rate != 1:
            d_scores *= self.settings.attention_rate

    def _rows(self, work: Work, half: int) -> None:
        """d loss / d row of the tables, half of the rows, and what follows for each block of them.

        It is the weighted sum over the samples that read the row.
        """
        for readers in self.plan.readers[half]:
            weights = work.weights.view(-1).index_select(0, readers.terms)
            sums = [_sums(d, readers.samples, readers.offsets, weights) for d in (work.d_pre, work.d_out)]
            if readers.blocks is not None:
                self.tables.backward_blocks(sums[0], sums[1], readers.blocks)
                continue
            for rest, some in zip(work.d_rest, sums, strict=True):
                rest.copy_(some)

    def _score_rows(self, work: Work, d_scores: Tensor) -> None:
        """d loss / d score of a table's row: the sum over the keys that read it."""
        readers = self.plan.score_readers
        d_scores.copy_(_sums(work.d_scores, readers.terms, readers.offsets).view(d_scores.shape))

    def _arrays(self, tables: Tables) -> Work:
        if self._work is None or self._work.d_pre.dtype != tables.hidden.dtype:
            self._work = Work(self.plan, tables)
        return self._work


def _sums(
    table: Float[Tensor, "row channel"],
    indices: Int[Tensor, " term"],
    offsets: Tensor,
    weights: Tensor | None = None,
) -> Float[Tensor, "sum channel"]:
    """Weighted sums of rows, each over the terms from its offset to the next."""
    return torch.ops.aten._embedding_bag_forward_only(table, indices, offsets, False, 0, False, weights, False, -1)[0]
