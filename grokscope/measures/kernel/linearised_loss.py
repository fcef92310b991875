"""The loss that the linearised network would have at this step."""

import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.kernels import drawn, kernel, targets
from grokscope.measures.base import measure
from grokscope.numerics.kernels import gradient_descent
from grokscope.runs.snapshot import Snapshot

MOST = 4096  # samples: the eigenvectors of the kernel take n^3 operations, a minute or two at this size


@measure(
    unit="1",
    source="Kumar et al. 2024, arXiv:2310.06110, figure 1; Lee et al. 2019, arXiv:1902.06720, equations 8 to 11",
    cost="asked",
    needs=("descent", "initial"),
    variants=({"split": "train"}, {"split": "test"}),
)
def linearised_loss(snapshot: Snapshot, split: str = "test") -> float | Missing:
    """Mean squared error at this step of f_0 + (d f_0 / d theta) (theta - theta_0) trained as the network was.

    Nothing is trained: the closed form, in the eigenvectors of the kernel of step 0 on the training inputs, is exact
    for gradient descent at any rate. For one output. Where training subtracts the first outputs, f_0 is 0.
    """
    start, rate = snapshot.initial, snapshot.learning_rate
    assert start is not None  # declared in needs
    if snapshot.task.n_outputs != 1:
        return Missing("the closed form is for networks of one output")
    train, wanted = (drawn(snapshot, name, snapshot.task.n_inputs, 0) for name in ("train", split))
    if isinstance(train, Missing):
        return train
    if isinstance(wanted, Missing):
        return wanted
    if len(train) > MOST:
        return Missing(
            f"{len(train):,} training inputs are too many for the kernel's eigenvectors, of {MOST:,} at most"
        )
    if rate is None:
        return Missing("the learning rate is not known")
    first = torch.zeros_like(start.outputs) if snapshot.centred else start.outputs.double()
    residual = targets(snapshot, train) - first[train]
    K, K_wanted = kernel(start, train), kernel(start, wanted, train)
    _, change = gradient_descent(K, residual, K_wanted, rate=rate, step=snapshot.step)
    error = first[wanted, 0].double().numpy() + change - targets(snapshot, wanted)[:, 0].numpy()
    return float((error**2).mean())
