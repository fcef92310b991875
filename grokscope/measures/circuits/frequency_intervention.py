"""How the logits change when one frequency of the operands' table is turned, removed or replaced."""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.cyclic import chosen
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.tables import operand_blocks
from grokscope.measures.base import measure
from grokscope.numerics.fourier import distinct, sum_directions
from grokscope.runs.snapshot import Snapshot

Waves = Float64[Tensor, "row wave"]


@measure(
    unit="1",
    source="this project; the circuit is that of Nanda et al. 2023, arXiv:2301.05217, section 4",
    cost="asked",
    needs=("cyclic",),
    axis="frequency",
)
def frequency_intervention(
    snapshot: Snapshot,
    kind: Literal["rotate", "remove", "implant"] = "rotate",
    frequencies: Sequence[int] | None = None,
    shift: int | None = None,
    implanted: int | None = None,
) -> dict[str, float] | Missing:
    """How well the change of the logits is predicted when frequency k of the operands' table E is changed, by k.

        share = 1 - ||D - D'||^2 / ||D||^2,   D the change of the logits, D' the predicted change

    over all p^2 inputs and all classes, both centred over the classes. 1: as predicted; 0: no better than "no change";
    below: worse. E: W_E without "=", or each operand's rows of W_in in a network that reads one-hots. One k is changed
    at a time. L_k: the part of the logits along cos and sin(2 pi k y / p), y the right answer.

    kind: the change of the k-part of E, and the prediction for L_k.
    - rotate: E_k turns, as if each number x were x + shift. L_k becomes that of the answer of (a + shift, b + shift).
      By default the shift that turns L_k most, by about half a turn: a small change is badly predicted because it is
      small.
    - remove: E_k is removed. L_k vanishes.
    - implant: the numbers move on k's circle to the angles of another frequency j, whose own part is removed. j:
      `implanted`, by default the lowest frequency that is not key. L_k follows j y instead of k y; L_j vanishes.

    The claim "each frequency is a circuit of its own" says that only L_k changes, and changes like this. Neurons that
    mix frequencies, and attention that depends on them, make the share smaller.

    frequencies: by default the key frequencies of the run's last checkpoint. Left out are p/2, which has no circle, and
    frequencies whose change does not reach the logits.
    """
    keys, task, blocks = chosen(snapshot, frequencies), product(snapshot), operand_blocks(snapshot)
    if isinstance(task, Missing):
        return task
    if isinstance(keys, Missing):
        return keys
    if isinstance(blocks, Missing):
        return blocks
    p, numbers = task.of.order, torch.arange(task.of.order)
    j = _implanted(keys, p, implanted) if kind == "implant" else None
    if isinstance(j, Missing):
        return j
    if kind == "rotate" and bool((task.of.table[1, task.reading[1]] == task.of.table[0, task.reading[0]]).all()):
        return Missing("the answer stays when both operands move: no turn is predicted")
    logits = snapshot.logits.double()
    shares: dict[str, float] = {}
    for k in (int(k) for k in keys if 2 * k != p):
        by = _shift(k, p) if shift is None else shift
        turned = task.answers.reshape(p, p).roll((-by, -by), (0, 1)).flatten()

        def exchanged(x: Tensor, y: Tensor, after: Tensor, k: int = k) -> Tensor:
            """Rows of x, of the numbers y, with their k-part removed, or moved to the angles of the numbers `after`."""
            out = [k] if j is None else [k, j]
            along = _waves(y, p, [k]).T @ x.double()
            left = x - (waves := _waves(y, p, out)) @ (waves.T @ x.double())
            if kind == "remove":
                return left
            return left + (_waves(after, p, [k]) if j is None else _waves(y, p, [j])) @ along

        changed = {name: tensor.clone() for name, tensor in snapshot.params.items()}
        for name, rows in blocks:
            changed[name][rows] = exchanged(changed[name][rows], numbers, (numbers + by) % p).to(changed[name].dtype)
        change = _centred(snapshot.with_params(changed).logits.double() - logits)
        size = float(change.square().sum())
        if size > 1e-10 * float(logits.square().sum()):
            predicted = _centred(exchanged(logits, task.answers, turned) - logits)
            shares[str(k)] = 1 - float((change - predicted).square().sum()) / size
    return shares or Missing("no change of these frequencies reaches the logits")


def _shift(k: int, p: int) -> int:
    """The shift of both operands that turns a wave of k in their sum by nearly half a turn."""
    return 1 + int(((2 * k * torch.arange(1, p)) % p - p / 2).abs().argmin())


def _implanted(keys: NDArray, p: int, given: int | None) -> int | Missing:
    if given is None:
        free = [k for k in range(1, (p + 1) // 2) if k not in keys]
        return free[0] if free else Missing("every frequency is a key frequency: none can be implanted")
    (j,) = distinct([given], p)
    if j in keys or 2 * j == p:
        raise ValueError(f"implanted must be a frequency with a circle that is none of {keys.tolist()}, got {given}")
    return int(j)


def _waves(y: Tensor, p: int, frequencies: Sequence[int]) -> Waves:
    return torch.from_numpy(sum_directions(y, p, frequencies))


def _centred(logits: Float64[Tensor, "pair class"]) -> Float64[Tensor, "pair class"]:
    return logits - logits.mean(1, keepdim=True)
