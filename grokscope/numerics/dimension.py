"""Intrinsic dimension from ratios of distances to neighbours: TwoNN and Gride, with interval and goodness of fit.

Near a point of a d-dimensional manifold sampled at locally constant density, the volumes of the balls that reach its
neighbours grow like a Poisson process, so that of the distances r_n to its n-th nearest neighbour

    (r_n1 / r_n2)^d ~ Beta(n1, n2 - n1),        and for n1 = 1, n2 = 2:   log(r_2 / r_1) ~ Exp(d)

Sources: TwoNN: Facco et al. 2017, doi:10.1038/s41598-017-11873-y. Its likelihood and Gride: Denti et al. 2022,
doi:10.1038/s41598-022-20991-1. Neighbours are exact (`numerics.neighbours`), so an off-centre, tiny or huge cloud gives
the same numbers.

What the numbers do not say: above about 10 they are too low and only order clouds (Gaussian of 50 dimensions, 500
points: 29). Residues on a circle are a lattice: their two nearest neighbours are equally far, and TwoNN means nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics._points import cloud
from grokscope.numerics.neighbours import distinct, neighbours_of_rows

# Fewer distinct points than this say nothing: the standard error of TwoNN is d / sqrt(N).
LEAST_POINTS = 10
# Neighbours whose distances differ by less than this share are tied; by chance this happens to 1e-4 d of the points.
TIE = 1e-4
# Above this share of ties the points lie on a lattice, and ratios of distances say nothing of a dimension.
MOST_TIES = 0.05
# sqrt(N) times the Kolmogorov-Smirnov distance above which the law does not fit. For a right law 95 % lie below 1.1
# (the dimension is fitted); neighbouring points share neighbours, which widens it a little.
FIT = 2.0
NORMAL = 1.96  # of a 95 % interval
SHARES = (1.0, 0.3, 0.1, 0.03)
LEAST_DECIMATED = 100

Ratios = Float[np.ndarray, " point"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An intrinsic dimension at one scale.

    value; low, high: its 95 % interval, in which points that are neighbours count as correlated.
    n_used: ratios used. n_duplicates: points dropped because they repeat another. tie_share: share of the points whose
    two distances are equal within 1e-4. ks: sqrt(n_used) times the Kolmogorov-Smirnov distance between the ratios and
    their law at `value`; above 2 the law does not hold, and `value` is a number without a meaning.
    n1: the neighbours compared are the n1-th and the 2 n1-th.
    """

    value: float
    low: float
    high: float
    n_used: int
    n_duplicates: int
    tie_share: float
    ks: float
    n1: int = 1

    @property
    def fits(self) -> bool:
        """Whether the ratios follow their law."""
        return self.ks < FIT


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """The dimension that a cloud can be said to have, and what it was read from.

    scales: the n1 of the plateau of Gride; empty if there is none, and the value is TwoNN's on the share `share` of the
    points. gride: the estimate at every scale.
    """

    value: float
    low: float
    high: float
    scales: tuple[int, ...]
    share: float
    gride: tuple[Estimate | Missing, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Nearest:
    """A cloud with its nearest neighbours, found once: `twonn`, `gride` and `intrinsic_dimension` take it as points.

    points: the distinct ones, as `numerics._points.cloud` scales them. distances, indices: of each point's k nearest,
    ascending. n_duplicates: points dropped because they repeat another.
    """

    points: Float[np.ndarray, "point channel"]
    distances: Float[np.ndarray, "point k"]
    indices: Int[np.ndarray, "point k"]
    n_duplicates: int


def nearest(points: Any, k: int = 32) -> Nearest | Missing:
    """The k nearest neighbours of each of the distinct points, or as many as there are: n1 goes up to k / 2.

    `Missing` for fewer than 10 distinct points; ValueError for points that are no finite rows, and k < 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    rows = cloud(points)
    kept = distinct(rows)
    if len(kept) < LEAST_POINTS:
        return Missing(f"{len(kept)} distinct points; a dimension needs at least {LEAST_POINTS}")
    distances, indices = neighbours_of_rows(kept, min(k, len(kept) - 1))
    return Nearest(points=kept, distances=distances, indices=indices, n_duplicates=len(rows) - len(kept))


def twonn(points: Any, method: Literal["mle", "fit"] = "mle", discard: float = 0.1) -> Estimate | Missing:
    """Intrinsic dimension from the ratio mu = r_2 / r_1 of the distances to the two nearest neighbours.

    points: (point, channel), any real dtype, or what `nearest` made of them. Repeated points are dropped, all but the
    first.
    method "mle": maximum likelihood, the share `discard` of the largest ratios counting as censored (k are kept):

        d = (k - 1) / (sum_{i <= k} log mu_(i) + (N - k) log mu_(k))

    method "fit": least squares through the origin of -log(1 - i/N) on log mu_(i), i = 1..k, as published by Facco et
    al.; its interval is as wide, relatively, as that of "mle".
    `Missing` for fewer than 10 distinct points, or where more than 5 % of the points have both neighbours at the same
    distance. ValueError for values that are not finite, a wrong shape, discard outside [0, 1).
    """
    if method not in ("mle", "fit"):
        raise ValueError(f"method must be 'mle' or 'fit', got {method!r}")
    if not 0 <= discard < 1:
        raise ValueError(f"discard must lie in [0, 1), got {discard}")
    near = _nearest(points, 2)
    if isinstance(near, Missing):
        return near
    distances, n_duplicates = near.distances, near.n_duplicates
    logs = np.log(distances[:, 1] / distances[:, 0])
    ties = _ties(logs, 1)
    if isinstance(ties, Missing):
        return ties
    ordered = np.sort(logs)
    n, kept = len(logs), int(len(logs) * (1 - discard))
    if kept < 2:
        return Missing(f"discard = {discard} leaves {kept} of {n} ratios")
    largest = ordered[kept - 1]
    value = likeliest = (kept - 1) / (ordered[:kept].sum() + (n - kept) * largest)
    if method == "fit":
        rank = np.arange(1, kept + 1) / n
        # At discard = 0 the largest ratio has no finite place on the line.
        used = slice(0, kept if kept < n else kept - 1)
        value = -float(np.log1p(-rank[used]) @ ordered[used]) / float(ordered[used] @ ordered[used])
    scores = (logs <= largest) / likeliest - np.minimum(logs, largest)
    error = _relative_error(scores, kept / likeliest, near.indices[:, :2])
    ks = _kolmogorov_smirnov(1 - np.exp(-value * ordered))
    return _estimate(value, error, n_used=n, n_duplicates=n_duplicates, tie_share=ties, ks=ks, n1=1)


def gride(points: Any, n1: Sequence[int] = (1, 2, 4, 8, 16)) -> list[Estimate | Missing]:
    """Intrinsic dimension at a range of scales, from the ratios mu = r_{2 n1} / r_n1 at each n1.

        log L(d) = (N - 1) log d + (n1 - 1) sum log(mu^d - 1) - ((2 n1 - 1) d + 1) sum log mu   ->   largest

    N - 1 instead of N makes n1 = 1 the unbiased estimate of TwoNN without censoring; ratios above q50 + 20 (q95 - q50)
    are left out as overlapping points; both as in the reference implementations (dadapy, scikit-dimension). A larger n1
    looks at a larger scale without throwing points away: noise falls, curvature and borders begin to count.
    One entry for each n1: `Missing` where 2 n1 neighbours are not there or tied. See `twonn` for points and errors.
    """
    scales = [int(scale) for scale in n1]
    if not scales or min(scales) < 1 or scales != list(n1):
        raise ValueError(f"n1 must be whole numbers of at least 1, got {n1!r}")
    near = _nearest(points, 2 * max(scales))
    if isinstance(near, Missing):
        return [near] * len(scales)
    known = near.distances.shape[1]
    return [
        _gride(near, scale)
        if 2 * scale <= known
        else Missing(
            f"n1 = {scale} needs {2 * scale} neighbours, {known} are known of {len(near.points)} distinct points"
        )
        for scale in scales
    ]


def decimations(points: Any, shares: Sequence[float] = SHARES, *, seed: int = 0) -> list[Estimate | Missing]:
    """TwoNN on random shares of the points: fewer points are farther apart, so the scale grows, as with n1 in Gride.

    A share f is drawn min(round(1/f), 10) times; the estimate given is the one whose value is the median of the draws.
    """
    rows, generator = cloud(points), np.random.default_rng(seed)
    found: list[Estimate | Missing] = []
    for share in shares:
        if not 0 < share <= 1:
            raise ValueError(f"shares must lie in (0, 1], got {share}")
        size = round(share * len(rows))
        draws = min(round(1 / share), 10)
        each = [twonn(rows[np.sort(generator.permutation(len(rows))[:size])]) for _ in range(draws)]
        fine = sorted((one for one in each if isinstance(one, Estimate)), key=lambda one: one.value)
        found.append(fine[len(fine) // 2] if fine else each[0])
    return found


def intrinsic_dimension(points: Any, *, seed: int = 0) -> Dimension | Missing:
    """The dimension of a cloud, read where it does not depend on the scale.

    The plateau of Gride over n1 = 1, 2, 4, 8, 16 (at most a sixth of the points) is the longest run of at least two
    neighbouring scales, of which the law fits every one, whose estimates agree: each pair within 5 %, or within 1.96
    standard errors of the smaller scale. The value is their geometric mean. Without a plateau it is TwoNN's on the
    largest share of the points, 100 of them at least, that the law fits and where Gride at n1 = 2 agrees. `Missing`
    where there is neither: then every number depends on the scale at which one looks.
    """
    near = _nearest(points, 32)
    if isinstance(near, Missing):
        return near
    rows, n = near.points, len(near.points)
    curve = gride(near, [scale for scale in (1, 2, 4, 8, 16) if 6 * scale <= n])
    if plateau := _plateau(curve):
        values, worst = [each.value for each in plateau], max(plateau, key=lambda each: each.high / each.low)
        value = math.exp(sum(map(math.log, values)) / len(values))
        width = math.sqrt(worst.high / worst.low)
        return Dimension(
            value=value,
            low=min(value / width, *values),
            high=max(value * width, *values),
            scales=tuple(each.n1 for each in plateau),
            share=1.0,
            gride=tuple(curve),
        )
    for share in (share for share in SHARES[1:] if share * n >= LEAST_DECIMATED):
        sample = rows[np.sort(np.random.default_rng(seed).permutation(len(rows))[: round(share * len(rows))])]
        estimate = twonn(sample)
        if isinstance(estimate, Estimate) and estimate.fits and _plateau(gride(sample, (1, 2))):
            return Dimension(
                value=estimate.value, low=estimate.low, high=estimate.high, scales=(), share=share, gride=tuple(curve)
            )
    known = [f"{each.value:.3g} at n1 = {each.n1}" for each in curve if isinstance(each, Estimate)]
    return Missing(f"the dimension depends on the scale: {', '.join(known) or 'the points lie on a lattice'}")


def _plateau(curve: Sequence[Estimate | Missing]) -> list[Estimate]:
    """The longest run of at least two neighbouring scales that agree; the first of several as long."""
    best: list[Estimate] = []
    for start in range(len(curve)):
        run: list[Estimate] = []
        for each in curve[start:]:
            if isinstance(each, Missing) or not each.fits or not all(_agree(before, each) for before in run):
                break
            run.append(each)
        if len(run) > max(len(best), 1):
            best = run
    return best


def _agree(one: Estimate, other: Estimate) -> bool:
    error = math.log(one.high / one.low) / (2 * NORMAL)
    return abs(math.log(other.value / one.value)) <= max(0.05, NORMAL * error)


def _nearest(points: Any, k: int) -> Nearest | Missing:
    return points if isinstance(points, Nearest) else nearest(points, k)


def _ties(logs: Ratios, n1: int) -> float | Missing:
    share = float((logs < math.log1p(TIE)).mean())
    if share <= MOST_TIES:
        return share
    return Missing(
        f"for {share:.0%} of the points the neighbours {n1} and {2 * n1} are at the same distance: "
        f"they lie on a lattice, and ratios of distances say nothing at this scale"
    )


def _gride(nearest: Nearest, n1: int) -> Estimate | Missing:
    from scipy.optimize import brentq
    from scipy.special import betainc

    distances = nearest.distances
    logs = np.log(distances[:, 2 * n1 - 1] / distances[:, n1 - 1])
    ties = _ties(logs, n1)
    if isinstance(ties, Missing):
        return ties
    low, high = np.percentile(np.exp(logs[logs > 0]), [50, 95])
    used = (logs > 0) & (np.exp(logs) < low + 20 * (high - low))
    chosen = logs[used]
    n, total = len(chosen), chosen.sum()

    def score(d: float) -> float:
        return (n - 1) / d + (n1 - 1) * float((chosen / -np.expm1(-d * chosen)).sum()) - (2 * n1 - 1) * total

    above = 1.0
    while score(above) > 0:
        above *= 2
    value = float(brentq(score, 1e-8, above, xtol=1e-12, rtol=1e-12))  # pyright: ignore[reportArgumentType]
    scores = np.zeros(len(logs))
    scores[used] = 1 / value + (n1 - 1) * chosen / -np.expm1(-value * chosen) - (2 * n1 - 1) * chosen
    information = n / value**2 + (n1 - 1) * float(np.square(chosen / (2 * np.sinh(value * chosen / 2))).sum())
    error = _relative_error(scores, information * value, nearest.indices[:, : 2 * n1])
    ks = _kolmogorov_smirnov(betainc(n1, n1, np.exp(-value * np.sort(chosen)[::-1])))
    return _estimate(value, error, n_used=n, n_duplicates=nearest.n_duplicates, tie_share=ties, ks=ks, n1=n1)


def _relative_error(scores: Ratios, information: float, near: Int[np.ndarray, "point k"]) -> float:
    """Standard error of log d: sqrt(J) / information, J the variance of the sum of the scores.

    Points that are each other's neighbours share the distances that the scores are made of, so J adds their products
    (the sandwich of a composite likelihood); information is per unit of log d / d.
    """
    products = scores * (scores + scores[near].sum(1))
    return math.sqrt(max(float(products.sum()), float(scores @ scores))) / information


def _kolmogorov_smirnov(probabilities: Ratios) -> float:
    """sqrt(n) times the largest distance between the empirical distribution of ascending probabilities and uniform."""
    n = len(probabilities)
    rank = np.arange(n)
    above, below = ((rank + 1) / n - probabilities).max(), (probabilities - rank / n).max()
    return math.sqrt(n) * float(max(above, below))


def _estimate(value: float, error: float, **fields: Any) -> Estimate:
    return Estimate(
        value=float(value),
        low=float(value) * math.exp(-NORMAL * error),
        high=float(value) * math.exp(NORMAL * error),
        **fields,
    )
