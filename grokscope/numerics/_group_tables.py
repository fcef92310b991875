"""What a finite group says of a table of points: its circles, equivariance, single planes.

A table has one row for each element of the group, in the group's order (the residues 0..p-1 unless a group is named),
and any channels. See `circles`, which tests all circles of a table together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.numerics._harmonics import Key, harmonics
from grokscope.numerics._permutations import Permuted, Table, p_values, permuted_table
from grokscope.numerics._planes import cross_validated_planes
from grokscope.numerics._points import cloud
from grokscope.numerics.groups import Group


@dataclass(frozen=True, kw_only=True, eq=False)
class Waves:
    """The pairs of conjugate one-dimensional complex characters exp(+-2 pi i phase) of a group: the task's circles.

    keys: k for residues (and for discrete logarithms), otherwise the irrep's name. phases: in turns, in [0, 1).
    """

    keys: tuple[Key, ...]
    phases: Float[np.ndarray, "wave element"]


@dataclass(frozen=True, kw_only=True)
class Equivariance:
    """r2 in [0, 1]; p_value; chance: mean r2 of the permuted rows."""

    r2: float
    p_value: float
    chance: float


def waves(group: Group | int) -> Waves | Missing:
    """The circles of a group, or of the residues mod n: phase k x mod n / n, k = 1..floor((n-1)/2).

    k = n/2 of an even n is a sign, not a circle. Missing for a group without complex characters (S_n, dihedral).
    """
    h = harmonics(group, None) if isinstance(group, int) else harmonics(group.order, group)
    name = f"the group of the residues mod {group}" if isinstance(group, int) else group.name
    if not h.waves:
        return Missing(f"{name} has no pair of conjugate one-dimensional complex characters, so it has no circle")
    return Waves(keys=tuple(h.keys[i] for i in h.waves), phases=h.phases)


def rows(table: Any) -> Table | Missing:
    """The centred table, rotated into as few channels as it has rows; Missing if all rows are equal.

    Raises ValueError for anything but finite real numbers of the shape (elements, channels).
    """
    raw = cloud(table, centre=False)
    # Rounding of the mean leaves some 1e-16 of the size in a constant table, which is not variance.
    if len(raw) < 2 or (raw.max(0) - raw.min(0)).max() <= 1e-12 * np.abs(raw).max():
        return Missing(f"the {len(raw)} rows of the table are all equal: it has no variance to explain")
    x = cloud(raw)
    return np.transpose(np.linalg.qr(x.T, mode="r")) if x.shape[1] > len(x) else x


def equivariance(
    table: Any,
    *,
    group: Group | None = None,
    side: Literal["left", "right"] = "left",
    permutations: int = 999,
    seed: int = 0,
) -> Equivariance | Missing:
    """Does the group act on the rows by isometries? Variance of |E_x - E_y|^2, x != y, explained by x^-1 y: R^2.

    side: "left" asks whether distances are left invariant, |E_gx - E_gy| = |E_x - E_y|, so pairs are classed by
    x^-1 y; "right" by x y^-1. For a commutative group they are the same: by x - y. Blind to the number of circles.

    A path along the elements has some too, as near elements are near: .3 to .8 for random walks and smooth functions of
    a line in 64 channels, .6 to .8 for clocks of another modulus. `circle_panel` tests for that.

    R^2 is not corrected for chance: with C classes of N pairs it is about (C - 1) / (N - 1) in random tables (.009 at
    p = 113, 1 / (p - 2) for residues of an odd p), given as `chance`. Missing for a constant table, and where all
    distances are equal (one-hot rows).
    """
    if side not in ("left", "right"):
        raise ValueError(f"side must be 'left' or 'right', got {side!r}")
    x = rows(table)
    if isinstance(x, Missing):
        return x
    return explained(permuted_table(x, harmonics(len(x), group), permutations, seed, left=side == "right"))


def explained(permuted: Permuted) -> Equivariance | Missing:
    """R^2 from the translate sums: the squared distances of the pairs (a, a x) sum to 2 (tr G - A_x)."""
    gram = permuted.x @ permuted.x.T
    n, size = len(gram), np.diag(gram)
    distances = (size[:, None] + size[None, :] - 2 * gram)[~np.eye(n, dtype=bool)]
    total = np.square(distances - distances.mean()).sum()
    # What rounding leaves of equal distances, squared, is 1e-30 of their own squares.
    if total <= 1e-24 * np.square(distances).sum():
        return Missing("all rows are equally far apart: there is no variance of distances to explain")
    means = 2 * (size.sum() - np.delete(permuted.sums, permuted.h.identity, axis=1)) / n
    r2 = n * np.square(means - distances.mean()).sum(1) / total
    return Equivariance(r2=float(r2[0]), p_value=float(p_values(r2[:, None])[0]), chance=float(r2[1:].mean()))


def plane(
    table: Any, key: Key, *, beside: Sequence[Key] = (), group: Group | None = None, folds: int = 10, seed: int = 0
) -> Float[np.ndarray, "element 2"] | Missing:
    """Each element's point in the plane of one character, found by a fit that did not see its row.

        E_x = b_0 + u_x b_cos + v_x b_sin,   (u, v) = (cos, sin)(2 pi phase) for an ideal circle

    First b is fitted by least squares with (u, v) = (cos, sin), on the elements outside x's fold (a block of neighbours
    in the group's order). Then (u, v) of the elements in the fold are fitted by least squares. These are coordinates in
    the plane's own axes: an ellipse becomes round.
    beside: other characters that the table carries. They are fitted along, so that they do not leak into this plane.
    """
    keys = [key, *(other for other in beside if other != key)]
    found = _planes(table, keys, group=group, folds=folds, seed=seed, first=1)
    return found if isinstance(found, Missing) else found[0]


def planes(
    table: Any, keys: Sequence[Key], *, group: Group | None = None, folds: int = 10, seed: int = 0
) -> Float[np.ndarray, "key element 2"] | Missing:
    """The `plane` of each of the keys beside the others."""
    return _planes(table, keys, group=group, folds=folds, seed=seed)


def _planes(
    table: Any, keys: Sequence[Key], *, group: Group | None, folds: int, seed: int, first: int | None = None
) -> Float[np.ndarray, "key element 2"] | Missing:
    x = rows(table)
    if isinstance(x, Missing):
        return x
    h = harmonics(len(x), group)
    chosen = [h.waves.index(h.place(key)) for key in keys]
    return cross_validated_planes(x, h.phases[chosen], line=h.line, folds=folds, seed=seed, first=first)


def ideal_clock(
    table: Any, ks: Sequence[Key], *, group: Group | None = None
) -> Float[np.ndarray, "element channel"] | Missing:
    """The table restricted to some frequencies (keys of `waves`) or irreps (their names), centred, in its own units.

    Its ambient Betti numbers are those that an ideal clock of these frequencies and amplitudes shows at this finite p:
    the honest expectation for the table's own.
    """
    constant = rows(table)
    if isinstance(constant, Missing):
        return constant
    x = cloud(table, centre=False)
    h = harmonics(len(x), group)
    return h.projector(sorted({h.place(key) for key in ks})) @ (x - x.mean(0))
