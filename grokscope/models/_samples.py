"""The part of the one-layer transformer that runs over every sample, with its gradient by hand.

    A = softmax(s[a], t[b], c);   z = A_0 v[a] + A_1 u[b] + A_2 w;   post = relu(z P + p);   out = post Q + z R + q

Autograd would give the same numbers (tested against the literal network and finite differences). By hand, the large
arrays live in a workspace that the training loop keeps: fresh pages for them cost a third of a step. Counting
multiply-adds a sample, forward: d_model d_mlp (pre) + d_mlp vocabulary + d_model vocabulary (out); backward twice that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from grokscope.models.base import Workspace


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What the samples are computed from. Rows: symbols at position 0, symbols at position 1, "="."""

    scores: Float[Tensor, "replica row head"]
    values: Float[Tensor, "replica row channel"]
    z_to_pre: Float[Tensor, "replica channel d_mlp"]
    pre_bias: Float[Tensor, "replica 1 d_mlp"]
    post_to_out: Float[Tensor, "replica d_mlp vocabulary"]
    z_to_out: Float[Tensor, "replica channel vocabulary"]
    out_bias: Float[Tensor, "replica 1 vocabulary"]


def run_samples(
    tables: Tables, operands: Int[Tensor, "replica pair operand"], workspace: Workspace | None = None
) -> Float[Tensor, "replica pair vocabulary"]:
    """Outputs of every sample, differentiable in the tables. A workspace serves one forward and backward at a time."""
    rows = table_rows(operands, tables.scores.shape[1])
    return _Samples.apply(workspace or Workspace(), rows, *(getattr(tables, field.name) for field in fields(tables)))


