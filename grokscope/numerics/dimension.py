"""Intrinsic dimension from ratios of distances to neighbours: TwoNN and Gride, with interval and goodness of fit.

Take a point of a d-dimensional manifold sampled at locally constant density. The volumes of the balls that reach its
neighbours grow like a Poisson process. So the distances r_n to its n-th nearest neighbour have

    (r_n1 / r_n2)^d ~ Beta(n1, n2 - n1),        and for n1 = 1, n2 = 2:   log(r_2 / r_1) ~ Exp(d)

Sources: TwoNN: Facco et al. 2017, doi:10.1038/s41598-017-11873-y. Its likelihood and Gride: Denti et al. 2022,
doi:10.1038/s41598-022-20991-1. Neighbours are exact (`numerics.neighbours`), so an off-centre, tiny or huge cloud gives
the same numbers.

Intervals: that of one estimate is the error of sampling alone. It misses the truth where borders, curvature or noise
move the estimate itself (uniform 4-cube, 2,000 points: 3.9 by TwoNN, 3.6 at n1 = 16). The interval of
`intrinsic_dimension` includes these.

Limits: above about 10 the numbers are too low and only order clouds (Gaussian of 50 dimensions, 500 points: 29).
Residues on a circle are a lattice: their two nearest neighbours are equally far, and TwoNN means nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from grokscope.errors import Missing
from grokscope.numerics._plateau import DimensionCurve, contradicts, interval, mean, plateau
from grokscope.numerics._ratios import (
    NEAR,
    Estimate,
    Nearest,
    close,
    estimate,
    gride_at,
    kolmogorov_smirnov,
    nearest,
    relative_error,
    ties,
    together,
)

__all__ = ["Dimension", "Estimate", "Nearest", "gride", "intrinsic_dimension", "nearest", "twonn"]

SCALES = (1, 2, 4, 8, 16)
# Coarser scales than n1 = 16 are read on an eighth of the points, then on an eighth of these, and so on. A share has at
# least a hundred points, and at most a quarter of the points before it: of a quarter n1 = 4, 8 and 16 are new.
EIGHTH, LEAST_DECIMATED, MOST_DECIMATED = 8, 100, 0.25
MOST_DRAWS = 10  # shares of one size: more change the mean little
# A plateau on a share of the points needs so many scales, along which the radius grows so much. In eight dimensions it
# hardly grows from n1 = 4 to 16, and neighbouring scales agree on anything.
LEAST_COARSE, LEAST_SPAN = 3, 1.4


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """The dimension of a cloud, and the scales it was read at.

    value; low, high: its 95 % interval, for the error of sampling and for the distortion by borders, curvature and
    noise (`intrinsic_dimension`). scales: the n1 of the plateau of Gride. share: of the points that it was read on,
    below 1 where all of them show a finer structure, such as noise. gride: the estimate at every scale of all points.
    """

    value: float
    low: float
    high: float
    scales: tuple[int, ...]
    share: float
    gride: tuple[Estimate | Missing, ...]


def twonn(
    points: Any, method: Literal["mle", "fit"] = "mle", discard: float = 0.1, *, tolerance: float = NEAR
) -> Estimate | Missing:
    """Intrinsic dimension from the ratio mu = r_2 / r_1 of the distances to the two nearest neighbours.

    points: (point, channel), any real dtype, or the result of `nearest`. Of repeated points the first is kept; points
    count as repeated within `tolerance`, a share of the typical distance between neighbours (`nearest`).
    method "mle": maximum likelihood, in which the share `discard` of the largest ratios is censored (k are kept):

        d = (k - 1) / (sum_{i <= k} log mu_(i) + (N - k) log mu_(k))

    method "fit": least squares through the origin of -log(1 - i/N) on log mu_(i), i = 1..k, as published by Facco et
    al.; its interval is as wide, relatively, as that of "mle".
    The interval is of sampling alone, at the scale of the nearest neighbours. With noise that is the scale of the
    noise. `Missing` for fewer than 10 distinct points, near-duplicates beyond the tolerance, or where more than 5 % of
    the points have both neighbours at the same distance. ValueError for values that are not finite, a wrong shape,
    discard or tolerance outside [0, 1).
    """
    if method not in ("mle", "fit"):
        raise ValueError(f"method must be 'mle' or 'fit', got {method!r}")
    if not 0 <= discard < 1:
        raise ValueError(f"discard must lie in [0, 1), got {discard}")
    near = _nearest(points, 2, tolerance)
    if isinstance(near, Missing):
        return near
    logs = np.log(near.distances[:, 1] / near.distances[:, 0])
    tied = ties(logs, 1)
    if isinstance(tied, Missing):
        return tied
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
    error = relative_error(scores, kept / likeliest, near.indices[:, :2])
    ks = kolmogorov_smirnov(1 - np.exp(-value * ordered))
    fields = {"n_used": n, "n_duplicates": near.n_duplicates, "tie_share": tied, "ks": ks}
    return estimate(value, error, n_close=close(logs, 1), **fields)


def gride(points: Any, n1: Sequence[int] = (1, 2, 4, 8, 16), *, tolerance: float = NEAR) -> list[Estimate | Missing]:
    """Intrinsic dimension at a range of scales, from the ratios mu = r_{2 n1} / r_n1 at each n1.

        log L(d) = (N - 1) log d + (n1 - 1) sum log(mu^d - 1) - ((2 n1 - 1) d + 1) sum log mu   ->   largest

    N - 1 instead of N makes n1 = 1 the unbiased estimate of TwoNN without censoring. Ratios above q50 + 20 (q95 - q50)
    are left out as overlapping points. Both are as in the reference implementations (dadapy, scikit-dimension). A
    larger n1 looks at a larger scale and uses all points: noise counts less, curvature and borders more.
    An interval is that of sampling at its scale. One entry for each n1: `Missing` where there are not 2 n1 neighbours,
    or where they are tied. See `twonn` for points, tolerance and errors.
    """
    scales = [int(scale) for scale in n1]
    if not scales or min(scales) < 1 or scales != list(n1):
        raise ValueError(f"n1 must be whole numbers of at least 1, got {n1!r}")
    near = _nearest(points, 2 * max(scales), tolerance)
    if isinstance(near, Missing):
        return [near] * len(scales)
    known = near.distances.shape[1]
    return [
        gride_at(near, scale)
        if 2 * scale <= known
        else Missing(
            f"n1 = {scale} needs {2 * scale} neighbours, {known} are known of {len(near.points)} distinct points"
        )
        for scale in scales
    ]


def intrinsic_dimension(points: Any, *, seed: int = 0, tolerance: float = NEAR) -> Dimension | Missing:
    """The dimension of a cloud, read where it does not depend on the scale.

    The scales are n1 = 1, 2, 4, 8, 16 of Gride (at most a sixth of the points). The plateau is the longest run of at
    least two neighbouring scales at which the law fits and the estimates agree: each pair within 5 %, or within 1.96
    standard errors of the smaller scale. The value is their geometric mean.

    Clouds of 400 points and more have coarser scales, on shares of the points. Where three of these agree on less than
    .7 of what a border would leave of the plateau, the plateau is the noise's, and the value is theirs. It is theirs,
    too, where there is no plateau. `Missing` where neither exists, or where the last scales fall as far without
    agreeing: then every number depends on the scale.

    The interval spans three: the plateau's own; log d extrapolated to scale 0 by a line in the scale (borders,
    curvature); and, downwards, 1 / d extrapolated to infinite scale by a line in 1 / scale^2 (noise). Each has its
    error of sampling. Without noise the interval holds the truth in at least 90 % of draws of cubes, tori, spheres and
    Gaussians up to d = 6 at 500 and 2,000 points (rates: docs/results/instruments.md), and in
    nearly all where nothing distorts. Far above d = 6 its upper end, at most the number of channels, says only that no
    bound is known.
    See `twonn` for points, tolerance and errors.
    """
    near = _nearest(points, 32, tolerance)
    if isinstance(near, Missing):
        return near
    curves = [_curve(shares) for shares in ([near], *_coarser(near, seed)) if shares]
    read = _read(curves)
    if read is None:
        return Missing(f"the dimension depends on the scale: {_listed(curves)}")
    chosen, flat = read
    low, high = interval(flat, chosen, most=min(near.points.shape[1], len(near.points) - 1))
    return Dimension(
        value=mean(flat),
        low=low,
        high=high,
        scales=tuple(scale.n1 for scale in flat),
        share=chosen.n / len(near.points),
        gride=curves[0].estimates,
    )


def _read(curves: Sequence[DimensionCurve]) -> tuple[DimensionCurve, list[Estimate]] | None:
    """The plateau that no coarser scale contradicts, and its curve. curves: of fewer and fewer points."""
    chosen, flat = curves[0], plateau(curves[0].estimates)
    for curve in curves[1:]:
        # Scales up to n1 = 16 of the curve before have smaller errors there.
        first = next((i for i, n1 in enumerate(curve.scales) if n1 * chosen.n >= SCALES[-1] * curve.n), len(SCALES))
        other = plateau(curve.estimates[first:], LEAST_COARSE)
        if not other or curve.span(other) < LEAST_SPAN:
            continue
        if not flat or all(contradicts(scale, curve.n, flat, chosen.n) for scale in other):
            chosen, flat = curve, other
    if not flat or any(_falls(curve, flat, chosen) for curve in curves[curves.index(chosen) :]):
        return None
    return chosen, flat


def _coarser(near: Nearest, seed: int) -> Iterator[list[Nearest]]:
    """Disjoint random shares of the points, up to ten of one size, each with its neighbours; then smaller shares."""
    points, generator = near.points, np.random.default_rng(seed)
    n, k = near.distances.shape
    before, size = MOST_DECIMATED * n, max(n // EIGHTH, LEAST_DECIMATED)
    while size <= before:
        order = generator.permutation(n)
        parts = [np.sort(order[start : start + size]) for start in range(0, n - size + 1, size)][:MOST_DRAWS]
        shares = (nearest(points[part], k, tolerance=0) for part in parts)
        yield [share for share in shares if isinstance(share, Nearest)]
        before, size = size / 2, max(size // EIGHTH, LEAST_DECIMATED)


def _curve(shares: Sequence[Nearest]) -> DimensionCurve:
    """Gride by scale, the mean over shares of one size."""
    n, known = shares[0].distances.shape
    scales = tuple(n1 for n1 in SCALES if 6 * n1 <= n and 2 * n1 <= known)
    return DimensionCurve(
        n=n,
        shares=len(shares),
        scales=scales,
        estimates=tuple(together([gride_at(near, n1) for near in shares]) for n1 in scales),
        radii=tuple(float(np.mean([near.distances[:, n1 - 1 : 2 * n1].mean() for near in shares])) for n1 in scales),
    )


def _falls(curve: DimensionCurve, flat: Sequence[Estimate], chosen: DimensionCurve) -> bool:
    """Whether the last two scales of a curve, beyond the plateau, lie far below it."""
    last = [scale for scale in curve.estimates[-2:] if isinstance(scale, Estimate) and scale.fits]
    if len(last) < 2 or (curve is chosen and last[0].n1 <= flat[-1].n1):
        return False
    return all(contradicts(scale, curve.n, flat, chosen.n) for scale in last)


def _listed(curves: Sequence[DimensionCurve]) -> str:
    """The estimates by scale, on all points and on the fewest."""
    texts = []
    for curve in curves[:: max(len(curves) - 1, 1)]:
        known = [f"{scale.value:.3g} at n1 = {scale.n1}" for scale in curve.estimates if isinstance(scale, Estimate)]
        texts.append(", ".join(known) + (f" of {curve.n} points" if texts and known else ""))
    return "; ".join(text for text in texts if text) or "the points lie on a lattice"


def _nearest(points: Any, k: int, tolerance: float) -> Nearest | Missing:
    return points if isinstance(points, Nearest) else nearest(points, k, tolerance=tolerance)
