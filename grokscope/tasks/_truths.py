"""The names of truths: groups, manifolds, and what a user says of them."""

import contextlib
from typing import Any

from grokscope.numerics.groups import group
from grokscope.registry import shortened, unknown
from grokscope.tasks._pairs import group_truth, truth_with_zero
from grokscope.tasks.base import Truth

UNKNOWN = "unknown"
MANIFOLDS = {
    "circle": Truth(manifold="circle", intrinsic_dimension=1, embedding_dimension=2, betti=(1, 1)),
    "circle and point": Truth(manifold="circle and point", intrinsic_dimension=1, embedding_dimension=2, betti=(2, 1)),
    "torus": Truth(manifold="torus", intrinsic_dimension=2, embedding_dimension=3, betti=(1, 2, 1)),
    "segment": Truth(manifold="segment", intrinsic_dimension=1, embedding_dimension=1, betti=(1,)),
    "two circles": Truth(manifold="two circles", intrinsic_dimension=1, embedding_dimension=2, betti=(2, 2)),
    "none": Truth(),
    UNKNOWN: Truth(known=False),
}
POINTS = "points"  # as many as there are classes


def truth_of(name: str, n_classes: int) -> Truth:
    """The truth of a name. ValueError for an unknown one, and for a group with other elements than there are
    classes."""
    if name in MANIFOLDS:
        return MANIFOLDS[name]
    if name == POINTS:
        return Truth(manifold=POINTS, intrinsic_dimension=0, embedding_dimension=1, betti=(n_classes,))
    if "(" not in name and not name[-1:].isdigit():
        raise ValueError(unknown("truth", name, [*MANIFOLDS, POINTS, "cyclic(97)", "dihedral(5)", "symmetric(5)"]))
    chosen = group(name)
    if chosen.order == n_classes:
        return group_truth(chosen)
    if chosen.family == "multiplicative" and chosen.order + 1 == n_classes:
        return truth_with_zero(n_classes)
    raise ValueError(f"truth = {shortened(name)} has {chosen.order} elements, the labels are {n_classes} classes")


def spelt(truth: str, n: int) -> str:
    """The name as it is kept: of a group its own."""
    return truth_of(truth, n).group or truth


def name_of(truth: Truth, n: int) -> str | None:
    """The name under which `truth_of` gives this truth of n elements; None where there is none."""
    for name in filter(None, (truth.group, truth.manifold, UNKNOWN)):
        with contextlib.suppress(ValueError):
            if truth_of(name, n) == truth:
                return name
    return None


def named_truth(truth: Any) -> tuple[str, Any]:
    """The name in what a user says of the truth, and what each input stands for; None where its label says it."""
    if isinstance(truth, str):
        return truth, None
    if isinstance(truth, tuple | list) and len(truth) == 2 and isinstance(truth[0], str):
        return truth[0], truth[1]
    return UNKNOWN, truth
