"""The circle panel: which circles of the task's own group a table of points carries, and how sure that is.

A table has one row for each element of a finite group, in the group's order (the residues 0..p-1 unless a group is
named), and any channels: rows of the embedding, class means of a layer. A circle of the task is a plane in which the
element x stands at the angle 2 pi phi_k(x), phi_k the phase of a character (k x / p for residues). Betti numbers of the
whole cloud do not show it when there are several: p points on a torus of K circles are p^(1/K) points a circle.

Three traps are avoided. A plane fitted with the labels shows a circle in random rows too (phase coherence .94 in 512
channels): every coordinate here comes from a fit that did not see its row, nor the rows beside it. The largest of
(p - 1) / 2 shares of power is large by chance: its null is the largest share under permutations of the rows. And a path
along a line, such as a random walk or the clock of another modulus, has the slow characters or the near ones: a table
is asked whether it closes and whether its errors know the order of the rows.

Sources: frequencies and their planes, Nanda et al. 2023, arXiv:2301.05217; irreps, Chughtai et al. 2023,
arXiv:2302.03025; step-down maxima, Westfall & Young 1993, Resampling-Based Multiple Testing; permutation of residuals,
Freedman & Lane 1983, J. Bus. Econ. Stat. 1:292. Putting them together is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics import _lines, _planes
from grokscope.numerics._lines import Line
from grokscope.numerics._planes import Harmonics, harmonics
from grokscope.numerics.groups import Group

Key = int | str


@dataclass(frozen=True, kw_only=True, eq=False)
class Waves:
    """The pairs of conjugate one-dimensional complex characters exp(+-2 pi i phase) of a group, the task's circles.

    keys: k for residues (and for discrete logarithms), otherwise the irrep's name. phases: in turns, in [0, 1).
    """

    keys: tuple[Key, ...]
    phases: Float[np.ndarray, "wave element"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FrequencyPower:
    """k = 1..floor(p/2): share of the centred variance, and p-value against the largest share of permuted rows."""

    k: Int[np.ndarray, " frequency"]
    share: Float[np.ndarray, " frequency"]
    p_value: Float[np.ndarray, " frequency"]


@dataclass(frozen=True, kw_only=True, eq=False)
class IrrepPower:
    """The non-trivial real irreps. size: how many functions their matrix entries span; the rest as in `irrep_power`."""

    keys: tuple[Key, ...]
    size: Int[np.ndarray, " irrep"]
    share: Float[np.ndarray, " irrep"]
    p_value: Float[np.ndarray, " irrep"]
    r2: tuple[float | Missing, ...]


@dataclass(frozen=True, kw_only=True)
class Equivariance:
    """r2 in [0, 1]; p_value; chance: mean r2 of the permuted rows."""

    r2: float
    p_value: float
    chance: float


@dataclass(frozen=True, kw_only=True)
class Circle:
    """A character that the table carries, and whether its plane is a circle.

    key: k or the irrep's name. phases: how many different angles the elements stand at. share: of the variance;
    p_power: its p-value. ellipse_ratio, coherence, winding: as the functions of these names. rings: significant H1 bars
    of the cross-validated plane, one point an angle; p_ring: the first one's p-value. p_order: given in their place
    where the angles are too few (see `circle_panel`). failed: the criteria not met; certified: there is none.
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


def waves(group: Group | int) -> Waves | Missing:
    """The circles of a group, or of the residues mod n: phase k x mod n / n, k = 1..floor((n-1)/2).

    k = n/2 of an even n is a sign, not a circle. Missing for a group without complex characters (S_n, dihedral).
    """
    h = harmonics(group, None) if isinstance(group, int) else harmonics(group.order, group)
    name = f"the group of the residues mod {group}" if isinstance(group, int) else group.name
    if not h.waves:
        return Missing(f"{name} has no pair of conjugate one-dimensional complex characters, so it has no circle")
    return Waves(keys=tuple(h.keys[i] for i in h.waves), phases=h.phases)


def frequency_power(
    table: Any, *, permutations: int = 999, seed: int = 0, step_down: float = 0.0
) -> FrequencyPower | Missing:
    """Share P_k of the centred variance at each frequency k = 1..floor(p/2) of the residues, with p-values.

        P_k = (2/p) |sum_x E_x exp(-2 pi i k x / p)|^2 / sum_x |E_x - mean|^2     (half of it at k = p/2)

    p-value: (1 + permutations whose largest P_k reaches this one) / (1 + permutations), so it holds for all k together;
    k = p/2, one dimension rather than two, is compared after standardising. step_down > 0: frequencies significant at
    this level are taken out, and the others tested again in the residual (see _planes.significance); it finds weak
    frequencies beside strong ones. Missing for a constant table.
    """
    x = _planes.rows(table)
    if isinstance(x, Missing):
        return x
    h = harmonics(len(x), None)
    share, p = _power(x, h, permutations=permutations, seed=seed, step_down=step_down)
    return FrequencyPower(k=np.array(h.keys), share=share, p_value=p)


