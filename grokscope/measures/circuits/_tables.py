"""Weight tables whose first axis is residues."""

from jaxtyping import Float
from torch import Tensor

from grokscope.runs.snapshot import Snapshot


def embedding_table(snapshot: Snapshot) -> Float[Tensor, "residue d_model"]:
    """W_E without the row of "="."""
    return snapshot.params["W_E"][: snapshot.task.n_symbols].double()


def neuron_logit_table(snapshot: Snapshot) -> Float[Tensor, "residue d_mlp"]:
    """W_L = W_out W_U without the column of "=", logits first: how each neuron writes to each answer."""
    W_L = snapshot.params["W_out"].double() @ snapshot.params["W_U"].double()
    return W_L[:, : snapshot.task.n_classes].T