def table_rows(operands: Int[Tensor, "replica pair operand"], n_rows: int) -> Int[Tensor, "operand replica_pair"]:
    """Row of the flattened tables that each operand of each input reads."""
    offset = torch.arange(len(operands), device=operands.device)[:, None, None] * n_rows
    position = torch.tensor([0, (n_rows - 1) // 2], device=operands.device)
    return (operands + offset + position).flatten(0, 1).T.contiguous()


def attention_pattern(
    scores: Float[Tensor, "replica row head"], rows: Int[Tensor, "operand replica_pair"]
) -> Float[Tensor, "key replica pair head"]:
    """Attention of "=" to a, to b and to itself."""
    flat = scores.flatten(0, 1)
    of_a, of_b = (flat.index_select(0, row).view(len(scores), -1, scores.shape[-1]) for row in rows)
    return torch.stack([of_a, of_b, scores[:, -1:].expand_as(of_a)]).softmax(0)


def mix(
    pattern: Float[Tensor, "key replica pair head"],
    values: Float[Tensor, "replica row channel"],
    rows: Int[Tensor, "operand replica_pair"],
    workspace: Workspace | None = None,
) -> Float[Tensor, "replica pair channel"]:
    """z: the values of the three keys, weighted by attention."""
    workspace = workspace or Workspace()
    return _weighted(pattern, _gathered(values, rows, pattern.shape[-1], workspace), workspace)


def _weighted(pattern: Tensor, gathered: tuple[Tensor, Tensor, Tensor], workspace: Workspace) -> Tensor:
    weights = pattern.unsqueeze(-1)
    of_a, of_b, of_equals = gathered
    z = torch.mul(of_a, weights[0], out=workspace.empty("z", of_a.shape, of_a))
    return z.addcmul_(of_b, weights[1]).addcmul_(of_equals, weights[2]).flatten(2)


def _gathered(values: Tensor, rows: Tensor, n_heads: int, workspace: Workspace) -> tuple[Tensor, Tensor, Tensor]:
    """Values at a and at b of every sample, and at "=": (replica, pair or 1, head, d_head)."""
    flat, shape = values.flatten(0, 1), (len(values), -1, n_heads, values.shape[-1] // n_heads)
    size = (rows.shape[1], values.shape[-1])
    of_a, of_b = (
        torch.index_select(flat, 0, row, out=workspace.empty(name, size, values)).view(shape)
        for name, row in zip(("values_a", "values_b"), rows, strict=True)
    )
    return of_a, of_b, values[:, -1:].view(shape)


class _Samples(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, work: Workspace, rows: Tensor, *tables: Tensor) -> Tensor:
        scores, values, z_to_pre, pre_bias, post_to_out, z_to_out, out_bias = tables
        pattern = attention_pattern(scores, rows)
        gathered = _gathered(values, rows, pattern.shape[-1], work)
        z = _weighted(pattern, gathered, work)
        n_replicas, n_pairs, _ = z.shape
        post = work.empty("post", (n_replicas, n_pairs, pre_bias.shape[-1]), z)
        torch.bmm(z, z_to_pre, out=post).add_(pre_bias).relu_()
        out = torch.bmm(post, post_to_out).baddbmm_(z, z_to_out).add_(out_bias)
        ctx.work, ctx.n_rows = work, values.shape[1]
        ctx.save_for_backward(rows, pattern, z, post, z_to_pre, post_to_out, z_to_out, *gathered)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        work: Workspace = ctx.work
        rows, pattern, z, post, z_to_pre, post_to_out, z_to_out, *gathered = ctx.saved_tensors
        d_out = grad_outputs[0].contiguous()
        d_pre = torch.bmm(d_out, post_to_out.mT, out=work.empty("d_pre", post.shape, post))
        torch.ops.aten.threshold_backward.grad_input(d_pre, post, 0, grad_input=d_pre)
        d_z = torch.bmm(d_pre, z_to_pre.mT, out=work.empty("d_z", z.shape, z)).baddbmm_(d_out, z_to_out.mT)
        d_z = d_z.view(gathered[0].shape)
        scratch = work.empty("scratch", d_z.shape, d_z)
        d_score = _score_gradient(d_z, pattern, gathered, scratch)
        d_scores, d_values = _table_gradients(d_score, d_z, pattern, rows, ctx.n_rows, scratch)
        return (
            None,
            None,
            d_scores,
            d_values,
            z.mT @ d_pre,
            d_pre.sum(1, keepdim=True),
            post.mT @ d_out,
            z.mT @ d_out,
            d_out.sum(1, keepdim=True),
        )


def _score_gradient(d_z: Tensor, pattern: Tensor, gathered: Sequence[Tensor], scratch: Tensor) -> Tensor:
    """Gradient of the three scores of every sample: (key, replica, pair, head)."""
    d_pattern = torch.stack([torch.mul(d_z, of_key, out=scratch).sum(-1) for of_key in gathered])
    return pattern * (d_pattern - (pattern * d_pattern).sum(0))


def _table_gradients(  # noqa: PLR0917  one argument a table or its address
    d_score: Tensor, d_z: Tensor, pattern: Tensor, rows: Tensor, n_rows: int, scratch: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of the score and value tables: what each row gave is summed over the samples that read it."""
    n_replicas, _, n_heads, d_head = d_z.shape
    n_channels = n_heads * d_head
    d_scores = d_z.new_zeros(n_replicas * n_rows, n_heads)
    d_values = d_z.new_zeros(n_replicas * n_rows, n_channels)
    for key, row in enumerate(rows):
        d_scores.index_add_(0, row, d_score[key].flatten(0, 1))
        d_values.index_add_(0, row, torch.mul(d_z, pattern[key].unsqueeze(-1), out=scratch).view(-1, n_channels))
    d_scores, d_values = d_scores.view(n_replicas, n_rows, -1), d_values.view(n_replicas, n_rows, -1)
    d_scores[:, -1] = d_score[-1].sum(1)
    d_values[:, -1] = torch.mul(d_z, pattern[-1].unsqueeze(-1), out=scratch).sum(1).flatten(1)
    return d_scores, d_values
