"""Persistent homology of a cloud of points, and the Betti numbers it gives evidence for.

A bar of H1 says that a loop appears when points closer than its birth are joined and is filled at its death. Noise has
bars too, so a Betti number here is the number of bars that a cloud of the same size and spectrum would not have.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.numerics._persistence import (
    DIMENSIONS,
    LARGEST,
    Bars,
    Matrix,
    diagrams_within,
    distance_function,
    effective_resistance,
    merges,
)
from grokscope.numerics._points import cloud
from grokscope.numerics.sampling import maxmin

Metric = Literal["euclidean", "resistance"]
Values = Float[np.ndarray, " bar"]

FEWEST = 10  # distinct points: below, no ratio can be told from the surrogates'
SAME = 1e-10  # of the largest distance: nearer points are one point, as they were before rounding
POOL = 10  # bars of all surrogates together, from which their law is taken; with fewer, their maxima decide
PART = 3  # points: a smaller part is an outlier, no component
QUICK = 300  # points whose H1 takes no longer than the start of a child process


@dataclass(frozen=True, kw_only=True, eq=False)
class Betti:
    """Betti numbers with their evidence, every tuple indexed by dimension; Missing where a dimension has no answer.

    numbers: bars with p < level. bars: [birth, death] in the units of the cloud (of the resistance with that metric),
    the longest first; H0 has the infinite one. p_values: one a bar, corrected for the number of bars; 0 for the
    infinite one. n_points: the distinct ones. detectable: the smallest strength that would have been significant, in
    H1 and H2 of death / birth, in H0 of death / median death: a number 0 beside a large one means "could not be seen".
    tests: by how many bars the p-values were multiplied. rates: e^B of the surrogates' law (H1, H2), 1.
    null: the bars of all surrogates together (H1, H2), in the units of the cloud.
    """

    numbers: tuple[int | Missing, ...]
    bars: tuple[Bars | Missing, ...]
    p_values: tuple[Values | Missing, ...]
    n_points: int
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


@dataclass(frozen=True)
class _Verdict:
    p_values: Values
    detectable: float | Missing
    tests: float | Missing
    rate: float | Missing


def persistence(
    points: Any,
    max_dimension: int = 1,
    *,
    metric: Literal["euclidean", "resistance", "precomputed"] = "euclidean",
    neighbours: int = 15,
    seconds: float | None = None,
) -> tuple[Bars | Missing, ...]:
    """Persistence diagrams of the Vietoris-Rips complex, [birth, death] by dimension 0..max_dimension, longest first.

    The complex at r has every simplex whose points are pairwise at most r apart; coefficients in Z/11. Units: those of
    the points. H0 is born at 0 and has one infinite bar and a finite one for every edge of the minimum spanning tree;
    bars of length zero (duplicates) are left out.

    metric: "resistance" is that of `resistance`; with "precomputed" the points are a matrix of distances.
    seconds: a dimension above 0 that takes longer is Missing (it runs in a child process; starting one takes a second
    or two); so is one of more than 2000 points, for which `betti_of_landmarks` is meant.

    Raises ValueError for points that are not finite rows, for a matrix that is no distance, for unknown options.
    Source: Bauer 2021, arXiv:1908.02518.
    """
    _check(max_dimension, seconds)
    if metric == "precomputed":
        distances, unit = _distance_matrix(points), 0
    else:
        rows = cloud(points)
        if len(rows) == 0:
            raise ValueError("persistence needs at least one point, got none")
        distances = _metric(metric, neighbours, len(rows))(rows)
        unit = _exponent(points, rows) if metric == "euclidean" else 0
    by_dimension = _homology([distances], max_dimension, seconds)
    return tuple(bars if isinstance(bars, Missing) else np.ldexp(bars[0], unit) for bars in by_dimension)


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
    """Betti numbers: the bars of each dimension that are significant at `level` against surrogates of one spectrum.

    A surrogate is U S with the singular values S of the centred cloud and U drawn uniformly among centred orthonormal
    columns: the same number of points and the same covariance, without any shape.

    H1, H2: pi = death / birth, free of scale. Bars of noise follow log log pi + B ~ Gumbel (Bobrowski & Skraba 2023),
    that is pi ~ Pareto(e^B). The bars of all surrogates together give the maximum-likelihood estimate of e^B,

        e^B = 1 / mean(log pi),   p_i = min(1, m pi_i^(-e^B)),   m = max(bars of the cloud, mean bars of a surrogate)

    p_i bounds the chance that noise of m bars has one as strong (Bonferroni), so `level` holds for a dimension as a
    whole. The cloud's own bars, from which the published rule takes B, are not used: a clean circle has a single one.
    The published estimate, B = -gamma - mean(log log pi), leans on the shortest bars and finds fewer tori. Surrogates
    with fewer than 10 bars in all have no law; then p_i = (1 + surrogates with a bar as strong) / (1 + surrogates).

    H0: births are 0. The strength of a merge is its death d over the median death, and it counts where it joins two
    parts of at least 3 points. p_i is the larger of two. One against the surrogates' strongest merge, whose logarithm
    is fitted by a Gumbel law. One against the spacings within a component, a Weibull law with the median and the
    quartiles of the deaths,

        p_i = (n - 1) 2^(-(d_i / median)^k),   k = log(log 4 / log(4/3)) / log(q75 / q25) / (1 + 2.07 / sqrt(n))

    because gaps between random points of a curve (k = 1) are wider than those of any surrogate; the last factor is the
    one-sided 5 % error of k. Even points have k = inf.

    Points closer than 1e-10 of the diameter count once. metric: "resistance" measures both cloud and surrogates by
    `resistance`, a second opinion in strong noise. seconds: for each dimension above 0, else Missing there, as in
    `persistence`. The same seed gives the same answer.

    Missing if fewer than 10 points are distinct. Raises ValueError for points that are not finite rows, a level not
    between 0 and 1, fewer than 5 surrogates, max_dimension not 0, 1 or 2.
    Source: Bobrowski & Skraba 2023, doi:10.1038/s41598-023-37842-2 (law); the calibration and H0 are ours.
    """
    _check(max_dimension, seconds)
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    if surrogates < 5:
        raise ValueError(f"surrogates must be at least 5, got {surrogates}")
    rows = _distinct(cloud(points))
    if len(rows) < FEWEST:
        return Missing(f"{len(rows)} distinct points; Betti numbers need at least {FEWEST}")
    measure = _metric(metric, neighbours, len(rows))
    clouds = [measure(one) for one in (rows, *_surrogates(rows, surrogates, seed))]
    unit = _exponent(points, cloud(points)) if metric == "euclidean" else 0
    by_dimension = _homology(clouds, max_dimension, seconds)
    verdicts = [_components(clouds, level)]
    verdicts += [one if isinstance(one, Missing) else _holes(one, level) for one in by_dimension[1:]]

    def each(name: str) -> tuple[Any, ...]:
        return tuple(v if isinstance(v, Missing) else getattr(v, name) for v in verdicts)

    return Betti(
        numbers=tuple(p if isinstance(p, Missing) else int((p < level).sum()) for p in each("p_values")),
        bars=tuple(bars if isinstance(bars, Missing) else np.ldexp(bars[0], unit) for bars in by_dimension),
        p_values=each("p_values"),
        n_points=len(rows),
        level=level,
        detectable=each("detectable"),
        tests=each("tests"),
        rates=each("rate"),
        null=(
            Missing("H0 is held against the surrogates' largest merges"),
            *(one if isinstance(one, Missing) else np.ldexp(np.concatenate(one[1:]), unit) for one in by_dimension[1:]),
        ),
    )


def betti_of_landmarks(
    points: Any, *, n_landmarks: int = 300, starts: int = 3, seed: int = 0, **options: Any
) -> LandmarkBetti | Missing:
    """Betti numbers of large clouds: of `maxmin` landmarks, from several random starts, with their spread.

    options: those of `betti`. A cloud of at most n_landmarks points is taken whole, once. Landmarks keep outliers, so
    a number that differs between the starts is none to rely on.

    Missing where `betti` is. Raises ValueError as `betti` does, and for starts or n_landmarks below 1.
    """
    rows = cloud(points)
    if n_landmarks < 1 or starts < 1:
        raise ValueError(f"n_landmarks and starts must be at least 1, got {n_landmarks} and {starts}")
    if len(rows) <= n_landmarks:
        draws = [betti(points, seed=seed, **options)]
    else:
        array = cloud(points, centre=False)
        first = np.random.default_rng(seed).choice(len(rows), size=min(starts, len(rows)), replace=False)
        draws = [betti(array[maxmin(rows, n_landmarks, start=int(i))], seed=seed, **options) for i in first]
    found = tuple(one for one in draws if isinstance(one, Betti))
    if len(found) < len(draws):
        return next(one for one in draws if isinstance(one, Missing))
    by_dimension = list(zip(*(one.numbers for one in found), strict=True))
    return LandmarkBetti(
        draws=found,
        numbers=tuple(_settled(numbers, _most_frequent) for numbers in by_dimension),
        low=tuple(_settled(numbers, min) for numbers in by_dimension),
        high=tuple(_settled(numbers, max) for numbers in by_dimension),
    )


def persistence_ratio(points_or_bars: Any, dimension: int = 1) -> float | Missing:
    """death / birth of the strongest bar of a dimension (1 or 2), free of scale; Missing if there is no bar.

    points_or_bars: points, or the tuple that `persistence` gave for them.
    """
    if dimension not in DIMENSIONS[1:]:
        raise ValueError(f"dimension must be 1 or 2, got {dimension}: the bars of H0 are born at 0")
    given = isinstance(points_or_bars, tuple)
    bars = points_or_bars if given else persistence(points_or_bars, dimension)
    if len(bars) <= dimension:
        raise ValueError(f"bars of dimension {dimension} are asked for, got bars of dimensions 0 to {len(bars) - 1}")
    if isinstance(found := bars[dimension], Missing):
        return found
    return float(_strengths(found).max()) if len(found) else Missing(f"no bar of dimension {dimension}")


def resistance(points: Any, neighbours: int = 15) -> Matrix:
    """Corrected effective resistance between the points in their symmetric graph of nearest neighbours, 1.

        r_ij = L+_ii + L+_jj - 2 L+_ij - 1/d_i - 1/d_j + 2 a_ij / (d_i d_j)

    a: 1 where i is among the neighbours of j or j among those of i (all where several are equally far); d: degrees;
    L+: pseudoinverse of the Laplacian. Between components of the graph: twice the largest resistance within one. In
    noise of many channels all distances become alike, while the number of paths between two points still differs.

    Raises ValueError unless 1 <= neighbours < points.
    Source: Damrich, Berens & Kobak 2024, arXiv:2311.03087; correction of von Luxburg, Radl & Hein 2014.
    """
    rows = cloud(points)
    _metric("resistance", neighbours, len(rows))
    return effective_resistance(rows, neighbours)


def power(
    n_points: int,
    *,
    channels: int,
    noise: float,
    uneven: bool = False,
    shape: Literal["circle", "torus"] = "circle",
    trials: int = 20,
    level: float = 0.05,
    surrogates: int = 20,
    seed: int = 0,
) -> float:
    """Share of planted shapes whose beta1 `betti` finds exactly (1 in a circle, 2 in a flat torus).

    noise: root mean square length of the Gaussian noise vector of a point, in radii of the circle or of the two circles
    of the torus. uneven: angles drawn uniformly; otherwise the points are evenly spaced (the torus: a lattice).

    Raises ValueError for channels too few for the shape, negative noise, trials below 1, and as `betti` does.
    """
    if shape not in ("circle", "torus"):
        raise ValueError(f"shape must be 'circle' or 'torus', got {shape!r}")
    circles = 1 if shape == "circle" else 2
    if channels < 2 * circles or noise < 0 or trials < 1 or n_points < FEWEST:
        raise ValueError(
            f"expected channels >= {2 * circles}, noise >= 0, trials >= 1 and n_points >= {FEWEST}, "
            f"got {channels}, {noise}, {trials} and {n_points}"
        )
    rng = np.random.default_rng(seed)
    found = 0
    for trial in range(trials):
        turns = rng.random((n_points, circles)) if uneven else _even(n_points, circles)
        points = rng.normal(scale=noise / np.sqrt(channels), size=(n_points, channels))
        points[:, : 2 * circles] += np.concatenate([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)], axis=1)
        answer = betti(points, 1, level, surrogates, seed + trial)
        found += isinstance(answer, Betti) and answer.numbers[1] == circles
    return found / trials


def _even(n: int, circles: int) -> Float[np.ndarray, "point circle"]:
    """Turns i / n, and i g / n with g near the golden section of n, whose lattice has no short vector."""
    i = np.arange(n)
    return np.stack([i * g % n / n for g in (1, round(n * (np.sqrt(5) - 1) / 2))][:circles], axis=1)


def _surrogates(
    rows: Float[np.ndarray, "point channel"], number: int, seed: int
) -> list[Float[np.ndarray, "point rank"]]:
    singular = np.linalg.svd(rows, compute_uv=False)
    singular = singular[singular > singular[0] * max(rows.shape) * np.finfo(float).eps][: len(rows) - 1]
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(number):
        # A row a singular value, and QR goes through them in order: a last one that is only rounding changes nothing.
        normal = rng.normal(size=(len(rows) - 1, len(rows)))[: len(singular)].T
        drawn.append(np.linalg.qr(normal - normal.mean(0))[0] * singular)
    return drawn


def _homology(clouds: Sequence[Matrix], max_dimension: int, seconds: float | None) -> list[list[Bars] | Missing]:
    """By dimension, the bars of each cloud; in dimension 0 those of the first, all that anybody asks for."""
    n = len(clouds[0])
    answer: list[list[Bars] | Missing] = [[_births_at_zero(clouds[0])]]
    for dimension in range(1, max_dimension + 1):
        if n > LARGEST:
            answer.append(Missing(f"{n} points; homology above dimension 0 takes at most {LARGEST}: take landmarks"))
            continue
        limit = None if dimension == 1 and n <= QUICK else seconds
        found = diagrams_within(clouds, [dimension], limit)
        answer.append(found if isinstance(found, Missing) else [one[0] for one in found])
    return answer


def _births_at_zero(distances: Matrix) -> Bars:
    deaths = np.concatenate([[np.inf], merges(distances)[0]])
    deaths = deaths[deaths > SAME * distances.max()]
    return np.stack([np.zeros_like(deaths), deaths], axis=1)


def _strengths(bars: Bars) -> Values:
    return bars[:, 1] / bars[:, 0]


def _holes(bars: Sequence[Bars], level: float) -> _Verdict:
    """Verdict on the bars of the first diagram, dimension 1 or 2, by those of the others, the surrogates'."""
    own, null = _strengths(bars[0]), [_strengths(one) for one in bars[1:]]
    pooled = np.concatenate(null)
    if len(pooled) < POOL:
        largest = np.array([one.max(initial=1.0) for one in null])
        p_values = (1 + (largest[None, :] >= own[:, None]).sum(1)) / (1 + len(null))
        none = Missing(f"the surrogates have {len(pooled)} bars: no law")
        seen = 1 / (1 + len(null)) < level
        detectable = float(largest.max()) if seen else Missing(f"{len(null)} surrogates cannot reach p < {level}")
        return _Verdict(p_values, detectable, none, none)
    rate = 1 / float(np.log(pooled).mean())
    tests = max(len(own), len(pooled) / len(null))
    return _Verdict(np.minimum(1.0, tests * own**-rate), float((tests / level) ** (1 / rate)), float(tests), rate)


