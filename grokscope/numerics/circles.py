"""The circle panel: which circles of the task's own group a table of points carries, and how sure that is.

A table has one row for each element of a finite group, in the group's order (the residues 0..p-1 unless a group is
named), and any channels: rows of the embedding, class means of a layer. A circle of the task is a plane in which the
element x stands at the angle 2 pi phi_k(x), phi_k the phase of a character (k x / p for residues). Betti numbers of the
whole cloud do not show it when there are several: p points on a torus of K circles are p^(1/K) points a circle.

Three traps are avoided. A plane fitted with the labels shows a circle in random rows too (phase coherence .94 in 512
channels): here every coordinate comes from a fit that saw neither its row nor the rows beside it. The largest of
(p - 1) / 2 shares of power is large by chance: its null is the largest share under permutations of the rows. A path
along a line, such as a random walk or the clock of another modulus, has the slow characters or the near ones: the panel
tests whether the table closes and whether its errors know the order of the rows.

Sources: frequencies and their planes, Nanda et al. 2023, arXiv:2301.05217; irreps, Chughtai et al. 2023,
arXiv:2302.03025; permutations as in `_permutations`. Putting them together is ours.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics import _lines
from grokscope.numerics._group_tables import (
    Equivariance,
    Waves,
    equivariance,
    explained,
    ideal_clock,
    plane,
    planes,
    rows,
    waves,
)
from grokscope.numerics._harmonics import Harmonics, Key, harmonics
from grokscope.numerics._lines import Line
from grokscope.numerics._permutations import Permuted, Table, permuted_table
from grokscope.numerics._planes import Phases, class_means, cross_validated_planes, order_p_value
from grokscope.numerics.groups import Group

__all__ = [
    "Circle",
    "Equivariance",
    "Key",
    "Line",
    "Panel",
    "Waves",
    "circle_panel",
    "coherence",
    "ellipse_ratio",
    "equivariance",
    "ideal_clock",
    "plane",
    "planes",
    "waves",
    "winding",
]

Points = Float[np.ndarray, "element 2"]


@dataclass(frozen=True, kw_only=True)
class Circle:
    """A character that the table carries, and whether its plane is a circle.

    key: k or the irrep's name. phases: how many different angles the elements stand at. share: of the variance;
    p_power: its p-value. ellipse_ratio, coherence, winding: as the functions of these names. rings: significant H1 bars
    of the cross-validated plane, one point an angle; p_ring: the first one's p-value. p_order: given in their place
    where the angles are too few (see `circle_panel`). failed: the criteria not met; certified: none failed.
    """

    key: Key
    phases: int
    share: float
    p_power: float
    ellipse_ratio: float
    coherence: float
    winding: int
    rings: int | Missing
    p_ring: float | Missing
    p_order: float | None
    failed: tuple[str, ...]

    @property
    def certified(self) -> bool:
        return not self.failed


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The circles present, strongest first; the equivariance of the table; signs that it is a line's, not a group's."""

    circles: tuple[Circle, ...]
    equivariance: Equivariance | Missing
    line: Line

    @property
    def certified(self) -> tuple[Key, ...]:
        return tuple(circle.key for circle in self.circles if circle.certified)

    @property
    def n_certified(self) -> int:
        """K_c, the number of certified circles."""
        return len(self.certified)


def ellipse_ratio(table: Any, phases: Phases) -> float | Missing:
    """s_2 / s_1 of the two rows (Re, Im) of sum_x E_x exp(-2 pi i phase_x): 1 for a circle, 0 for a line.

    In high-dimensional noise it is near 1 too: it tells circles from lines, not circles from nothing.
    """
    x = rows(table)
    if isinstance(x, Missing):
        return x
    angle = 2 * np.pi * np.asarray(phases, dtype=np.float64)
    if angle.shape != (len(x),):
        raise ValueError(f"phases must be one for each of the {len(x)} rows, got the shape {angle.shape}")
    s = np.linalg.svd(np.stack([np.cos(angle), np.sin(angle)]) @ x, compute_uv=False)
    if s[0] <= 1e-12 * np.linalg.norm(x):
        return Missing("the table has no power at these phases")
    return float(s[1] / s[0]) if len(s) > 1 else 0.0


