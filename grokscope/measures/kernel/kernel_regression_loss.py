"""What the tangent kernel alone would make of the labels."""

from typing import Literal, get_args

from grokscope.errors import Missing
from grokscope.measures.analyses.kernels import drawn, kernel, targets
from grokscope.measures.base import measure
from grokscope.numerics.kernels import regression
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot

At = Literal["start", "now"]
N_SAMPLES = 1024  # of each side: more than the source's 550 and 1,000


@measure(
    unit="1",
    source="Kumar et al. 2024, arXiv:2310.06110, figure 1 (reference line)",
    cost="asked",
    needs=("initial",),
    variants=({"at": "start"}, {"at": "now"}),
)
def kernel_regression_loss(
    snapshot: Snapshot, at: At = "start", ridge: float = 0.0, n_samples: int = N_SAMPLES, seed: int = 0
) -> float | Missing:
    """Mean squared error, on test inputs, of kernel regression from training inputs (one-hot classes) [squared units].

    at "start": with the kernel of step 0, the reference that a lazy network cannot beat; "now": with the present one.
    ridge: added to the kernel's diagonal; the source has none in figure 1. With several outputs K is the sum of theirs
    and each is regressed by itself. Squared error, whatever the network is trained on.
    """
    if at not in get_args(At):
        raise ValueError(unknown("time of a kernel", at, get_args(At)))
    train, test = (drawn(snapshot, split, n_samples, seed) for split in ("train", "test"))
    if isinstance(train, Missing):
        return train
    if isinstance(test, Missing):
        return test
    chosen = snapshot.initial if at == "start" else snapshot
    assert chosen is not None  # declared in needs
    found = regression(kernel(chosen, train), targets(chosen, train), kernel(chosen, test, train), ridge=ridge)
    return float(((found - targets(chosen, test).numpy()) ** 2).mean())
