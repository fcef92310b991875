"""How much of the weights and of the neurons lies along the matrix entries of each irrep."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import Product, bases, product
from grokscope.measures.analyses.layers import first_layer, means
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot

Site = Literal["embed", "embed_right", "unembed", "neurons", "neurons_a", "neurons_b", "neurons_ab"]
TABLES = ("embed", "embed_right", "unembed")
FACTORS = {"neurons": ("a", "b", "product"), "neurons_a": ("a",), "neurons_b": ("b",), "neurons_ab": ("product",)}


@measure(
    unit="1",
    source="Chughtai et al. 2023, arXiv:2302.03025, section 4 (fraction of variance explained)",
    cost="final",
    needs=("classes",),
    axis="irrep",
    variants=({"site": "embed"}, {"site": "unembed"}, {"site": "neurons"}),
)
def irrep_explained(snapshot: Snapshot, site: Site = "embed") -> dict[str, float] | Missing:
    """Share of a site's energy in the span of the matrix entries of each irrep.

        share(rho) = |Q^T W|^2 / |W|^2,   Q an orthonormal basis of the functions rho(x)_ij of the elements x

    site:
    - `embed`, `embed_right`: W_a and W_b, the tables of the first and of the second operand: those that the neurons add
      up, or, in a transformer, W_E without "=" (where both operands share it, `embed_right` is `Missing`).
    - `unembed`: W_U without "=", or W_out where neurons write to the logits directly.
    - `neurons`: the neurons over all inputs (a, b), each centred over the inputs. W's rows are inputs; the functions
      are rho(a), rho(b) and rho(a b), which are orthogonal. `neurons_a`, `neurons_b`, `neurons_ab`: one of the three
      alone, as published.
    Weights are not centred; their shares add up to 1 over all irreps, with the trivial one. The neurons' shares lack
    the trivial one, which is the mean, and add up to at most 1; the rest depends on a and b in another way.

    Departure: Q drops null directions (`groups.bases`). The released code orthonormalises all d^2 entries by QR. For
    cyclic groups this adds two arbitrary directions to each frequency, and their energy to its share.
    """
    task = product(snapshot)
    if isinstance(task, Missing):
        return task
    if site in FACTORS:
        return _of_neurons(snapshot, task, FACTORS[site])
    table = _table(snapshot, site)
    if isinstance(table, Missing):
        return table
    total = float(table.square().sum())
    if not total > 0:
        return Missing(f"all weights of {site} are 0")
    return {name: float((basis.T @ table).square().sum()) / total for name, basis in bases(task.of).items()}


def _table(snapshot: Snapshot, site: str) -> Float[Tensor, "element channel"] | Missing:
    params, n = snapshot.params, snapshot.task.n_classes
    if site == "unembed":
        W = params.get("W_U", params.get("W_out"))
        return Missing("the network has neither W_U nor W_out") if W is None else W[:, :n].double().T
    tables = first_layer(snapshot)
    if tables is not None:
        return tables[TABLES.index(site)]
    if "embed" not in snapshot.activations:
        return Missing("the network has no embedding of symbols and no first layer that reads them")
    if site not in snapshot.activations:
        return Missing("the network has one embedding for both operands")
    return snapshot.activations[site].double()


def _of_neurons(snapshot: Snapshot, task: Product, factors: tuple[str, ...]) -> dict[str, float] | Missing:
    if "mlp_post" not in snapshot.activations:
        return Missing("the network has no neurons")
    neurons = means(snapshot, task, "mlp_post")
    if neurons.is_constant:
        return Missing("no neuron depends on the inputs")
    # A function of one element, such as rho(a b), has the same value on `order` inputs: only their mean counts.
    by_element = torch.cat([getattr(neurons, factor) for factor in factors], dim=1)
    share = task.of.order / neurons.energy
    shares = {name: share * float((basis.T @ by_element).square().sum()) for name, basis in bases(task.of).items()}
    del shares["trivial"]
    return shares