def _components(clouds: Sequence[Matrix], level: float) -> _Verdict:
    """Verdict on the bars of H0 of the first cloud by its own spacings and by the others, the surrogates."""
    deaths, parts = merges(clouds[0])
    strength = deaths / np.median(deaths)
    tests = len(deaths)
    low, high = np.quantile(strength, [0.25, 0.75])
    # Quartiles of a Weibull law are (log 4/3)^(1/k) and (log 4)^(1/k); 2.07 = 1.645 times the error 1.26 / sqrt(n).
    spread = np.log(high / low) * (1 + 2.07 / np.sqrt(tests)) / np.log(np.log(4) / np.log(4 / 3))
    largest = np.array([_largest_merge(one) for one in clouds[1:]])
    # 1 + 2 / R: about what the error of a law fitted to R maxima adds to its 5 % point.
    scale = max(largest.std(ddof=1) * np.sqrt(6) / np.pi * (1 + 2 / len(largest)), 1e-9)
    mode = largest.mean() - np.euler_gamma * scale
    # Even spacings have spread 0 up to rounding: below 0.01 the power is so steep that its value no longer matters.
    spacings = tests * np.exp2(-np.minimum(strength ** (1 / max(spread, 0.01)), 1e3))
    maxima = -np.expm1(-np.exp(np.minimum((mode - np.log(strength)) / scale, 1e2)))
    p_values = np.where(parts >= PART, np.minimum(1.0, np.maximum(spacings, maxima)), 1.0)
    detectable = max(np.log2(tests / level) ** max(spread, 0.01), np.exp(mode - scale * np.log(-np.log1p(-level))))
    return _Verdict(np.concatenate([[0.0], p_values]), float(detectable), float(tests), Missing("H0 has no rate"))


