"""Planes of single characters in a table of points, found by fits that did not see the row they show."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int

from grokscope.numerics._harmonics import harmonics
from grokscope.numerics._permutations import Table, p_values, permuted_table

Phases = Float[np.ndarray, " element"]  # in turns


def blocks(n: int, folds: int, seed: int) -> Iterator[Int[np.ndarray, " held"]]:
    """Each of n places once, in `folds` blocks of consecutive places, at most n; seed: where they begin.

    Blocks, because random parts leave out an element and keep its neighbours, which tell where it is on a smooth path.
    """
    if folds < 2:
        raise ValueError(f"folds must be at least 2, got {folds}")
    yield from np.array_split((np.arange(n) + np.random.default_rng(seed).integers(n)) % n, min(folds, n))


def cross_validated_planes(
    x: Table,
    phases: Float[np.ndarray, "wave element"],
    *,
    line: Int[np.ndarray, " element"],
    folds: int,
    seed: int,
    first: int | None = None,
) -> Float[np.ndarray, "wave element 2"]:
    """Coordinates (u, v) of each element in the plane of each wave, fitted without it: y = b_0 + u b_cos + v b_sin.

    line: the order of the elements in which neighbours are held out together. first: only of the first so many waves;
    the others are fitted along.

    Elements of one phase are held out together. A frequency that shares a divisor with n repeats its angles: a random
    function of x mod m is known everywhere once every residue was seen.

    The waves are fitted and projected on together, so that none leaks into another's plane where planes are not
    orthogonal or a fold does not balance the residues. They are fitted one by one where channels or rows (less than 1.5
    a coefficient) are too few for that. Waves that repeat on the same elements have only their angles for rows.
    """
    n, width = x.shape
    angle = 2 * np.pi * phases
    waves = np.stack([np.cos(angle), np.sin(angle)], axis=1)  # wave, 2, element
    points = np.empty((len(phases[:first]), n, 2))
    known: dict[tuple[bytes, bytes], Float[np.ndarray, "column held"]] = {}
    for i in range(len(points)):
        place = classes(phases[i])
        together = np.insert(_beside(np.delete(phases, i, axis=0), place, width, folds), i, True)
        at = 2 * int(together[:i].sum())
        met = line[np.sort(np.unique(place[line], return_index=True)[1])]  # the first element of each phase on the line
        for block in blocks(len(met), folds, seed):
            held = np.isin(place, place[met[block]])
            question = together.tobytes(), held.tobytes()  # most waves share their fits: those of n prime all do
            if question not in known:
                known[question] = _unseen(x, waves[together].reshape(-1, n), held)
            points[i, held] = known[question][at : at + 2].T
    return points


def _unseen(
    x: Table, functions: Float[np.ndarray, "column element"], held: Bool[np.ndarray, " element"]
) -> Float[np.ndarray, "column held"]:
    """The coordinates of the held rows along what the other rows' functions, and a constant, are fitted to."""
    design = np.concatenate([np.ones((1, len(held))), functions]).T
    fit = np.linalg.lstsq(design[~held], x[~held])[0]
    return np.linalg.lstsq(fit[1:].T, (x[held] - fit[0]).T)[0]


def _beside(
    others: Float[np.ndarray, "wave element"], place: Int[np.ndarray, " element"], width: int, folds: int
) -> Bool[np.ndarray, " wave"]:
    """Which of the other waves can be fitted together with one whose angles stand at `place`."""

    def enough(waves: int, n: int) -> bool:
        return 1.5 * (3 + 2 * waves) <= n - -(-n // folds)

    first = np.unique(place, return_index=True)[1]
    repeats = (others == others[:, first[place]]).all(1)
    free = ~repeats if not enough(int(repeats.sum()), len(first)) else np.ones(len(others), dtype=bool)
    return free & (enough(int(free.sum()), len(place)) and 2 + 2 * int(free.sum()) <= width)


def classes(phases: Phases) -> Int[np.ndarray, " element"]:
    """The place of each element's phase among the different ones, ascending."""
    return np.unique(phases, return_inverse=True)[1]


def class_means(rows: Table, phases: Phases) -> Float[np.ndarray, "phase channel"]:
    """The mean row of the elements of each phase, by ascending phase."""
    place = classes(phases)
    belongs = np.equal.outer(np.arange(place.max() + 1), place)
    return belongs @ rows / belongs.sum(1, keepdims=True)


def order_p_value(x: Table, phases: Phases, *, permutations: int, seed: int) -> float:
    """How often the mean rows of the phases, in a random order, have as much power once around as in their own."""
    means = class_means(x, phases)
    cyclic = harmonics(len(means), None)
    sums = permuted_table(means, cyclic, permutations, seed).sums
    once = sums @ cyclic.kernels[0]
    return float(p_values(once[:, None] / sums[0, cyclic.identity])[0])
