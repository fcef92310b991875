"""The logits of one network, split into the part that follows the task's symmetry and the rest."""

from typing import Literal

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.harmonics import along, harmonics
from grokscope.measures.base import measure
from grokscope.runs.snapshot import Snapshot

Of = Literal["strength", "share"]


@measure(
    unit="nats",
    source="Varma et al. 2023, arXiv:2309.02390, appendix B, with the projection of Chughtai et al. 2023",
    cost="final",
    needs=("classes",),
    axis="circuit",
    variants=({"fit": "all"}, {"fit": "test"}),
)
def circuit_split(
    snapshot: Snapshot, of: Of = "strength", fit: str = "all", split: str = "train"
) -> dict[str, float] | Missing:
    """The logits z, less their mean over classes, as a generalising part on the task's harmonics and the residual:

        gen_x(c) = f(y_x^-1 c),   f(g) = mean over x in fit of z_x(y_x g),   mem = z - gen

    y: the right answer of input x. For residues f is any sum of cos, sin(2 pi k (a + b - c) / p).

        strength  mean over x in split of gen_x and of mem_x at the label of x [nats]; together the mean of z there
        share     |gen|^2 / |z|^2 and |mem|^2 / |z|^2 over the inputs of fit [1]; `harmonic_share` and the rest

    fit "all", as published, over-counts the generalising part: a memorised training input looks like the symmetry at
    g = e. Take a network that only memorises, a share r of the inputs, each with logit M. There gen = r M; mem is
    (1 - r) M on training inputs and -r M on the others (the large negative memorising logits that the paper reports).
    fit "test" reads f off untrained inputs, and gives 0 and M. It is right where the memorising part's logits of
    untrained inputs have mean 0 given y^-1 c; with fewer inputs it is noisier. Where operands may change places, twins
    of trained inputs are among the test inputs: "fresh" leaves them out.
    """
    task = product(snapshot)
    answers = None if isinstance(task, Missing) else task.answers
    fitted, there = harmonics(snapshot, fit, answers), harmonics(snapshot, split, answers)
    if isinstance(fitted, Missing):
        return fitted
    if isinstance(there, Missing):
        return there
    if of == "share":
        share = fitted.share()
        return share if isinstance(share, Missing) else {"generalising": share, "memorising": 1 - share}
    labels = (snapshot.labels[there.rows] - there.first).unsqueeze(1)
    generalising = float(along(fitted.profile, there.classes).gather(1, labels).mean())
    return {"generalising": generalising, "memorising": float(there.centred.gather(1, labels).mean()) - generalising}
