"""What the first layer of neurons reads, and the neurons at any such input."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.errors import Missing
from grokscope.models.parts.layers import Layers
from grokscope.runs.snapshot import Snapshot

Inputs = Float[Tensor, "point channel"]
Neurons = Callable[[Inputs], dict[str, Tensor]]


def neurons_at(snapshot: Snapshot) -> tuple[Inputs, Neurons] | Missing:
    """What the first layer of ReLU neurons reads on all inputs of the task, and the pre-activations by layer at any x.

    In a transformer the stream in the middle; in a fully connected network features, one-hots, or embeddings one after
    the other or added up. `Missing` in other networks, and without ReLU.
    """
    params, model = snapshot.params, snapshot.model
    if getattr(model.settings, "activation", "") != "relu":
        return Missing("the network has no ReLU neurons: none switches on or off")
    if getattr(model.settings, "bottleneck", None):
        return Missing("a bottleneck lies between the layers: what neurons read cannot be moved freely")
    if isinstance(layers := getattr(model, "layers", None), Layers):
        inputs = _inputs(snapshot)

        def of_layers(x: Tensor) -> dict[str, Tensor]:
            packed = {name: tensor.unsqueeze(0) for name, tensor in params.items()}
            sites = layers.trace(packed, (x @ params["W_in"]).unsqueeze(0))
            return {name: values[0] for name, values in sites if name.startswith("mlp_pre")}

        return inputs, of_layers
    if "resid_mid" in snapshot.activations and params["W_in"].ndim == 2:
        bias = params.get("b_in", torch.zeros(()))
        return snapshot.activations["resid_mid"], lambda x: {"mlp_pre": x @ params["W_in"] + bias}
    return Missing("what the neurons of this network read cannot be moved")


def _inputs(snapshot: Snapshot) -> Inputs:
    task, params = snapshot.task, snapshot.params
    if not task.n_symbols:
        return task.inputs.to(params["W_in"].dtype)
    tables = [snapshot.activations[name] for name in ("embed", "embed_right") if name in snapshot.activations]
    if not tables:
        return torch.nn.functional.one_hot(task.inputs, task.n_symbols).flatten(1).to(params["W_in"].dtype)
    columns = task.inputs.unbind(1)
    read = [tables[min(i, len(tables) - 1)][symbols] for i, symbols in enumerate(columns)]
    return torch.cat(read, dim=1) if len(params["W_in"]) > read[0].shape[1] else sum(read[1:], read[0])
