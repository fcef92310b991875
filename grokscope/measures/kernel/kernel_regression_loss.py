"""The test error of regression with the tangent kernel alone."""

from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.analyses.kernels import drawn, kernel, targets
from grokscope.measures.base import measure
from grokscope.numerics.kernels import regression
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

    at "start": the kernel of step 0, a reference that a lazy network cannot beat; "now": the present kernel.
    ridge: added to the kernel's diagonal; the source has none in figure 1. With several outputs K is the sum of their
    kernels, and each output is regressed separately. The error is squared, whatever loss the network is trained on.
    """
    train, test = (drawn(snapshot, split, n_samples, seed) for split in ("train", "test"))
    if isinstance(train, Missing):
        return train
    if isinstance(test, Missing):
        return test
    of = snapshot.initial if at == "start" else snapshot
    assert of is not None  # declared in needs
    predicted = regression(kernel(of, train), targets(of, train), kernel(of, test, train), ridge=ridge)
    return float(((predicted - targets(of, test).numpy()) ** 2).mean())
