"""Persistent homology of a cloud of points, and the Betti numbers it gives evidence for.

A bar of H1 says that a loop appears when points closer than its birth are joined and is filled at its death. Noise has
bars too, so a Betti number here is the number of bars that a cloud of the same size and spectrum would not have.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics._components import components, spanning_tree
from grokscope.numerics._holes import Diagram, Holes, holes, strengths
from grokscope.numerics._persistence import (
    DIMENSIONS,
    LARGEST,
    Bars,
    Matrix,
    coordinates,
    diagrams_within,
    distance_function,
    effective_resistance,
)
from grokscope.numerics._points import cloud
from grokscope.numerics.sampling import maxmin

Metric = Literal["euclidean", "resistance", "precomputed"]
Values = Float[np.ndarray, " bar"]

FEWEST = 10  # distinct points: below, no ratio can be told from the surrogates'
SAME = 1e-10  # of the largest distance: nearer points are one point, as they were before rounding
ASYMMETRY = 1e-6  # of the largest distance: how far rounding may leave a matrix from a symmetric one of diagonal 0
QUICK = 100  # points whose H1 takes no longer than the start of a child process
# Points of which homology is taken, by dimension: a cloud and 20 surrogates take ten seconds or so. Of more, landmarks.
WHOLE = {1: 1000, 2: 300}
LANDMARKS = {1: 500, 2: 200}


@dataclass(frozen=True, kw_only=True, eq=False)
class Betti:
    """Betti numbers with their evidence, every tuple indexed by dimension; Missing where a dimension has no answer.

    numbers: of H0 one more than the gaps with p < level, of H1 and H2 the bars with p < level. bars: [birth, death] in
    the units of the cloud (of the resistance with that metric), the longest first; H0 has the infinite one; H1 and H2
    have those of each component by itself. p_values: one a bar, corrected for the number of bars; 0 for the infinite
    one. n_points: the distinct ones. n_used: how many of them a dimension was judged on; fewer are landmarks.
    detectable: what would have been significant: in H0 so many points on each side nearer than the gap, in H1 and H2
    that ratio death / birth; a number 0 beside a large one means "could not be seen". tests: by how many bars the
    p-values were multiplied. rates: e^B of the law (H1, H2), 1; of several components the lowest. null: the bars of all
    surrogates together (H1, H2), in the units of the cloud.
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
    the points. H0 is born at 0 and has one infinite bar and a finite one for every edge of the minimum spanning tree;
    bars of length zero (duplicates) are left out.

    metric: "resistance" is that of `resistance`; with "precomputed" the points are a matrix of distances, made
    symmetric where rounding left it asymmetric by up to 1e-6 of the largest.
    seconds: for all dimensions together; one above 0 that is not done by then is Missing (it runs in a child process;
    starting one takes a second or two); so is one of more than 2000 points, for which `betti` takes landmarks.

    Raises ValueError for points that are not finite rows, for a matrix that is no distance, for unknown options.
    Source: Bauer 2021, arXiv:1908.02518.
    """
    _check(max_dimension, seconds)
    time_left = _timer(seconds)
    if metric == "precomputed":
        distances, unit = _distance_matrix(points), 0
    else:
        rows = cloud(points)
        if len(rows) == 0:
            raise ValueError("persistence needs at least one point, got none")
        distances = _metric(metric, neighbours, len(rows))(rows)
        unit = _exponent(points, rows) if metric == "euclidean" else 0
    lengths, largest = spanning_tree(distances)[0], distances.max(initial=0.0)
    deaths = np.concatenate([[np.inf], lengths[lengths > SAME * largest]])
    found: list[Bars | Missing] = [np.stack([np.zeros_like(deaths), deaths], axis=1)]
    for dimension in range(1, max_dimension + 1):
        bars = _homology([distances], dimension, time_left)
        found.append(bars if isinstance(bars, Missing) else bars[0])
    return tuple(bars if isinstance(bars, Missing) else np.ldexp(bars, unit) for bars in found)


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

    H0: the finite bars are the edges of the minimum spanning tree. One of length g between the points a and b, which
    the shorter edges left in two parts of at least 3 points each, is a gap between components where the points near it
    lie closer than chance allows. Along a curve the points of a Poisson process leave a stretch as long as g empty,
    with m points in the next stretch of that length, with the chance 2^-m; in more dimensions gaps are narrower. So

        p_side = 2^-m,   m: points of a's part nearer to a than g;   (1 + g / r)^-m if all are, r the farthest
        p_i = min(1, (n - 1) max(p_a, p_b))

    Only points near the gap count, so the density may vary along the shape, and the noise, which all distances have in
    common, does not matter. A component must have log2((n - 1) / level) points, 12 of 113, unless it is far from the
    others for its size. The number holds at the finest scale that can be told from chance: six far clusters in a ring
    are six components and no loop.

    H1, H2: each component by itself (of at least 10 points), against surrogates U S, with the singular values S of the
    centred component and U drawn uniformly among centred orthonormal columns: as many points with the same covariance,
    without any shape. pi = death / birth, free of scale. Bars of noise follow log log pi + B ~ Gumbel (Bobrowski &
    Skraba 2023), that is pi ~ Pareto(e^B). The bars of a component's surrogates give the estimate

        e^B = 1 / (1.06 mean(log pi)),   p_i = min(1, m pi_i^(-e^B)),   m = sum of max(own bars, bars of a surrogate)
        mean(log pi) = (k s + (m - k) min(F, max(s, o))) / m,   F = .2 (H2: .055)

    where in the second line m is that of the component, a surrogate has k bars with the mean log pi s, and the
    component's own bars have the mean o. A component may have more bars than its surrogates: evenly spaced points, as
    class means are, have many short ones, and surrogates of an outlier's or a long thin cloud's spectrum have hardly
    any. Those beyond k count as its own do, but as s at least, and at most as F, noise in the plane (H2: in space),
    whose bars are the longest. A hole is among the own bars and raises o, which errs on the safe side.
    p_i bounds the chance that noise of m bars has one as strong (Bonferroni), so `level` holds for a dimension as a
    whole; m sums over the components. The published rule takes B from the cloud's own bars alone, of which a clean
    circle has a single one. The published estimate, B = -gamma - mean(log log pi), leans on the shortest bars and
    finds fewer tori. 1.06 is for curved surfaces, whose noise is a little stronger.

    Points closer than 1e-10 of the diameter count once. metric: "resistance" measures both cloud and surrogates by
    `resistance`, a second opinion in strong noise. With "precomputed" the points are a matrix of distances, as in
    `persistence`; surrogates have the spectrum of its classical multidimensional scaling, without negative eigenvalues.
    Above 1,000 points H1, above 300 points H2 are those of 500 and 200 `maxmin` landmarks (n_used says so), shared
    among the components by their size. seconds: for all dimensions together, as in `persistence`. The same seed gives
    the same answer.

    Missing if fewer than 10 points are distinct. Raises ValueError for points that are not finite rows, for a matrix
    that is no distance, a level not between 0 and 1, fewer than 5 surrogates, max_dimension not 0, 1 or 2.
    Source: Bobrowski & Skraba 2023, doi:10.1038/s41598-023-37842-2 (law); Torgerson 1952, doi:10.1007/BF02288916
    (scaling); the calibration and H0 are ours.
    """
    _check(max_dimension, seconds)
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    if surrogates < 5:
        raise ValueError(f"surrogates must be at least 5, got {surrogates}")
    time_left = _timer(seconds)
    known = _distance_matrix(points) if metric == "precomputed" else None
    rows, own = _distinct(cloud(points)) if known is None else _distinct_of(known)
    if len(rows) < FEWEST:
        return Missing(f"{len(rows)} distinct points; Betti numbers need at least {FEWEST}")
    measure = _metric(metric, neighbours, len(rows))
    if metric == "resistance":
        own = measure(rows)
    parts = components(own, level)
    members = [np.flatnonzero(parts.labels == label) for label in range(parts.labels.max() + 1)]

    def drawn(some: Int[np.ndarray, " part"]) -> list[Matrix]:
        return [measure(one) for one in _surrogates(rows[some] - rows[some].mean(0), surrogates, seed)]

    found: list[Holes | Missing] = []
    n_used = [len(rows)]
    for dimension in range(1, max_dimension + 1):
        taken = [_thinned(rows, some, dimension) for some in members]
        bars = _bars(own, taken, drawn, dimension, time_left)
        n_used.append(sum(map(len, taken)))
        found.append(bars if isinstance(bars, Missing) else holes(bars, dimension, level))

    def above(take: Callable[[Holes], Any]) -> tuple[Any, ...]:
        return tuple(one if isinstance(one, Missing) else take(one) for one in found)

    unit = _exponent(points, cloud(points)) if metric == "euclidean" else 0
    edges, deaths = len(parts.lengths), np.concatenate([[np.inf], parts.lengths])
    return Betti(
        numbers=(len(members), *above(lambda one: int((one.p_values < level).sum()))),
        bars=(
            np.ldexp(np.stack([np.zeros(edges + 1), deaths], axis=1), unit),
            *above(lambda one: np.ldexp(one.bars, unit)),
        ),
        p_values=(np.concatenate([[0.0], parts.p_values]), *above(lambda one: one.p_values)),
        n_points=len(rows),
        n_used=tuple(n_used),
        level=level,
        detectable=(float(np.log2(edges / level)), *above(lambda one: one.detectable)),
        tests=(float(edges), *above(lambda one: one.tests)),
        rates=(Missing("H0 has no rate"), *above(lambda one: one.rate)),
        null=(
            Missing("H0 needs no surrogates: a gap is held against the points beside it"),
            *above(lambda one: np.ldexp(one.null, unit)),
        ),
    )


