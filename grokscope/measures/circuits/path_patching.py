"""Which head carries the first operand to the position of the answer."""

from typing import Literal

import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.base import measure
from grokscope.models.base import Activations
from grokscope.runs.snapshot import Snapshot


@measure(
    unit="1",
    source="the method: Goldowsky-Dill et al. 2023, arXiv:2304.05969, and Wang et al. 2022, arXiv:2211.00593",
    cost="asked",
    needs=("pattern", "classes"),
    axis="head",
)
def path_patching(
    snapshot: Snapshot, part: Literal["both", "value", "pattern"] = "both", seed: int = 0
) -> NDArray | Missing:
    """Share of the effect of another first operand a' that passes through each head alone.

        share_h = <L^h - L, L' - L> / ||L' - L||^2

    L: the logits of the input (a, b); L': of (a', b); L^h: of (a, b), but the output of head h at the last position is
    that of (a', b). Over all inputs and classes, logits centred over the classes. a' is drawn for every input,
    uniformly among the other symbols, with the seed. The path from a to the last position ("=", or b without "=") goes
    through the heads only: all heads patched together give 1. Shares of single heads need not add up to 1, because the
    MLP is not linear; a head with the opposite effect has a negative share.

    part: the part of the head taken from (a', b): its value at position 0, its attention pattern, or both.
    """
    task, model = snapshot.task, snapshot.model
    if "z" not in snapshot.activations or snapshot.params["W_O"].ndim != 3 or task.inputs.shape[1] != 2:
        return Missing("the heads are not those of a one-layer transformer that reads two operands")
    shift = torch.randint(1, task.n_symbols, (task.n_inputs,), generator=torch.Generator().manual_seed(seed))
    a, b = task.inputs.unbind(1)
    other = Activations(model.sites, snapshot.params, torch.stack([(a + shift) % task.n_symbols, b], dim=1))
    clean = snapshot.activations
    # The values at position 0 differ in the part of the symbols alone; the position's part is the same.
    values = clean["embed"] @ snapshot.params["W_V"]
    difference = (values[:, (a + shift) % task.n_symbols] - values[:, a]).transpose(0, 1)
    carried = {
        "both": lambda: other["z"],
        "value": lambda: clean["z"] + clean["pattern"][..., :1] * difference,
        "pattern": lambda: other["z"] - other["pattern"][..., :1] * difference,
    }[part]()

    def logits(z: Float[Tensor, "pair head d_head"]) -> Tensor:
        patched = Activations({**model.sites, "z": lambda _: z}, snapshot.params, task.inputs)["logits"].double()
        return patched - patched.mean(1, keepdim=True)

    before = logits(clean["z"])
    effect = logits(other["z"]) - before
    size = float(effect.square().sum())
    if not size > 1e-12 * float(before.square().sum()):
        return Missing("another first operand does not change the logits")
    shares = torch.zeros(carried.shape[1], dtype=torch.float64)
    for head in range(len(shares)):
        z = clean["z"].clone()
        z[:, head] = carried[:, head]
        shares[head] = ((logits(z) - before) * effect).sum() / size
    return shares.numpy()
