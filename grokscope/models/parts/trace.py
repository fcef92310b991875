"""A forward pass as a generator of (site, activation), whose last activation is the outputs.

The network is written once: its outputs are the end of the trace, and a site's activation is where the trace stops.
"""

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from grokscope.models.base import Activations, Params, Sites

Trace = Iterator[tuple[str, Tensor]]

# On a GPU, rows of a table of at most this many are read by a product with one-hots. Otherwise the gradient of a row
# that thousands of samples read would be summed sample by sample.
FEW_ROWS = 512


def end(trace: Trace) -> Tensor:
    """The last activation, the outputs."""
    return deque(trace, maxlen=1)[0][1]


def sites(names: Iterable[str], trace: Callable[[Params, Tensor], Trace]) -> Sites:
    """The named activations of one replica. Each starts a new trace: a site costs at most a forward pass."""

    def stop_at(name: str, site: Activations) -> Tensor:
        packed = {weight: tensor.unsqueeze(0) for weight, tensor in site.params.items()}
        return next(value for passed, value in trace(packed, site.inputs.unsqueeze(0)) if passed == name)[0]

    return {name: functools.partial(stop_at, name) for name in names}


def suffix(layer: int, n_layers: int) -> str:
    """The suffix of a layer's site names: none for the last layer, ".0", ".1", ... for those before it."""
    return "" if layer == n_layers - 1 else f".{layer}"


def rows(table: Tensor, inputs: Tensor) -> Tensor:
    """Each replica's own rows of its table: (replica, row, channel), (replica, ...) -> (replica, ..., channel).

    All tables are read as one long table: the gradient of `embedding` then adds samples to rows in a fixed order, and
    no index per replica is needed.
    """
    n_replicas, n_rows, width = table.shape
    if table.is_cuda and n_rows <= FEW_ROWS:
        return product_rows(table, inputs)
    starts = torch.arange(n_replicas, device=inputs.device) * n_rows
    places = inputs + starts.view(-1, *[1] * (inputs.ndim - 1))
    return torch.nn.functional.embedding(places, table.reshape(-1, width))


def product_rows(table: Tensor, inputs: Tensor) -> Tensor:
    """`rows` as a product with one-hots; exact, since all terms of each sum but one are zero."""
    hot = inputs.flatten(1)[..., None] == torch.arange(table.shape[1], device=inputs.device)
    return (hot.to(table.dtype) @ table).view(*inputs.shape, table.shape[-1])
