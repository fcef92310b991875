"""The law of the ratios of distances to neighbours, and whether a cloud follows it; for `numerics.dimension`.

At locally constant density in d dimensions, the distances r_n to the n-th nearest neighbour have

    (r_n1 / r_2n1)^d ~ Beta(n1, n1),        and for n1 = 1:   log(r_2 / r_1) ~ Exp(d)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics._points import cloud
from grokscope.numerics.neighbours import distinct, merged, neighbours_of_rows

# Fewer distinct points than this say nothing: the standard error of TwoNN is d / sqrt(N).
LEAST_POINTS = 10
# Points nearer to each other than this share of the typical distance to a nearest neighbour are one point. Copies that
# differ by rounding (1e-7 of a float32) are nearer. By chance, N points drawn from a line have some 3e-5 N such pairs,
# in two dimensions 1e-9 N.
NEAR = 1e-4
# A neighbour this many times nearer than the next one is a copy, even where it is not merged.
APART = 1e-3
# Of so many neighbours the last is at the cloud's own distance, unless most points have as many copies.
AMONG = 32
# Copies that are not merged are looked for among the first neighbours: more copies of one point are a cluster.
FEW = 8
# Neighbours whose distances differ by less than this share are tied; by chance this happens to 1e-4 d of the points.
TIE = 1e-4
# Above this share of ties the points lie on a lattice, where ratios of distances say nothing of a dimension.
MOST_TIES = 0.05
# sqrt(N) times the Kolmogorov-Smirnov distance above which the law does not fit. For the right law 95 % lie below 1.1
# (the dimension is fitted); neighbouring points share neighbours, which widens this a little.
FIT = 2.0
NORMAL = 1.96  # of a 95 % interval

Ratios = Float[np.ndarray, " point"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """An intrinsic dimension at one scale.

    value; low, high: its 95 % interval, for the error of sampling alone; neighbouring points count as correlated.
    Borders, curvature and noise move the value itself: `numerics.dimension.intrinsic_dimension` has an interval that
    covers these, too.
    n_used: ratios used. n_duplicates: points dropped because they repeat another, to within the tolerance. tie_share:
    share of the points whose two distances are equal within 1e-4. ks: sqrt(n_used) times the Kolmogorov-Smirnov
    distance between the ratios and their law at `value`. n_close: points closer to their n1-th neighbour, relative to
    the 2 n1-th, than the law has in one of a thousand.
    n1: the neighbours compared are the n1-th and the 2 n1-th.
    """

    value: float
    low: float
    high: float
    n_used: int
    n_duplicates: int
    tie_share: float
    ks: float
    n_close: int = 0
    n1: int = 1

    @property
    def fits(self) -> bool:
        """Whether the ratios follow their law: ks below 2, and no more close points than by chance.

        Where they do not, the value has no meaning.
        """
        return self.ks < FIT and self.n_close <= _by_chance(self.n_used, self.n1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Nearest:
    """A cloud with its nearest neighbours, found once: `twonn`, `gride` and `intrinsic_dimension` take it as points.

    points: the distinct ones, as `numerics._points.cloud` scales them. distances, indices: each point's k nearest,
    ascending. n_duplicates: points dropped because they repeat another, to within the tolerance.
    """

    points: Float[np.ndarray, "point channel"]
    distances: Float[np.ndarray, "point k"]
    indices: Int[np.ndarray, "point k"]
    n_duplicates: int


def nearest(points: Any, k: int = 32, *, tolerance: float = NEAR) -> Nearest | Missing:
    """The k nearest neighbours of each of the distinct points, or as many as there are: n1 goes up to k / 2.

    tolerance: points nearer to each other than this share of the cloud's typical distance to a nearest neighbour are
    one point, in chains too; the first is kept. The typical distance is the median over the points, to the nearest that
    is no copy. 0 merges exact copies only. Where most points have 32 near-copies and more, these are clusters, and none
    is merged.
    `Missing` for fewer than 10 distinct points, and for near-duplicates beyond the tolerance: more points than chance
    explains have a neighbour a thousand times nearer than the next one. ValueError for points that are no finite rows,
    k < 1, and a tolerance outside [0, 1).
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    if not 0 <= tolerance < 1:
        raise ValueError(f"tolerance must lie in [0, 1), got {tolerance}")
    rows = cloud(points)
    kept = distinct(rows)
    if len(kept) < LEAST_POINTS:
        return _too_few(len(kept))
    distances, indices = neighbours_of_rows(kept, min(max(k, AMONG), len(kept) - 1))
    reach = tolerance * _spacing(distances, max(tolerance, APART))
    kept, (distances, indices) = merged(kept, distances, indices, reach=reach)
    if len(kept) < LEAST_POINTS:
        return _too_few(len(kept))
    if (doubt := _copies(distances, tolerance)) is not None:
        return doubt
    return Nearest(points=kept, distances=distances[:, :k], indices=indices[:, :k], n_duplicates=len(rows) - len(kept))


def _too_few(n: int) -> Missing:
    return Missing(f"{n} distinct points; a dimension needs at least {LEAST_POINTS}")


def _spacing(distances: Float[np.ndarray, "point k"], share: float) -> float:
    """The median distance to the nearest neighbour that is farther than a share of the last one's median."""
    near = distances[:, :AMONG]
    far = np.where(near > share * np.median(near[:, -1]), near, near[:, -1:])
    return float(np.median(far.min(1)))


