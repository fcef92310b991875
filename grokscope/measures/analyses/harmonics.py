"""The part of the logits that follows the task's symmetry."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics.groups import Group, group
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.snapshots import Snapshots
from grokscope.runs.views import no_inputs

# Logits that differ by less than this many units of rounding are equal.
ROUNDING = 10


class Harmonics(NamedTuple):
    """Logits of some inputs x, less their mean over the classes, and their projection on functions of y^-1 c.

    y: the answer of x; c: a class; both are elements of the group. For residues y^-1 c is c - a - b mod p, and its
    functions are the task's harmonics cos, sin(2 pi k (a + b - c) / p) of all k.

    rows: the inputs. classes: class y_x g of each input and element g. centred: z_x(c). profile: f(g) = mean over x of
    z_x(y_x g), the projection of z on functions of y^-1 c alone. first: the class that is the group's first element.
    """

    rows: Bool[Tensor, " pair"]
    classes: Int[Tensor, "input element"]
    centred: Float[Tensor, "input element"]
    profile: Float[Tensor, " element"]
    first: int

    def share(self) -> float | Missing:
        """|f(y^-1 c)|^2 / |z|^2 over all these inputs and classes."""
        total = float(self.centred.square().sum())
        if not total > 0:
            return Missing("all logits of an input are equal: there is no variance to explain")
        return len(self.centred) * float(self.profile.square().sum()) / total


def harmonics(snapshot: Snapshot, split: str, answers: Int[Tensor, " pair"] | None = None) -> Harmonics | Missing:
    """Of the inputs of a split. answers: the right one of each input; None: its label.

    `Missing` where the task has no group or the split no inputs.
    """
    of = _group(snapshot)
    if isinstance(of, Missing):
        return of
    rows = snapshot.rows(split)
    if isinstance(rows, Missing):
        return rows
    elements, first = of
    answers = snapshot.labels if answers is None else answers
    rows = rows & (answers >= first)
    if not rows.any():
        return no_inputs(split)
    z = centred(snapshot.logits[rows, first:])
    classes = elements.table[answers[rows] - first]
    return Harmonics(rows, classes, z, z.gather(1, classes).mean(0), first)


def centred(logits: Float[Tensor, "input element"]) -> Float64[Tensor, "input element"]:
    """Logits less their mean over the classes; 0 if, up to rounding, all logits of each input are equal."""
    z = logits.double() - logits.double().mean(1, keepdim=True)
    varies = z.norm() > rounding(logits) * logits.double().norm()
    return z if varies else torch.zeros_like(z)


def rounding(logits: Tensor) -> float:
    """The share of their size up to which differences between logits are rounding."""
    return ROUNDING * torch.finfo(logits.dtype).eps


class Aligned(NamedTuple):
    """Of several networks: z_x(y_x g) of every input x and element g, the energy sum_c z_x(c)^2, the energy up to which
    it is rounding, and which inputs have an element of the group for an answer y."""

    logits: Float64[Tensor, "network pair element"]
    energy: Float64[Tensor, "network pair"]
    rounding: Float64[Tensor, "network pair"]
    has_answer: Bool[Tensor, "network pair"]


def aligned_logits(snapshots: Snapshots) -> Aligned | Missing:
    """Of all inputs, their labels as answers. `Missing` where the tasks have no group."""
    of = _group(snapshots.first)
    if isinstance(of, Missing):
        return of
    chosen, first = of
    logits = snapshots.precise_logits[..., first:]
    z = logits - logits.mean(-1, keepdim=True)
    smallest = rounding(snapshots.logits) ** 2 * logits.square().sum(-1)
    has_answer = snapshots.labels >= first
    classes = chosen.table[(snapshots.labels - first).clamp(min=0)]
    return Aligned(z.gather(-1, classes), z.square().sum(-1), smallest, has_answer)


def along(profile: Float[Tensor, " element"], classes: Int[Tensor, "input element"]) -> Float[Tensor, "input element"]:
    """The function f(y^-1 c) of a profile f over inputs and classes."""
    return torch.zeros(classes.shape, dtype=profile.dtype).scatter_(1, classes, profile.expand(classes.shape))


def _group(snapshot: Snapshot) -> tuple[Group, int] | Missing:
    """The task's group, and the class of its first element: the classes of a multiplicative group are 0..p-1, and 0 is
    no element."""
    name = snapshot.task.truth.group
    if name is None:
        return Missing("the task has no group")
    chosen = group(name)
    first = 1 if chosen.family == "multiplicative" and snapshot.task.n_classes == chosen.order + 1 else 0
    if snapshot.task.n_classes != chosen.order + first:
        return Missing(f"the task has {snapshot.task.n_classes} classes, the group {chosen.order} elements")
    return chosen, first
