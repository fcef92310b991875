"""Intrinsic dimension from ratios of distances to neighbours: TwoNN and Gride, with interval and goodness of fit.

Near a point of a d-dimensional manifold sampled at locally constant density, the volumes of the balls that reach its
neighbours grow like a Poisson process, so that of the distances r_n to its n-th nearest neighbour

    (r_n1 / r_n2)^d ~ Beta(n1, n2 - n1),        and for n1 = 1, n2 = 2:   log(r_2 / r_1) ~ Exp(d)

Sources: TwoNN: Facco et al. 2017, doi:10.1038/s41598-017-11873-y. Its likelihood and Gride: Denti et al. 2022,
doi:10.1038/s41598-022-20991-1. Neighbours are exact (`numerics.neighbours`), so an off-centre, tiny or huge cloud gives
the same numbers.

What an interval says: that of one estimate is the error of sampling and no more, and misses the truth where borders,
curvature or noise move the estimate itself (uniform 4-cube, 2,000 points: 3.9 by TwoNN, 3.6 at n1 = 16). That of
`intrinsic_dimension` carries these.

What the numbers do not say: above about 10 they are too low and only order clouds (Gaussian of 50 dimensions, 500
points: 29). Residues on a circle are a lattice: their two nearest neighbours are equally far, and TwoNN means nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from grokscope.errors import Missing
from grokscope.numerics._plateau import DimensionCurve, contradicts, interval, mean, plateau
from grokscope.numerics._points import cloud
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

__all__ = ["Dimension", "Estimate", "Nearest", "decimations", "gride", "intrinsic_dimension", "nearest", "twonn"]

SHARES = (1.0, 0.3, 0.1, 0.03)
SCALES = (1, 2, 4, 8, 16)
# Coarser scales than n1 = 16 are read on an eighth of the points, and on an eighth of these, at least a hundred; at
# most on a quarter, of which n1 = 4, 8 and 16 are new.
EIGHTH, LEAST_DECIMATED, MOST_DECIMATED = 8, 100, 0.25
MOST_DRAWS = 10  # as in `decimations`
# A plateau of fewer points has so many scales, along which the radius grows so much: in eight dimensions it hardly does
# from n1 = 4 to 16, and neighbouring scales agree on anything.
LEAST_COARSE, LEAST_SPAN = 3, 1.4


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """The dimension that a cloud can be said to have, and what it was read from.

    value; low, high: its 95 % interval, for the error of sampling and for what borders, curvature and noise do to the
    estimates (`intrinsic_dimension`). scales: the n1 of the plateau of Gride. share: of the points that it was read on,
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

    points: (point, channel), any real dtype, or what `nearest` made of them. Repeated points are dropped, all but the
    first; points count as repeated within `tolerance`, a share of the typical distance between neighbours (`nearest`).
    method "mle": maximum likelihood, the share `discard` of the largest ratios counting as censored (k are kept):

        d = (k - 1) / (sum_{i <= k} log mu_(i) + (N - k) log mu_(k))

    method "fit": least squares through the origin of -log(1 - i/N) on log mu_(i), i = 1..k, as published by Facco et
    al.; its interval is as wide, relatively, as that of "mle".
    The interval is of sampling alone, at the scale of the nearest neighbours: with noise, that of the noise.
    `Missing` for fewer than 10 distinct points, near-duplicates beyond the tolerance, or where more than 5 % of the
    points have both neighbours at the same distance. ValueError for values that are not finite, a wrong shape, discard
    or tolerance outside [0, 1).
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

    N - 1 instead of N makes n1 = 1 the unbiased estimate of TwoNN without censoring; ratios above q50 + 20 (q95 - q50)
    are left out as overlapping points; both as in the reference implementations (dadapy, scikit-dimension). A larger n1
    looks at a larger scale without throwing points away: noise falls, curvature and borders begin to count.
    An interval is that of sampling at its scale. One entry for each n1: `Missing` where 2 n1 neighbours are not there
    or tied. See `twonn` for points, tolerance and errors.
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


