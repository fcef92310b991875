"""How neurons read symbols and write logits, for all architectures."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import Product
from grokscope.runs.snapshot import Snapshot

Table = Float[Tensor, "symbol neuron"]


def first_layer(snapshot: Snapshot) -> tuple[Table, Table] | None:
    """The two tables whose rows add up to a neuron's pre-activation: W_a[a] + W_b[b] (+ b_in).

    For one-hots the two halves of W_in. For embeddings E_l W_in and E_r W_in, each with its own half of W_in where
    embeddings are concatenated. None in a network with attention.
    """
    params, sites, n = snapshot.params, snapshot.activations, snapshot.task.n_symbols
    into = params.get("W_in")
    if into is None or into.ndim != 2 or "W_U" in params:
        return None
    if "embed" not in sites:
        left, right = into.double().split(n)
        return left, right
    left = sites["embed"].double()
    right = sites["embed_right"].double() if "embed_right" in sites else left
    width = left.shape[1]
    return left @ into[:width].double(), right @ into[-width:].double()


@dataclass(frozen=True, kw_only=True, eq=False)
class Means:
    """Means of a site over the inputs of each first factor, second factor and product, less the mean over all inputs.

    mean: over all inputs. energy: the sum of squares of the centred site.
    """

    a: Float64[Tensor, "element channel"]
    b: Float64[Tensor, "element channel"]
    product: Float64[Tensor, "element channel"]
    mean: Float64[Tensor, " channel"]
    energy: float
    is_constant: bool


def means(snapshot: Snapshot, task: Product, site: str) -> Means:
    """In one pass over all inputs, once per snapshot."""
    return snapshot.remembered(("means by factor", site), lambda: _means(snapshot.activations[site], task))


def _means(cloud: Float[Tensor, "pair channel"], task: Product) -> Means:
    n = task.of.order
    a, b, product = torch.zeros(3, n, cloud.shape[1], dtype=torch.float64)
    energy = 0.0
    # One first factor at a time: its inputs stay in the cache, and no float64 copy of all inputs is made.
    for element, (block, answers) in enumerate(zip(cloud.split(n), task.answers.split(n), strict=True)):
        rows = block.double()
        a[element] = rows.sum(0)
        b += rows
        product.index_add_(0, answers, rows)
        energy += float(rows.square().sum())
    mean = a.sum(0) / n**2
    centred = energy - n**2 * float(mean.square().sum())
    return Means(
        a=a / n - mean,
        b=b[task.reading] / n - mean,
        product=product / n - mean,
        mean=mean,
        energy=centred,
        is_constant=not centred > 1e-12 * energy,
    )


def operand_tables(snapshot: Snapshot, task: Product) -> tuple[Table, Table] | Missing:
    """How a neuron reads each element as the first and as the second factor of the product: `first_layer`.

    With attention: the additive part of the pre-activation, which is the mean over the other operand less the mean over
    all inputs.
    """
    tables = first_layer(snapshot)
    if tables is not None:
        return tables[0], tables[1][task.reading]
    if "mlp_pre" not in snapshot.activations:
        return Missing("the network has no neurons that read both operands")
    additive = means(snapshot, task, "mlp_pre")
    return additive.a, additive.b


def readout(snapshot: Snapshot) -> Float64[Tensor, "neuron class"]:
    """W_L, the linear map from the last layer's neurons to the logits: W_out W_U without the column of "=", or W_out,
    with the network's scale. For measures that need "mlp"."""
    params, n_classes = snapshot.params, snapshot.task.n_classes
    W_out = params["W_out"].double()
    W_out = W_out[-1] if W_out.ndim == 3 else W_out
    to_logits = W_out @ params["W_U"].double() if "W_U" in params else W_out
    return to_logits[:, :n_classes] * (snapshot.output_scale / getattr(snapshot.model, "division", 1))