def betti_of_landmarks(
    points: Any, *, n_landmarks: int = 300, starts: int = 3, seed: int = 0, **options: Any
) -> LandmarkBetti | Missing:
    """Betti numbers of large clouds: of `maxmin` landmarks, from several random starts, with their spread.

    options: those of `betti`, which takes landmarks of distances itself. A cloud of at most n_landmarks points is taken
    whole, once. Landmarks keep outliers, so a number that differs between the starts is none to rely on.

    Missing where `betti` is. Raises ValueError as `betti` does, and for starts or n_landmarks below 1.
    """
    if options.get("metric") == "precomputed":
        raise ValueError("landmarks are taken of points, got distances; betti takes landmarks of these itself")
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
    return float(strengths(found).max()) if len(found) else Missing(f"no bar of dimension {dimension}")


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


def _homology(clouds: Sequence[Matrix], dimension: int, time_left: Callable[[], float] | None) -> list[Bars] | Missing:
    """The bars of each cloud in one dimension above 0; Missing if they are not there in time."""
    n = max(map(len, clouds))
    if n > LARGEST:
        return Missing(f"{n} points; homology above dimension 0 takes at most {LARGEST}: take landmarks")
    limit = None if time_left is None or (dimension == 1 and n <= QUICK) else time_left()
    found = diagrams_within(clouds, [dimension], limit)
    return found if isinstance(found, Missing) else [one[0] for one in found]