def irrep_power(
    table: Any,
    group: Group | None = None,
    *,
    permutations: int = 999,
    folds: int = 10,
    seed: int = 0,
    step_down: float = 0.0,
) -> IrrepPower | Missing:
    """Share of the centred variance in the matrix entries of each non-trivial real irrep, with p-values and R^2.

        share = tr(X^T P X) / tr(X^T X),   P(x, y) = d / (order dim End) chi(x^-1 y),   of rank d^2 / dim End

    p-values against permutations of the elements, as in `frequency_power`: the maximum is over irreps, each share
    standardised by its size, or the largest irrep would always be the largest share. r2: of rows held out of a least
    squares fit on the matrix entries, below 0 if it predicts worse than the mean; Missing where the elements do not
    determine the fit.
    """
    x = _planes.rows(table)
    if isinstance(x, Missing):
        return x
    h = harmonics(len(x), group)
    share, p = _power(x, h, permutations=permutations, seed=seed, step_down=step_down)
    r2 = (_planes.cross_validated_r2(x, h.projector(i), folds=folds, seed=seed) for i in range(len(h.keys)))
    return IrrepPower(keys=h.keys, size=h.sizes, share=share, p_value=p, r2=tuple(r2))


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
    a line in 64 channels, .6 to .8 for clocks of another modulus. `circle_panel` asks for that.

    R^2 is not corrected for chance: with C classes of N pairs it is about (C - 1) / (N - 1) in random tables (.009 at
    p = 113, 1 / (p - 2) for residues of an odd p), given as `chance`. Missing for a constant table, and where all
    distances are equal (one-hot rows).
    """
    if side not in ("left", "right"):
        raise ValueError(f"side must be 'left' or 'right', got {side!r}")
    x = _planes.rows(table)
    if isinstance(x, Missing):
        return x
    h = harmonics(len(x), group)
    gram, orders = x @ x.T, _planes.permuted_rows(len(x), permutations, seed)
    return _equivariance(gram, _planes.translate_sums(gram, orders, h, left=side == "right"), h)


def plane(
    table: Any, key: Key, *, beside: Sequence[Key] = (), group: Group | None = None, folds: int = 10, seed: int = 0
) -> Float[np.ndarray, "element 2"] | Missing:
    """Each element's point in the plane of one character, found by a fit that did not see its row.

        E_x = b_0 + u_x b_cos + v_x b_sin,   (u, v) = (cos, sin)(2 pi phase) for an ideal circle

    b is fitted by least squares on the elements outside x's fold, a block of neighbours in the group's order, with
    (u, v) put to (cos, sin); then (u, v) of the elements in the fold by least squares. These are coordinates in the
    plane's own axes: an ellipse becomes round.
    beside: other characters that the table carries, fitted along, so that they do not leak into this plane.
    """
    x = _planes.rows(table)
    if isinstance(x, Missing):
        return x
    h = harmonics(len(x), group)
    chosen = [h.waves.index(_place(h, each)) for each in (key, *(other for other in beside if other != key))]
    return _planes.cross_validated_planes(x, h.phases[chosen], line=h.line, folds=folds, seed=seed, first=1)[0]


def ellipse_ratio(table: Any, phases: Float[np.ndarray, " element"]) -> float | Missing:
    """s_2 / s_1 of the two rows (Re, Im) of sum_x E_x exp(-2 pi i phase_x): 1 for a circle, 0 for a line.

    In high-dimensional noise it is near 1 too: it tells circles from lines, not circles from nothing.
    """
    x = _planes.rows(table)
    if isinstance(x, Missing):
        return x
    s = np.linalg.svd(_angles(len(x), phases) @ x, compute_uv=False)
    if len(s) < 2 or s[0] <= 1e-12 * np.linalg.norm(x):
        return 0.0 if s[0] > 1e-12 * np.linalg.norm(x) else Missing("the table has no power at these phases")
    return float(s[1] / s[0])


def coherence(points: Float[np.ndarray, "element 2"], phases: Float[np.ndarray, " element"]) -> float:
    """|mean_x exp(i (theta_x - 2 pi phase_x))|, theta a point's angle: 1 on the task's circle, 1/sqrt(n) by chance."""
    theta = np.arctan2(points[:, 1], points[:, 0])
    return float(np.abs(np.exp(1j * (theta - 2 * np.pi * np.asarray(phases))).mean()))


def winding(points: Float[np.ndarray, "element 2"], phases: Float[np.ndarray, " element"]) -> int:
    """How many times the closed polygon through the points, in the order of their phases, goes around the origin.

    Points of equal phase (a frequency that divides n) are averaged first.
    """
    z = _planes.class_means(points, np.asarray(phases)) @ np.array([1, 1j])
    return round(float(np.angle(np.roll(z, -1) * z.conj()).sum() / (2 * np.pi)))


def ideal_clock(
    table: Any, ks: Sequence[Key], *, group: Group | None = None
) -> Float[np.ndarray, "element channel"] | Missing:
    """The table restricted to some frequencies (keys of `waves` or `irrep_power`), centred, in its own units.

    Its ambient Betti numbers are what an ideal clock of these frequencies and amplitudes shows at this finite p: the
    honest expectation for the table's own.
    """
    constant = _planes.rows(table)
    if isinstance(constant, Missing):
        return constant
    x = _planes.cloud(table, centre=False)
    h = harmonics(len(x), group)
    return h.projector(sorted({_place(h, key) for key in ks})) @ (x - x.mean(0))


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
) -> Panel | Missing:
    """Every circle of the task that the table carries; Panel.n_certified is K_c.

    Present are the characters with a p-value up to power_level (stepping down: see `frequency_power`) and at least
    min_share of the variance. Certified are those of them with

        ellipse_ratio >= min_ellipse  a plane, not a line: half as wide as long
        coherence >= min_coherence    an element is found at its angle to within 26 degrees (sqrt(-2 ln .9)), unseen
        winding = 1                   and the polygon goes round once
        rings = 1                     and has one hole: one H1 bar significant at `level` among its surrogates'
        p_order <= level              in its place where there are fewer than 10 angles, too few for a ring to be seen

    in a table that is not rather a function of a line through the elements (`Panel.line`):

        gap = 0                       the polygon of the rows, in the order of each present wave, has no two ends
        p_drift > line_level          every wave's angles turn a whole number of times over the elements
        p_skirt > line_level          no wave leaks into the frequencies beside it
        p_rest > line_level           what the waves leave does not fall with the frequency

    All four hold where a group moves the table rigidly, up to errors that do not know the order of the elements. A
    random walk or another smooth path has power at slow frequencies, and its rows say where those beside them are; but
    it has two ends. A clock of another modulus, or one with rows cut out, turns a fractional number of times, and its
    jump fills the sidebands. Short memories are seen in the rest. One sign fails the whole table: the overtones of a
    walk close though the walk does not. Other groups than cyclic ones are asked for gaps only. A smooth closed loop in
    many channels passes: its overtones stand in planes of their own, so that it is an orbit of the group. A closed
    random walk fails by its rest (from p = 59 on; at 31 every second passes).

    A frequency that shares a divisor with n has n / gcd(k, n) angles. p_order compares the power of the mean rows of
    the angles with the same in random order; m angles have (m - 1)! / 2 circular orders, so that circles of 3, 4 and 5
    angles (12 orders) are never certified at a level of .05: any three rows are a triangle.

    power_level: several characters may pass, and a false one costs more than a missed one. min_share: a circle with
    less of the variance can be exact, a harmonic of a bent one, but does not carry the answer. line_level: each of
    three tests of the table fails a true clock by chance as often as that.

    Missing for a constant table and for groups without circles; `irrep_power` and `equivariance` hold for every group.
    """
    x = _planes.rows(table)
    if isinstance(x, Missing):
        return x
    known = waves(len(x) if group is None else group)
    if isinstance(known, Missing):
        return known
    h = harmonics(len(x), group)
    gram, orders = x @ x.T, _planes.permuted_rows(len(x), permutations, seed)
    sums = _planes.translate_sums(gram, orders, h)
    share, p = _planes.significance(x, h, orders, sums, level=power_level, floor=min_share)
    places = np.array(h.waves)
    present = np.flatnonzero((p[places] <= power_level) & (share[places] >= min_share))
    present = present[np.argsort(-share[places[present]], kind="stable")]
    planes = _planes.cross_validated_planes(x, h.phases[present], line=h.line, folds=folds, seed=seed)
    found = _lines.line(x, h, present)
    rules = _Rules(
        min_ellipse=min_ellipse,
        min_coherence=min_coherence,
        level=level,
        permutations=permutations,
        surrogates=surrogates,
        seed=seed,
        line=tuple(name for name, sign in _signs(found, line_level).items() if sign),
    )
    circles = (
        _circle(x, h, i, points, rules, share=float(share[places[i]]), p_power=float(p[places[i]]))
        for i, points in zip(present.tolist(), planes, strict=True)
    )
    return Panel(circles=tuple(circles), equivariance=_equivariance(gram, sums, h), line=found)


def _power(
    x: Float[np.ndarray, "element channel"], h: Harmonics, *, permutations: int, seed: int, step_down: float
) -> tuple[Float[np.ndarray, " irrep"], Float[np.ndarray, " irrep"]]:
    orders = _planes.permuted_rows(len(x), permutations, seed)
    sums = _planes.translate_sums(x @ x.T, orders, h)
    return _planes.significance(x, h, orders, sums, level=step_down, floor=0.0)


def _equivariance(
    gram: Float[np.ndarray, "element element"], sums: Float[np.ndarray, "permutation element"], h: Harmonics
) -> Equivariance | Missing:
    """R^2 from the translate sums: the squared distances of the pairs (a, a x) sum to 2 (tr G - A_x)."""
    n, size = len(gram), np.diag(gram)
    distances = (size[:, None] + size[None, :] - 2 * gram)[~np.eye(n, dtype=bool)]
    total = np.square(distances - distances.mean()).sum()
    # What rounding leaves of equal distances, squared, is 1e-30 of their own squares.
    if total <= 1e-24 * np.square(distances).sum():
        return Missing("all rows are equally far apart: there is no variance of distances to explain")
    means = 2 * (size.sum() - np.delete(sums, h.identity, axis=1)) / n
    r2 = n * np.square(means - distances.mean()).sum(1) / total
    return Equivariance(r2=float(r2[0]), p_value=float(_planes.p_values(r2[:, None])[0]), chance=float(r2[1:].mean()))


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


def _circle(
    x: Float[np.ndarray, "element channel"],
    h: Harmonics,
    i: int,
    points: Float[np.ndarray, "element 2"],
    rules: _Rules,
    **power: float,
) -> Circle:
    """What is known of wave i, whose cross-validated plane holds the points."""
    phases = h.phases[i]
    ratio, coherent, turns = ellipse_ratio(x, phases), coherence(points, phases), winding(points, phases)
    assert not isinstance(ratio, Missing)
    rings, p_ring = _rings(_planes.class_means(points, phases), rules)
    p_order = None
    if isinstance(rings, Missing):
        p_order = _planes.order_p_value(x, phases, permutations=rules.permutations, seed=rules.seed)
    criteria = {
        "ellipse_ratio": ratio >= rules.min_ellipse,
        "coherence": coherent >= rules.min_coherence,
        "winding": turns == 1,
        "rings": rings == 1,
        "order": p_order is not None and p_order <= rules.level,
    }
    del criteria["order" if p_order is None else "rings"]
    return Circle(
        key=h.keys[h.waves[i]],
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


def _signs(line: Line, level: float) -> dict[str, bool]:
    """Which criteria of a group's table the signs of a line break."""
    p_values = {"drift": line.p_drift, "skirt": line.p_skirt, "rest": line.p_rest}
    return {"gap": line.gap > 0} | {name: p <= level for name, p in p_values.items()}


def _rings(points: Float[np.ndarray, "phase 2"], rules: _Rules) -> tuple[int | Missing, float | Missing]:
    from grokscope.numerics.topology import betti

    found = betti(points, max_dimension=1, level=rules.level, surrogates=rules.surrogates, seed=rules.seed)
    if isinstance(found, Missing):
        return found, found
    rings, p = found.numbers[1], found.p_values[1]
    if isinstance(rings, Missing) or isinstance(p, Missing):
        return Missing(f"no H1: {rings}"), Missing(f"no H1: {p}")
    return rings, float(p.min()) if len(p) else Missing("the plane has no H1 bar")


def _angles(n: int, phases: Float[np.ndarray, " element"]) -> Float[np.ndarray, "2 element"]:
    angle = 2 * np.pi * np.asarray(phases, dtype=np.float64)
    if angle.shape != (n,):
        raise ValueError(f"phases must be one for each of the {n} rows, got the shape {angle.shape}")
    return np.stack([np.cos(angle), np.sin(angle)])


def _place(h: Harmonics, key: Key) -> int:
    if key not in h.keys:
        raise ValueError(f"unknown frequency or irrep {key!r}; known are {', '.join(map(str, h.keys))}")
    return h.keys.index(key)