def coherence(points: Points, phases: Phases) -> float:
    """|mean_x exp(i (theta_x - 2 pi phase_x))|, theta a point's angle: 1 on the task's circle, 1/sqrt(n) by chance."""
    theta = np.arctan2(points[:, 1], points[:, 0])
    return float(np.abs(np.exp(1j * (theta - 2 * np.pi * np.asarray(phases))).mean()))


def winding(points: Points, phases: Phases) -> int:
    """How many times the closed polygon through the points, in the order of their phases, goes around the origin.

    Points of equal phase (a frequency that divides n) are averaged first.
    """
    z = class_means(points, np.asarray(phases)) @ np.array([1, 1j])
    return round(float(np.angle(np.roll(z, -1) * z.conj()).sum() / (2 * np.pi)))


def circle_panel(
    table: Any,
    *,
    group: Group | None = None,
    level: float = 0.05,
    power_level: float = 0.01,
    min_share: float = 0.01,
    min_ellipse: float = 0.5,
    min_coherence: float = 0.9,
    line_level: float = 0.001,
    permutations: int = 999,
    folds: int = 10,
    surrogates: int = 20,
    seed: int = 0,
    every_ring: bool = True,
) -> Panel | Missing:
    """Every circle of the task that the table carries; Panel.n_certified is K_c.

    Present are the characters with at least min_share of the variance and a p-value up to power_level. The share of k
    is

        P_k = (2/p) |sum_x E_x exp(-2 pi i k x / p)|^2 / sum_x |E_x - mean|^2

    and its p-value (1 + permutations of the rows whose largest share reaches it) / (1 + permutations), so that it holds
    for all k together; it steps down (`_permutations.Permuted.significance`). Certified are those present with

        ellipse_ratio >= min_ellipse  a plane, not a line: half as wide as long
        coherence >= min_coherence    an element is found at its angle to within 26 degrees (sqrt(-2 ln .9)), unseen
        winding = 1                   and the polygon goes round once
        rings = 1                     and has one hole: one H1 bar significant at `level` among its surrogates'
        p_order <= level              instead of rings, with fewer than 10 angles: too few for a ring to be seen

    in a table that is not rather a function of a line through the elements (`Panel.line`):

        gap = 0                       the polygon of the rows, in the order of each present wave, has no two ends
        p_drift > line_level          every wave's angles turn a whole number of times over the elements
        p_skirt > line_level          no wave leaks into the frequencies beside it
        p_rest > line_level           the power left by the waves does not fall with the frequency

    All four hold where a group moves the table rigidly, up to errors that do not know the order of the elements. A
    random walk or another smooth path has power at slow frequencies; its rows tell where the rows beside them are; but
    it has two ends. A clock of another modulus, or one with rows cut out, turns a fractional number of times, and its
    jump fills the sidebands. Short memories are seen in the rest. One sign fails the whole table: the overtones of a
    walk close though the walk does not. Groups that are not cyclic are tested for gaps only. A smooth closed loop in
    many channels passes: its overtones stand in planes of their own, so that it is an orbit of the group. A closed
    random walk fails by its rest (from p = 59 on; at 31 every second passes).

    A frequency that shares a divisor with n has n / gcd(k, n) angles. p_order compares the power of the mean rows of
    the angles with the same in random order. m angles have (m - 1)! / 2 circular orders; so circles of 3, 4 and 5
    angles (12 orders) are never certified at a level of .05: any three rows are a triangle.

    power_level: several characters may pass, and a false one costs more than a missed one. min_share: a circle with
    less of the variance can be exact, a harmonic of a bent one, but does not carry the answer. line_level: each of
    three tests of the table fails a true clock by chance as often as that. every_ring False: rings and p_order, most of
    the cost, are tested only where the other criteria hold, and are Missing elsewhere; what is certified is the same.

    Missing for a constant table and for groups without circles; `equivariance` holds for every group.
    """
    x = rows(table)
    if isinstance(x, Missing):
        return x
    if isinstance(known := waves(len(x) if group is None else group), Missing):
        return known
    h = harmonics(len(x), group)
    permuted = permuted_table(x, h, permutations, seed)
    present, share, p = _present(permuted, power_level, min_share)
    planes = cross_validated_planes(x, h.phases[present], line=h.line, folds=folds, seed=seed)
    line = _lines.line(x, h, present)
    rules = _Rules(
        min_ellipse=min_ellipse,
        min_coherence=min_coherence,
        level=level,
        permutations=permutations,
        surrogates=surrogates,
        seed=seed,
        line=line.failed(line_level),
        every_ring=every_ring,
    )
    circles = (
        _circle(x, h, wave, points, rules, share=float(share[i]), p_power=float(p[i]))
        for i, (wave, points) in enumerate(zip(present.tolist(), planes, strict=True))
    )
    return Panel(circles=tuple(circles), equivariance=explained(permuted), line=line)