def _timer(seconds: float | None) -> Callable[[], float] | None:
    """How much of the seconds is left."""
    if seconds is None:
        return None
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def _thinned(
    rows: Float[np.ndarray, "point channel"], some: Int[np.ndarray, " part"], dimension: int
) -> Int[np.ndarray, " used"]:
    """A component, or as many landmarks of it as its share of the points."""
    if len(rows) <= WHOLE[dimension]:
        return some
    share = max(FEWEST, round(LANDMARKS[dimension] * len(some) / len(rows)))
    return some[maxmin(rows[some], share)] if share < len(some) else some


def _bars(
    own: Matrix,
    parts: Sequence[Int[np.ndarray, " part"]],
    surrogates: Callable[[Int[np.ndarray, " part"]], list[Matrix]],
    dimension: int,
    time_left: Callable[[], float] | None,
) -> list[Diagram] | Missing:
    """The bars of each component and of its surrogates, of which one of fewer than 10 points has none."""
    groups = [[own[np.ix_(some, some)], *(surrogates(some) if len(some) >= FEWEST else ())] for some in parts]
    bars = _homology([one for group in groups for one in group], dimension, time_left)
    if isinstance(bars, Missing):
        return bars
    rest = iter(bars)
    return [Diagram(bars=first, surrogates=list(others)) for first, *others in (islice(rest, len(g)) for g in groups)]