def _largest_merge(distances: Matrix) -> float:
    """log of the strongest merge of two parts, or of any two where a surrogate has none (many channels)."""
    deaths, parts = merges(distances)
    counted = deaths[parts >= PART] if (parts >= PART).any() else deaths
    return float(np.log(counted[0] / np.median(deaths)))


def _settled(numbers: Sequence[int | Missing], rule: Callable[[list[int]], int]) -> int | Missing:
    missing = next((one for one in numbers if isinstance(one, Missing)), None)
    return missing if missing is not None else rule([one for one in numbers if not isinstance(one, Missing)])


def _most_frequent(numbers: Sequence[int]) -> int:
    return max(sorted(set(numbers)), key=numbers.count)


def _distinct(rows: Float[np.ndarray, "point channel"]) -> Float[np.ndarray, "point channel"]:
    if len(rows) == 0:
        return rows
    distances = distance_function("euclidean", 0)(rows)
    rows = rows[~np.tril(distances <= SAME * distances.max(), -1).any(1)]
    return rows - rows.mean(0)


def _exponent(points: Any, rows: Float[np.ndarray, "point channel"]) -> int:
    """The power of two by which `cloud` divided the points."""
    raw = cloud(points, centre=False) / 2  # half: the spread of doubles may exceed the largest of them
    if len(rows) == 0 or not (spread := np.ptp(rows, axis=0)).any():
        return 0
    widest = int(spread.argmax())
    top, bottom = rows[:, widest].argmax(), rows[:, widest].argmin()
    ratio = (np.log2(raw[top, widest] - raw[bottom, widest]) - np.log2(spread[widest])) + 1
    return int(np.rint(ratio))