def _present(
    permuted: Permuted, level: float, min_share: float
) -> tuple[Int[np.ndarray, " present"], Float[np.ndarray, " present"], Float[np.ndarray, " present"]]:
    """The waves that a table carries, the strongest first, each with its share and p-value."""
    share, p = (values[list(permuted.h.waves)] for values in permuted.significance(level=level, floor=min_share))
    present = np.flatnonzero((p <= level) & (share >= min_share))
    present = present[np.argsort(-share[present], kind="stable")]
    return present, share[present], p[present]


@dataclass(frozen=True, kw_only=True)
class _Rules:
    """What certifies a circle, and what its tests are run with; line: the criteria that the whole table fails."""

    min_ellipse: float
    min_coherence: float
    level: float
    permutations: int
    surrogates: int
    seed: int
    line: tuple[str, ...]
    every_ring: bool


def _circle(x: Table, h: Harmonics, wave: int, points: Points, rules: _Rules, **power: float) -> Circle:
    """A wave, whose cross-validated plane holds the points, with its tests."""
    phases = h.phases[wave]
    ratio, coherent, turns = ellipse_ratio(x, phases), coherence(points, phases), winding(points, phases)
    assert not isinstance(ratio, Missing)
    criteria = {
        "ellipse_ratio": ratio >= rules.min_ellipse,
        "coherence": coherent >= rules.min_coherence,
        "winding": turns == 1,
    }
    p_order = None
    if rules.every_ring or (all(criteria.values()) and not rules.line):
        rings, p_ring = _rings(class_means(points, phases), rules)
        if isinstance(rings, Missing):
            p_order = order_p_value(x, phases, permutations=rules.permutations, seed=rules.seed)
        criteria |= {"rings": rings == 1} if p_order is None else {"order": p_order <= rules.level}
    else:
        rings = p_ring = Missing("not tested: the circle fails by another criterion")
    return Circle(
        key=h.keys[h.waves[wave]],
        phases=len(np.unique(phases)),
        ellipse_ratio=ratio,
        coherence=coherent,
        winding=turns,
        rings=rings,
        p_ring=p_ring,
        p_order=p_order,
        failed=(*(name for name, met in criteria.items() if not met), *rules.line),
        **power,
    )


def _rings(points: Float[np.ndarray, "phase 2"], rules: _Rules) -> tuple[int | Missing, float | Missing]:
    """The significant loops of a plane, and the p-value of the strongest."""
    from grokscope.numerics.topology import betti

    answer = betti(points, max_dimension=1, level=rules.level, surrogates=rules.surrogates, seed=rules.seed)
    if isinstance(answer, Missing):
        return answer, answer
    rings, p = answer.numbers[1], answer.p_values[1]
    if isinstance(rings, Missing) or isinstance(p, Missing):
        return Missing(f"no H1: {rings}"), Missing(f"no H1: {p}")
    return rings, float(p.min()) if len(p) else Missing("the plane has no H1 bar")