def _settled(numbers: Sequence[int | Missing], rule: Callable[[list[int]], int]) -> int | Missing:
    missing = next((one for one in numbers if isinstance(one, Missing)), None)
    return missing if missing is not None else rule([one for one in numbers if not isinstance(one, Missing)])


def _most_frequent(numbers: Sequence[int]) -> int:
    return max(sorted(set(numbers)), key=numbers.count)


def _distinct(rows: Float[np.ndarray, "point channel"]) -> tuple[Float[np.ndarray, "kept channel"], Matrix]:
    """The points without repetitions, centred, and their distances."""
    if len(rows) == 0:
        return rows, np.empty((0, 0))
    distances = distance_function("euclidean", 0)(rows)
    kept = _first(distances)
    return rows[kept] - rows[kept].mean(0), distances[np.ix_(kept, kept)]


def _distinct_of(distances: Matrix) -> tuple[Float[np.ndarray, "kept channel"], Matrix]:
    """Coordinates of points with these distances, without repetitions, and their distances."""
    kept = _first(distances)
    distances = distances[np.ix_(kept, kept)]
    return coordinates(distances), distances


def _first(distances: Matrix) -> Int[np.ndarray, " kept"]:
    """The points that repeat none before them."""
    return np.flatnonzero(~np.tril(distances <= SAME * distances.max(initial=0.0), -1).any(1))


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
    if metric not in get_args(Metric):
        raise ValueError(f"metric must be one of {', '.join(get_args(Metric))}, got {metric!r}")
    if metric == "resistance" and not 1 <= neighbours < n:
        raise ValueError(f"neighbours must be at least 1 and fewer than the {n} distinct points, got {neighbours}")
    return distance_function(metric, neighbours)


def _distance_matrix(matrix: Any) -> Matrix:
    """The matrix as exact distances; ValueError for what rounding cannot have made of one."""
    distances = cloud(matrix, centre=False, what="distances")
    if distances.shape[0] != distances.shape[1]:
        raise ValueError(f"distances must be a symmetric matrix, got shape {distances.shape}")
    largest = float(np.abs(distances).max())
    for what, wrong in (
        ("differ from their transpose", np.abs(distances - distances.T)),
        ("of points to themselves are not 0, but", np.abs(np.diag(distances))),
        ("are negative", np.maximum(-distances, 0)),
    ):
        if wrong.max() > ASYMMETRY * largest:
            raise ValueError(
                f"distances {what} by up to {wrong.max():.3g}, {wrong.max() / largest:.1g} of the largest; expected a "
                f"symmetric matrix without negative entries, its diagonal 0, up to {ASYMMETRY:g} of the largest"
            )
    distances = np.maximum((distances + distances.T) / 2, 0.0)
    np.fill_diagonal(distances, 0.0)
    return distances


def _check(max_dimension: int, seconds: float | None) -> None:
    if max_dimension not in DIMENSIONS:
        raise ValueError(f"max_dimension must be 0, 1 or 2, got {max_dimension}")
    if seconds is not None and not seconds > 0:
        raise ValueError(f"seconds must be above 0, got {seconds}")