def decimations(
    points: Any, shares: Sequence[float] = SHARES, *, seed: int = 0, tolerance: float = NEAR
) -> list[Estimate | Missing]:
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
        drawn = (rows[np.sort(generator.permutation(len(rows))[:size])] for _ in range(draws))
        each = [twonn(some, tolerance=tolerance) for some in drawn]
        fine = sorted((one for one in each if isinstance(one, Estimate)), key=lambda one: one.value)
        found.append(fine[len(fine) // 2] if fine else each[0])
    return found


def intrinsic_dimension(points: Any, *, seed: int = 0, tolerance: float = NEAR) -> Dimension | Missing:
    """The dimension of a cloud, read where it does not depend on the scale.

    The plateau of Gride over n1 = 1, 2, 4, 8, 16 (at most a sixth of the points) is the longest run of at least two
    neighbouring scales, of which the law fits every one, whose estimates agree: each pair within 5 %, or within 1.96
    standard errors of the smaller scale. The value is their geometric mean.

    Coarser scales are those of shares of the points, of 400 points and more. Where three of them agree on less than .7
    of what a border would leave of the plateau, this is noise's, and the value is theirs; so it is without a plateau.
    `Missing` where there is none, or where the last scales fall as far without agreeing: then every number depends on
    the scale.

    The interval spans the plateau's own; log d extrapolated to scale 0 by a line in the scale (borders, curvature); and
    downwards 1 / d extrapolated to infinite scale by a line in 1 / scale^2 (noise); each with its error of sampling.
    Without noise it holds the truth in at least 90 % of draws of cubes, tori, spheres and Gaussians up to d = 6 at 500
    and 2,000 points (rates: docs/results.md, `grokscope bench dimension_coverage`), in nearly all where nothing
    distorts. Far above d = 6 its upper end, at most the number of channels, says only that no bound is known.
    See `twonn` for points, tolerance and errors.
    """
    near = _nearest(points, 32, tolerance)
    if isinstance(near, Missing):
        return near
    curves = [_curve(shares) for shares in ([near], *_coarser(near, seed)) if shares]
    read = _read(curves)
    if read is None:
        return Missing(f"the dimension depends on the scale: {_said(curves)}")
    chosen, flat = read
    low, high = interval(flat, chosen, most=min(near.points.shape[1], len(near.points) - 1))
    return Dimension(
        value=mean(flat),
        low=low,
        high=high,
        scales=tuple(each.n1 for each in flat),
        share=chosen.n / len(near.points),
        gride=curves[0].estimates,
    )


def _read(curves: Sequence[DimensionCurve]) -> tuple[DimensionCurve, list[Estimate]] | None:
    """The plateau that no coarser scale contradicts, and the curve it is on; curves of fewer and fewer points."""
    chosen, flat = curves[0], plateau(curves[0].estimates)
    for curve in curves[1:]:
        # The scales up to n1 = 16 of more points are known with smaller errors.
        first = next((i for i, n1 in enumerate(curve.scales) if n1 * chosen.n >= SCALES[-1] * curve.n), len(SCALES))
        other = plateau(curve.estimates[first:], LEAST_COARSE)
        if not other or curve.span(other) < LEAST_SPAN:
            continue
        if not flat or all(contradicts(each, curve.n, flat, chosen.n) for each in other):
            chosen, flat = curve, other
    if not flat or any(_falls(curve, flat, chosen) for curve in curves[curves.index(chosen) :]):
        return None
    return chosen, flat


def _coarser(near: Nearest, seed: int) -> Iterator[list[Nearest]]:
    """The points dealt out in shares of one size, up to ten of them, each with its neighbours; then in smaller ones."""
    points, generator = near.points, np.random.default_rng(seed)
    n, k = near.distances.shape
    before, size = MOST_DECIMATED * n, max(n // EIGHTH, LEAST_DECIMATED)
    while size <= before:
        order = generator.permutation(n)
        parts = [np.sort(order[start : start + size]) for start in range(0, n - size + 1, size)][:MOST_DRAWS]
        found = [nearest(points[part], k, tolerance=0) for part in parts]
        yield [each for each in found if isinstance(each, Nearest)]
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
    """Whether the last two scales of a curve, beyond the plateau, say far less than it."""
    last = [each for each in curve.estimates[-2:] if isinstance(each, Estimate) and each.fits]
    if len(last) < 2 or (curve is chosen and last[0].n1 <= flat[-1].n1):
        return False
    return all(contradicts(each, curve.n, flat, chosen.n) for each in last)


def _said(curves: Sequence[DimensionCurve]) -> str:
    """The estimates by scale, and those of the fewest points."""
    texts = []
    for curve in curves[:: max(len(curves) - 1, 1)]:
        known = [f"{each.value:.3g} at n1 = {each.n1}" for each in curve.estimates if isinstance(each, Estimate)]
        texts.append(", ".join(known) + (f" of {curve.n} points" if texts and known else ""))
    return "; ".join(text for text in texts if text) or "the points lie on a lattice"


def _nearest(points: Any, k: int, tolerance: float) -> Nearest | Missing:
    return points if isinstance(points, Nearest) else nearest(points, k, tolerance=tolerance)