def _metric(metric: str, neighbours: int, n: int) -> Callable[[Float[np.ndarray, "point channel"]], Matrix]:
    if metric not in ("euclidean", "resistance"):
        raise ValueError(f"metric must be 'euclidean', 'resistance' or, in persistence, 'precomputed', got {metric!r}")
    if metric == "resistance" and not 1 <= neighbours < n:
        raise ValueError(f"neighbours must be at least 1 and fewer than the {n} distinct points, got {neighbours}")
    return distance_function(metric, neighbours)


def _distance_matrix(matrix: Any) -> Matrix:
    distances = cloud(matrix, centre=False)
    square = distances.shape[0] == distances.shape[1]
    if not square or (distances < 0).any() or not np.allclose(distances, distances.T, rtol=1e-9, atol=0):
        raise ValueError(f"distances must be a symmetric matrix without negative entries, got shape {distances.shape}")
    if np.diag(distances).any():
        raise ValueError("distances of points to themselves must be 0")
    return distances


def _check(max_dimension: int, seconds: float | None) -> None:
    if max_dimension not in DIMENSIONS:
        raise ValueError(f"max_dimension must be 0, 1 or 2, got {max_dimension}")
    if seconds is not None and not seconds > 0:
        raise ValueError(f"seconds must be above 0, got {seconds}")