def _copies(distances: Float[np.ndarray, "point k"], tolerance: float) -> Missing | None:
    """`Missing` where more points than by chance have one of their first neighbours far nearer than the next."""
    first = distances[:, : FEW + 1]
    count = int((first[:, :-1] < APART * first[:, 1:]).any(1).sum())
    if count <= _by_chance(len(first)):
        return None
    return Missing(
        f"{count} of {len(first)} points have a neighbour a thousand times nearer than the next one: they are "
        f"near-duplicates beyond the tolerance of {tolerance:g}; raise it, or leave them out"
    )


def _by_chance(n: int, n1: int = 1) -> float:
    """The bound of a count whose mean is one in a thousand: the mean and four errors of points that come in twos.

    Ratios of neighbours share distances, so that at a larger n1 close points come in clumps of some 2 n1.
    """
    mean = n / 1000
    return mean + 4 * math.sqrt(2 * n1 * mean) + 2 * n1


def ties(logs: Ratios, n1: int) -> float | Missing:
    """The share of the points whose two distances are equal; `Missing` where it is as large as on a lattice."""
    share = float((logs < math.log1p(TIE)).mean())
    if share <= MOST_TIES:
        return share
    return Missing(
        f"for {share:.0%} of the points the neighbours {n1} and {2 * n1} are at the same distance: "
        f"they lie on a lattice, and ratios of distances say nothing at this scale"
    )


def close(logs: Ratios, n1: int) -> int:
    """How many points are as close as one in a thousand should be, in the dimension of the median ratio."""
    from scipy.special import betainc

    return int((betainc(n1, n1, np.exp(-math.log(2) / np.median(logs) * logs)) < 1e-3).sum())


def gride_at(near: Nearest, n1: int) -> Estimate | Missing:
    """Gride's estimate at one n1; 2 n1 neighbours are known."""
    from scipy.optimize import root_scalar
    from scipy.special import betainc

    distances = near.distances
    logs = np.log(distances[:, 2 * n1 - 1] / distances[:, n1 - 1])
    tied = ties(logs, n1)
    if isinstance(tied, Missing):
        return tied
    low, high = np.percentile(np.exp(logs[logs > 0]), [50, 95])
    used = (logs > 0) & (np.exp(logs) < low + 20 * (high - low))
    chosen = logs[used]
    n, total = len(chosen), chosen.sum()

    def score(d: float) -> float:
        return (n - 1) / d + (n1 - 1) * float((chosen / -np.expm1(-d * chosen)).sum()) - (2 * n1 - 1) * total

    above = 1.0
    while score(above) > 0:
        above *= 2
    value = float(root_scalar(score, bracket=(1e-8, above), method="brentq", xtol=1e-12, rtol=1e-12).root)
    scores = np.zeros(len(logs))
    scores[used] = 1 / value + (n1 - 1) * chosen / -np.expm1(-value * chosen) - (2 * n1 - 1) * chosen
    information = n / value**2 + (n1 - 1) * float(np.square(chosen / (2 * np.sinh(value * chosen / 2))).sum())
    error = relative_error(scores, information * value, near.indices[:, : 2 * n1])
    ks = kolmogorov_smirnov(betainc(n1, n1, np.exp(-value * np.sort(chosen)[::-1])))
    fields = {"n_used": n, "n_duplicates": near.n_duplicates, "tie_share": tied, "ks": ks}
    return estimate(value, error, n_close=close(logs, n1), n1=n1, **fields)


def relative_error(scores: Ratios, information: float, near: Int[np.ndarray, "point k"]) -> float:
    """Standard error of log d: sqrt(J) / information, J the variance of the sum of the scores.

    Neighbouring points share the distances of which their scores are made, so J adds the products of their scores (the
    sandwich of a composite likelihood). information is per unit of log d / d.
    """
    products = scores * (scores + scores[near].sum(1))
    return math.sqrt(max(float(products.sum()), float(scores @ scores))) / information


def kolmogorov_smirnov(probabilities: Ratios) -> float:
    """sqrt(n) times the largest distance between the empirical distribution of ascending probabilities and uniform."""
    n = len(probabilities)
    rank = np.arange(n)
    above, below = ((rank + 1) / n - probabilities).max(), (probabilities - rank / n).max()
    return math.sqrt(n) * float(max(above, below))


def estimate(value: float, error: float, **fields: Any) -> Estimate:
    """An estimate with its interval, from the standard error of its logarithm."""
    return Estimate(
        value=float(value),
        low=float(value) * math.exp(-NORMAL * error),
        high=float(value) * math.exp(NORMAL * error),
        **fields,
    )


def together(draws: Sequence[Estimate | Missing]) -> Estimate | Missing:
    """The geometric mean of estimates from disjoint draws, whose errors are independent; `Missing` where most are."""
    known = [draw for draw in draws if isinstance(draw, Estimate)]
    if len(known) <= len(draws) / 2:
        return next(draw for draw in draws if isinstance(draw, Missing))
    if len(draws) == 1:
        return known[0]
    logs = np.log([(draw.value, draw.high / draw.low) for draw in known])
    return estimate(
        math.exp(logs[:, 0].mean()),
        float(np.sqrt(np.square(logs[:, 1]).sum())) / (2 * NORMAL * len(known)),
        n_used=sum(draw.n_used for draw in known),
        n_duplicates=0,
        tie_share=float(np.mean([draw.tie_share for draw in known])),
        ks=float(np.median([draw.ks for draw in known])),
        n_close=sum(draw.n_close for draw in known),
        n1=known[0].n1,
    )
