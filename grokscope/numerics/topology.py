"""Persistent homology of a cloud of points, and the Betti numbers it gives evidence for.

A bar of H1 is a loop: it appears when points closer than its birth are joined, and is filled at its death. Noise has
bars too. A Betti number here is therefore the number of bars that a cloud of the same size and spectrum would not have.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing, first_missing, of_all
from grokscope.numerics._components import Components, components, spanning_tree
from grokscope.numerics._distances import (
    SAME,
    Metric,
    distance_function,
    distance_matrix,
    measured_cloud,
    unit_exponent,
)
from grokscope.numerics._holes import Holes, component_diagrams, holes, strengths, thinned
from grokscope.numerics._persistence import DIMENSIONS, Bars, homology, timer
from grokscope.numerics._points import cloud
from grokscope.numerics.sampling import maxmin

Values = Float[np.ndarray, " bar"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Betti:
    """Betti numbers with their evidence, every tuple indexed by dimension; Missing where a dimension has no answer.

    numbers: of H0 one more than the gaps with p < level, of H1 and H2 the bars with p < level.
    bars: [birth, death], the longest first, in the units of the cloud (of the resistance with that metric). H0 has one
    infinite bar. H1 and H2 have the bars of each component by itself.
    p_values: one a bar, corrected for the number of bars; 0 for the infinite one.
    n_points: the distinct ones. n_used: how many of them a dimension was judged on; fewer are landmarks.
    detectable: what would have been significant. In H0: so many points on each side, nearer than the gap. In H1 and H2:
    that ratio death / birth. A number 0 beside a large `detectable` means "could not be seen".
    tests: by how many bars the p-values were multiplied. rates: e^B of the law (H1, H2), 1; of several components the
    lowest. null: the bars of all surrogates together (H1, H2), in the units of the cloud.
    """

    numbers: tuple[int | Missing, ...]
    bars: tuple[Bars | Missing, ...]
    p_values: tuple[Values | Missing, ...]
    n_points: int
    n_used: tuple[int, ...]
    level: float
    detectable: tuple[float | Missing, ...]
    tests: tuple[float | Missing, ...]
    rates: tuple[float | Missing, ...]
    null: tuple[Bars | Missing, ...]


@dataclass(frozen=True, kw_only=True)
class LandmarkBetti:
    """A Betti for each draw of landmarks; numbers: the most frequent (of equals the smallest); low, high: the range."""

    draws: tuple[Betti, ...]
    numbers: tuple[int | Missing, ...]
    low: tuple[int | Missing, ...]
    high: tuple[int | Missing, ...]


def persistence(
    points: Any,
    max_dimension: int = 1,
    *,
    metric: Metric = "euclidean",
    neighbours: int = 15,
    seconds: float | None = None,
) -> tuple[Bars | Missing, ...]:
    """Persistence diagrams of the Vietoris-Rips complex, [birth, death] by dimension 0..max_dimension, longest first.

    The complex at r has every simplex whose points are pairwise at most r apart; coefficients in Z/11. Units: those of
    the points. H0 is born at 0. It has one infinite bar, and a finite one for every edge of the minimum spanning tree.
    Bars of length zero (duplicates) are left out.

    metric: "resistance" is the effective resistance in the graph of nearest neighbours (`_distances.resistance`). With
    "precomputed" the points are a matrix of distances. It is made symmetric where rounding left it asymmetric by up to
    1e-6 of the largest.
    seconds: for all dimensions together. One above 0 that is not done by then is Missing; it runs in a child process,
    which takes a second or two to start. More than 2000 points are Missing too: `betti` takes landmarks of them.

    Raises ValueError for points that are not finite rows, for a matrix that is no distance, for unknown options.
    Source: Bauer 2021, arXiv:1908.02518.
    """
    _require_dimension(max_dimension)
    time_left = timer(seconds)
    if metric == "precomputed":
        distances, unit = distance_matrix(points), 0
    else:
        rows = cloud(points)
        if len(rows) == 0:
            raise ValueError("persistence needs at least one point, got none")
        distances = distance_function(metric, neighbours, len(rows))(rows)
        unit = unit_exponent(points, rows) if metric == "euclidean" else 0
    lengths, largest = spanning_tree(distances)[0], distances.max(initial=0.0)
    diagrams: list[Bars | Missing] = [_bars_of_components(lengths[lengths > SAME * largest])]
    for dimension in range(1, max_dimension + 1):
        bars = homology([distances], dimension, time_left)
        diagrams.append(bars if isinstance(bars, Missing) else bars[0])
    return tuple(bars if isinstance(bars, Missing) else np.ldexp(bars, unit) for bars in diagrams)


def betti(
    points: Any,
    max_dimension: int = 1,
    level: float = 0.05,
    surrogates: int = 20,
    seed: int = 0,
    *,
    metric: Metric = "euclidean",
    neighbours: int = 15,
    seconds: float | None = None,
) -> Betti | Missing:
    """Betti numbers: the gaps between components, and the holes of each that its surrogates would not have.

    H0: the finite bars are the edges of the minimum spanning tree. Take an edge of length g between the points a and b.
    The shorter edges left its two sides as parts of at least 3 points each. The edge is a gap between components where
    the points near it lie closer than chance allows. Along a curve, the points of a Poisson process leave a stretch of
    length g empty, with m points in the next stretch of that length, with the chance 2^-m. In more dimensions gaps are
    narrower. So

        p_side = 2^-m,   m: points of a's part nearer to a than g;   (1 + g / r)^-m if all are, r the farthest
        p_i = min(1, (n - 1) max(p_a, p_b))

    Only points near the gap count. So the density may vary along the shape, and noise, which all distances share, does
    not matter. A component needs log2((n - 1) / level) points, 12 of 113, unless it is far from the others for its
    size. The number holds at the finest scale that can be told from chance: six far clusters in a ring are six
    components and no loop.

    H1, H2: each component of at least 10 points is judged by itself, against surrogates U S. S are the singular values
    of the centred component; U is drawn uniformly among centred orthonormal columns. A surrogate has as many points and
    the same covariance, but no shape. pi = death / birth is free of scale. Bars of noise follow log log pi + B ~ Gumbel
    (Bobrowski & Skraba 2023), that is pi ~ Pareto(e^B). The bars of a component's surrogates give the estimate

        e^B = 1 / (1.06 mean(log pi)),   p_i = min(1, m pi_i^(-e^B)),   m = sum of max(own bars, bars of a surrogate)
        mean(log pi) = (k s + (m - k) min(F, max(s, o))) / m,   F = .2 (H2: .055)

    In the second line m is that of the component, a surrogate has k bars with the mean log pi s, and the component's
    own bars have the mean o. A component may have more bars than its surrogates: evenly spaced points, as class means
    are, have many short bars, and surrogates with the spectrum of an outlier or of a long thin cloud have hardly any.
    Bars beyond k count as the component's own do, but at least as s and at most as F. F is noise in the plane (H2: in
    space), whose bars are the longest. A hole is among the own bars and raises o; this errs on the safe side.
    p_i bounds the chance that noise of m bars has one as strong (Bonferroni). So `level` holds for a dimension as a
    whole; m sums over the components. Departures: the published rule takes B from the cloud's own bars alone, of which
    a clean circle has a single one. The published estimate, B = -gamma - mean(log log pi), leans on the shortest bars
    and finds fewer tori. 1.06 is for curved surfaces, whose noise is a little stronger.

    Points closer than 1e-10 of the diameter count once. metric: "resistance" measures both cloud and surrogates by
    effective resistance (`persistence`), a second opinion in strong noise. With "precomputed" the points are a matrix
    of distances, as in `persistence`; surrogates have the spectrum of its classical multidimensional scaling, without
    negative eigenvalues. Above 1,000 points H1, above 300 points H2 are those of 500 and 200 `maxmin` landmarks (n_used
    says so), shared among the components by their size. seconds: for all dimensions together, as in `persistence`. The
    same seed gives the same answer.

    Missing if fewer than 10 points are distinct. Raises ValueError for points that are not finite rows, for a matrix
    that is no distance, a level not between 0 and 1, fewer than 5 surrogates, max_dimension not 0, 1 or 2.
    Source: Bobrowski & Skraba 2023, doi:10.1038/s41598-023-37842-2 (law); Torgerson 1952, doi:10.1007/BF02288916
    (scaling); the calibration and H0 are ours.
    """
    _require_dimension(max_dimension)
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    if surrogates < 5:
        raise ValueError(f"surrogates must be at least 5, got {surrogates}")
    time_left = timer(seconds)
    measured = measured_cloud(points, metric, neighbours)
    if isinstance(measured, Missing):
        return measured
    gaps = components(measured.distances, level)
    parts = [np.flatnonzero(gaps.labels == label) for label in range(gaps.number)]
    judged: list[Holes | Missing] = []
    n_used = [len(measured.rows)]
    for dimension in range(1, max_dimension + 1):
        used = [thinned(measured.rows, part, dimension) for part in parts]
        diagrams = component_diagrams(measured, used, dimension, time_left=time_left, surrogates=surrogates, seed=seed)
        judged.append(diagrams if isinstance(diagrams, Missing) else holes(diagrams, dimension, level))
        n_used.append(sum(map(len, used)))
    return _assembled(gaps, judged, n_used=n_used, level=level, unit=measured.unit)


def betti_of_landmarks(
    points: Any, *, n_landmarks: int = 300, starts: int = 3, seed: int = 0, **options: Any
) -> LandmarkBetti | Missing:
    """Betti numbers of large clouds: of `maxmin` landmarks, from several random starts, with their spread.

    options: those of `betti`, which takes landmarks of distances itself. A cloud of at most n_landmarks points is taken
    whole, once. Landmarks keep outliers: do not rely on a number that differs between the starts.

    Missing where `betti` is. Raises ValueError as `betti` does, and for starts or n_landmarks below 1.
    """
    if options.get("metric") == "precomputed":
        raise ValueError("landmarks are taken of points, got distances; betti takes landmarks of these itself")
    rows = cloud(points)
    if n_landmarks < 1 or starts < 1:
        raise ValueError(f"n_landmarks and starts must be at least 1, got {n_landmarks} and {starts}")
    if len(rows) <= n_landmarks:
        answers = [betti(points, seed=seed, **options)]
    else:
        array = cloud(points, centre=False)
        first = np.random.default_rng(seed).choice(len(rows), size=min(starts, len(rows)), replace=False)
        answers = [betti(array[maxmin(rows, n_landmarks, start=int(i))], seed=seed, **options) for i in first]
    if (missing := first_missing(*answers)) is not None:
        return missing
    draws = tuple(answer for answer in answers if isinstance(answer, Betti))
    by_dimension = list(zip(*(draw.numbers for draw in draws), strict=True))
    return LandmarkBetti(
        draws=draws,
        numbers=tuple(_over_draws(numbers, _most_frequent) for numbers in by_dimension),
        low=tuple(_over_draws(numbers, min) for numbers in by_dimension),
        high=tuple(_over_draws(numbers, max) for numbers in by_dimension),
    )


def persistence_ratio(points_or_bars: Any, dimension: int = 1) -> float | Missing:
    """death / birth of the strongest bar of a dimension (1 or 2), free of scale; Missing if there is no bar.

    points_or_bars: points, or the tuple that `persistence` gave for them.
    """
    if dimension not in DIMENSIONS[1:]:
        raise ValueError(f"dimension must be 1 or 2, got {dimension}: the bars of H0 are born at 0")
    given = isinstance(points_or_bars, tuple)
    diagrams = points_or_bars if given else persistence(points_or_bars, dimension)
    if len(diagrams) <= dimension:
        raise ValueError(
            f"bars of dimension {dimension} are asked for, got bars of dimensions 0 to {len(diagrams) - 1}"
        )
    if isinstance(bars := diagrams[dimension], Missing):
        return bars
    return float(strengths(bars).max()) if len(bars) else Missing(f"no bar of dimension {dimension}")


def _assembled(
    gaps: Components, judged: Sequence[Holes | Missing], *, n_used: Sequence[int], level: float, unit: int
) -> Betti:
    """H0 from the gaps, the dimensions above from their holes."""

    def above(take: Callable[[Holes], Any]) -> tuple[Any, ...]:
        return tuple(of_all(take, answer) for answer in judged)

    edges = len(gaps.lengths)
    return Betti(
        numbers=(gaps.number, *above(lambda h: int((h.p_values < level).sum()))),
        bars=(np.ldexp(_bars_of_components(gaps.lengths), unit), *above(lambda h: np.ldexp(h.bars, unit))),
        p_values=(np.concatenate([[0.0], gaps.p_values]), *above(lambda h: h.p_values)),
        n_points=n_used[0],
        n_used=tuple(n_used),
        level=level,
        detectable=(float(np.log2(edges / level)), *above(lambda h: h.detectable)),
        tests=(float(edges), *above(lambda h: h.tests)),
        rates=(Missing("H0 has no rate"), *above(lambda h: h.rate)),
        null=(
            Missing("H0 needs no surrogates: a gap is compared with the points beside it"),
            *above(lambda h: np.ldexp(h.null, unit)),
        ),
    )


def _bars_of_components(lengths: Float[np.ndarray, " edge"]) -> Bars:
    """H0: born at 0; the first bar never dies."""
    deaths = np.concatenate([[np.inf], lengths])
    return np.stack([np.zeros_like(deaths), deaths], axis=1)


def _over_draws(numbers: Sequence[int | Missing], rule: Callable[[list[int]], int]) -> int | Missing:
    return of_all(lambda *counts: rule(list(counts)), *numbers)


def _most_frequent(numbers: Sequence[int]) -> int:
    return max(sorted(set(numbers)), key=numbers.count)


def _require_dimension(max_dimension: int) -> None:
    if max_dimension not in DIMENSIONS:
        raise ValueError(f"max_dimension must be 0, 1 or 2, got {max_dimension}")
