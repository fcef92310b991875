"""The loss of the network without some of its parts."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.cyclic import chosen, loss_of, projection
from grokscope.measures.analyses.layers import readout
from grokscope.measures.analyses.neurons import THRESHOLD, clusters
from grokscope.measures.base import measure
from grokscope.numerics.fourier import sum_directions
from grokscope.runs.snapshot import Snapshot

Part = Literal["all", "skip", "heads", "neurons", "directions", "logits"]
Logits = dict[str, Float64[Tensor, "pair class"]]


@measure(
    unit="nats",
    source="Nanda et al. 2023, arXiv:2301.05217, sections 4.4 and 5, and released notebook",
    cost="final",
    needs=("cyclic", "mlp", "pattern"),
    axis="ablation",
    variants=({"part": "skip"},),
)
def ablations(
    snapshot: Snapshot,
    part: Part = "all",
    split: str = "all",
    frequencies: Sequence[int] | None = None,
    threshold: float = THRESHOLD,
) -> dict[str, float] | Missing:
    """Cross-entropy over the inputs of a split, by name of the part removed.

    The logits are resid_mid W_U + n W_L + constant: the skip path around the MLP, and the neurons n through
    W_L = W_out W_U. K are the key frequencies; u_k, v_k as in `neuron_logit_explained`.

    - `none`: nothing removed (only with part="all").
    - skip: `skip_zero` without resid_mid W_U; `skip_mean` with its mean over all inputs instead.
    - heads: `head_h` without the output of head h, to the neurons too.
    - neurons: `neurons_k_zero` and `neurons_k_mean`, for each k in K: the neurons of frequency k
      (`neuron_frequencies`, with this threshold) set to 0, or to their means over all inputs.
    - directions: `directions_on`, the neurons projected on span {u_k, v_k : k in K}; `directions_off`, the rest of the
      neurons; neither is centred.
    - logits: `logits_on`, projected on cos and sin(2 pi k (a + b) / p), k in K, plus the mean of each class: the
      restricted loss; `logits_off`, without these directions: the excluded loss, here of this split.

    part: one of these, or "all" (a second at p = 113; a run stores the skip path only). frequencies: K; by default
    those of the run's last checkpoint. Means, projections and clusters are over all inputs, trained or not.
    """
    if snapshot.params["W_out"].ndim > 2:
        return Missing("the network has several layers: its skip path and its heads are those of one")
    # Functions, not logits: those of all parts together are large.
    ablated: list[Callable[[], Logits]] = [partial(PLAIN[name], snapshot) for name in PLAIN if part in ("all", name)]
    if part == "all":
        ablated.append(lambda: {"none": snapshot.logits.double()})
    if part not in PLAIN:
        keys, cluster_of = chosen(snapshot, frequencies), clusters(snapshot, threshold)
        if isinstance(keys, Missing):
            return keys
        if isinstance(cluster_of, Missing):
            return cluster_of
        asked = [name for name in BY_FREQUENCY if part in ("all", name)]
        ablated += [partial(BY_FREQUENCY[name], snapshot, keys, cluster_of) for name in asked]
    losses: dict[str, float] = {}
    for logits_of_part in ablated:
        for name, logits in logits_of_part().items():
            loss = loss_of(snapshot, logits, split)
            if isinstance(loss, Missing):
                return loss
            losses[name] = loss
    return losses


def _skip(snapshot: Snapshot) -> Logits:
    W_U = snapshot.params["W_U"].double()[:, : snapshot.task.n_classes]
    written = snapshot.output_scale * (snapshot.activations["resid_mid"].double() @ W_U)
    zero = snapshot.logits.double() - written
    return {"skip_zero": zero, "skip_mean": zero + written.mean(0)}


def _heads(snapshot: Snapshot) -> Logits:
    W_O = snapshot.params["W_O"]
    heads = torch.arange(len(W_O))[:, None, None]
    without = [
        snapshot.with_params(snapshot.params | {"W_O": torch.where(heads == h, 0, W_O)}) for h in range(len(W_O))
    ]
    return {f"head_{h}": changed.logits.double() for h, changed in enumerate(without)}


def _neurons(snapshot: Snapshot, keys: NDArray, cluster_of: Tensor) -> Logits:
    logits, W_L = snapshot.logits.double(), readout(snapshot)
    without: Logits = {}
    for k in keys:
        of_k = cluster_of == int(k)
        written = snapshot.activations["mlp_post"][:, of_k].double() @ W_L[of_k]
        without[f"neurons_{k}_zero"] = logits - written
        without[f"neurons_{k}_mean"] = logits - written + written.mean(0)
    return without


def _directions(snapshot: Snapshot, keys: NDArray, _: Tensor) -> Logits:
    p, W_L = snapshot.task.n_classes, readout(snapshot)
    read = W_L @ torch.from_numpy(sum_directions(range(p), p, keys))
    # Drop directions that W_L lacks: a QR decomposition would replace them by arbitrary ones.
    basis, sizes, _ = torch.linalg.svd(read, full_matrices=False)
    basis = basis[:, sizes > 1e-9 * sizes[0]]
    neurons = snapshot.activations["mlp_post"].double()
    along = (neurons @ basis) @ (basis.T @ W_L)
    everything = neurons @ W_L
    logits = snapshot.logits.double()
    return {"directions_on": logits - everything + along, "directions_off": logits - along}


def _logits(snapshot: Snapshot, keys: NDArray, _: Tensor) -> Logits:
    logits, along = snapshot.logits.double(), projection(snapshot, keys)
    return {"logits_on": along + logits.mean(0), "logits_off": logits - along}


PLAIN = {"skip": _skip, "heads": _heads}
BY_FREQUENCY = {"neurons": _neurons, "directions": _directions, "logits": _logits}
