"""What the circle panel computes with: the harmonics of a group, sums over translates, planes that did not see the row.

Everything about power and distance follows from the Gram matrix G = X X^T of the centred table through the translate
sums A_x = sum_a G[a, a x]: the projector onto the matrix entries of an irrep is P(a, b) = kernel(a^-1 b), so its power
is sum_x kernel(x) A_x; and the squared distances of the pairs (a, a x) sum to 2 (tr G - A_x). A permutation of the rows
therefore costs order^2 / 2 look-ups, for all irreps and for the distances at once, whatever the number of channels.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from grokscope.errors import Missing
from grokscope.numerics._points import cloud
from grokscope.numerics.groups import Group
from grokscope.numerics.irreps import irreps

# Look-ups held at a time: the index, the values and the permutations of so many stay in a core's cache.
BLOCK = 1 << 15


@dataclass(frozen=True, kw_only=True, eq=False)
class Harmonics:
    """The functions on a group by irrep, the trivial one left out.

    keys: k for cyclic and multiplicative groups, otherwise the irrep's name. kernels: of the projectors,
    P(a, b) = kernels[irrep, a^-1 b]. sizes: how many dimensions the matrix entries span. product: index of x y.
    phases: in turns, one row for each pair of conjugate one-dimensional characters; waves: their places among the keys.
    line: the elements in the order of the powers of a generator; as they come where the group is not cyclic, and then
    generated is False.
    """

    keys: tuple[int | str, ...]
    kernels: Float[np.ndarray, "irrep element"]
    sizes: Int[np.ndarray, " irrep"]
    product: Int[np.ndarray, "element element"]
    inverse: Int[np.ndarray, " element"]
    identity: int
    phases: Float[np.ndarray, "wave element"]
    waves: tuple[int, ...]
    line: Int[np.ndarray, " element"]
    generated: bool

    def projector(self, chosen: Any) -> Float[np.ndarray, "element element"]:
        """P(a, b) of the chosen irreps together."""
        return self.kernels[chosen].reshape(-1, len(self.product)).sum(0)[self.product[self.inverse]]


def harmonics(order: int, group: Group | None) -> Harmonics:
    """Of a group, or of the residues mod `order`. ValueError if the table's rows are not the group's elements."""
    if group is None:
        return _cyclic(order)
    if group.order != order:
        raise ValueError(f"the table has {order} rows, but {group.name} has {group.order} elements")
    parts = irreps(group)[1:]
    waves = tuple(i for i, part in enumerate(parts) if (part.dimension, part.type) == (2, "complex"))
    corners = np.array([parts[i].matrices[:, :, 0].numpy() for i in waves]).reshape(-1, order, 2)
    turns = np.arctan2(corners[..., 1], corners[..., 0]) / (2 * np.pi)
    weights = [part.dimension / (order * part.endomorphisms) for part in parts]
    characters = np.array([part.character.numpy() for part in parts]).reshape(-1, order)
    # The values are roots of unity of the group's order: rounding to them undoes the arctangent's.
    phases = np.round(turns * order) % order / order
    faithful = [row for row in phases if len(np.unique(row)) == order]
    return Harmonics(
        keys=tuple(_key(part.name, group, k) for k, part in enumerate(parts, start=1)),
        kernels=np.array(weights)[:, None] * characters,
        sizes=np.array([part.dimension**2 // part.endomorphisms for part in parts], dtype=np.int64),
        product=group.table.numpy(),
        inverse=group.inverse.numpy(),
        identity=group.identity,
        phases=phases,
        waves=waves,
        line=np.argsort(faithful[0]) if faithful else np.arange(order),
        generated=bool(faithful),
    )


def _key(name: str, group: Group, k: int) -> int | str:
    """Of one cyclic factor, irreps lists k in ascending order, calling the last one of an even n "sign"."""
    return k if group.family in ("cyclic", "multiplicative") else name


def _cyclic(n: int) -> Harmonics:
    k, x = np.arange(1, n // 2 + 1), np.arange(n)
    turns = np.multiply.outer(k, x) % n / n  # reduced in integers, so that large k x costs no precision
    sizes = np.where(2 * k == n, 1, 2)
    return Harmonics(
        keys=tuple(k.tolist()),
        kernels=sizes[:, None] / n * np.cos(2 * np.pi * turns),
        sizes=sizes,
        product=np.add.outer(x, x) % n,
        inverse=-x % n,
        identity=0,
        phases=turns[sizes == 2],
        waves=tuple(range(int((sizes == 2).sum()))),
        line=x,
        generated=True,
    )


def rows(table: Any) -> Float[np.ndarray, "element channel"] | Missing:
    """The centred table, rotated into as few channels as it has rows; Missing if all rows are equal.

    Raises ValueError for anything but finite real numbers of the shape (elements, channels).
    """
    raw = cloud(table, centre=False)
    # Rounding of the mean leaves some 1e-16 of the size in a constant table, which is not variance.
    if len(raw) < 2 or (raw.max(0) - raw.min(0)).max() <= 1e-12 * np.abs(raw).max():
        return Missing(f"the {len(raw)} rows of the table are all equal: it has no variance to explain")
    x = cloud(raw)
    return np.transpose(np.linalg.qr(x.T, mode="r")) if x.shape[1] > len(x) else x


def permuted_rows(n: int, permutations: int, seed: int) -> Int[np.ndarray, "permutation element"]:
    """The identity and `permutations` random orders of the rows."""
    if permutations < 1:
        raise ValueError(f"permutations must be at least 1, got {permutations}")
    orders = np.tile(np.arange(n), (permutations + 1, 1))
    orders[1:] = np.random.default_rng(seed).permuted(orders[1:], axis=1)
    return orders


def translate_sums(
    gram: Float[np.ndarray, "element element"],
    orders: Int[np.ndarray, "permutation element"],
    h: Harmonics,
    *,
    left: bool = False,
) -> Float[np.ndarray, "permutation element"]:
    """A_x = sum_a G[a, a x] (left: G[a, x a]) of the table with its rows in each order."""
    n = len(gram)
    sums, flat = np.empty(orders.shape), gram.ravel()
    sums[:, h.identity] = np.trace(gram)
    translates = [(x, h.product[x] if left else h.product[:, x]) for x in range(n) if x != h.identity]
    for start in range(0, len(orders), max(1, BLOCK // n)):
        block = slice(start, start + max(1, BLOCK // n))
        at = np.ascontiguousarray(orders[block].T)
        base = at * n
        for x, to in translates:
            if x <= h.inverse[x]:  # G is symmetric, so x and its inverse have the same sum
                sums[block, x] = sums[block, h.inverse[x]] = flat.take(base + at[to]).sum(0)
    return sums


def p_values(values: Float[np.ndarray, "permutation statistic"]) -> Float[np.ndarray, " statistic"]:
    """(1 + how many permuted maxima reach the value) / (1 + how many there are); the first row is the one observed."""
    highest = values[1:].max(1)
    # A permutation that is a symmetry of the group gives the same value up to rounding, and counts as reaching it.
    return (1 + (highest[:, None] >= values[:1] - 1e-9).sum(0)) / len(values)


def standardised(
    powers: Float[np.ndarray, "permutation irrep"], sizes: Int[np.ndarray, " irrep"]
) -> Float[np.ndarray, "permutation irrep"]:
    """Shares of the power, less what chance gives, in units that make irreps of different sizes comparable.

    For Gaussian rows in d channels the share of an irrep of size m out of M dimensions is Beta(d m / 2, d (M - m) / 2):
    mean m / M and a variance proportional to m (M - m).
    """
    whole, other = sizes.sum(), sizes.sum() - sizes
    shares = powers / np.maximum(powers.sum(1, keepdims=True), np.finfo(np.float64).tiny)
    return (shares - sizes / whole) * whole / np.sqrt(np.where(other > 0, sizes * other, np.inf))


def significance(
    x: Float[np.ndarray, "element channel"],
    h: Harmonics,
    orders: Int[np.ndarray, "permutation element"],
    sums: Float[np.ndarray, "permutation element"],
    *,
    level: float,
    floor: float,
) -> tuple[Float[np.ndarray, " irrep"], Float[np.ndarray, " irrep"]]:
    """Share of the variance and p-value of each irrep; level > 0 steps down, until no share is left above `floor`.

    Step down: what is significant at `level` is taken out of the table, and the others are tested again among
    themselves, in the residual and in its permutations. Without it a strong frequency, scattered over all others by the
    permutation, hides a weak one. As long as nothing is significant, nothing differs.
    """
    total, left = sums[0, h.identity], np.ones(len(h.keys), dtype=bool)
    shares = sums[0] @ h.kernels.T / total
    p = np.ones(len(left))
    while left.any():
        powers = np.maximum(sums @ h.kernels[left].T, 0)
        p[left] = np.maximum(p_values(standardised(powers, h.sizes[left])), p[~left].max(initial=0))
        found = left & (p <= level)
        if not found.any():
            break
        left &= ~found
        if not left.any() or shares[left].max() < max(floor, 1e-12):
            break
        rest = x - h.projector(~left) @ x
        sums = translate_sums(rest @ rest.T, orders, h)
    return np.maximum(shares, 0), p


def blocks(n: int, folds: int, seed: int) -> Iterator[Int[np.ndarray, " held"]]:
    """Each of n places once, in `folds` blocks of consecutive ones, at most n; seed: where they begin.

    Random parts leave out an element and keep its neighbours, which know where it is on a smooth path.
    """
    _at_least_two(folds)
    yield from np.array_split((np.arange(n) + np.random.default_rng(seed).integers(n)) % n, min(folds, n))


def cross_validated_planes(
    x: Float[np.ndarray, "element channel"],
    phases: Float[np.ndarray, "wave element"],
    *,
    line: Int[np.ndarray, " element"],
    folds: int,
    seed: int,
    first: int | None = None,
) -> Float[np.ndarray, "wave element 2"]:
    """Coordinates (u, v) of each element in the plane of each wave, fitted without it: y = b_0 + u b_cos + v b_sin.

    line: the order of the elements in which those held out together are neighbours. first: only of the first so many
    waves; the others are fitted along.

    Elements of one phase are held out together: a frequency that shares a divisor with n repeats its angles, and of a
    random function of x mod m everything is known once another x of the same residue was seen.

    The waves are fitted and projected on together, so that none leaks into another's plane where planes are not
    orthogonal or the residues of a fold do not balance; one by one where channels or rows (less than 1.5 a
    coefficient) are too few for that. Waves that repeat on the same elements have only their angles for rows.
    """
    n, width = x.shape
    angle = 2 * np.pi * phases
    waves = np.stack([np.cos(angle), np.sin(angle)], axis=1)  # wave, 2, element
    points = np.empty((len(phases[:first]), n, 2))
    for i, own in enumerate(waves[:first]):
        place = classes(phases[i])
        others = np.delete(waves, i, axis=0)[_beside(np.delete(phases, i, axis=0), place, width, folds)]
        design = np.concatenate([np.ones((1, n)), own, others.reshape(-1, n)]).T
        met = line[np.sort(np.unique(place[line], return_index=True)[1])]  # the first element of each phase on the line
        for some in blocks(len(met), folds, seed):
            held = np.isin(place, place[met[some]])
            fit = np.linalg.lstsq(design[~held], x[~held])[0]
            points[i, held] = np.linalg.lstsq(fit[1:].T, (x[held] - fit[0]).T)[0][:2].T
    return points


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


def classes(phases: Float[np.ndarray, " element"]) -> Int[np.ndarray, " element"]:
    """The place of each element's phase among the different ones, ascending."""
    return np.unique(phases, return_inverse=True)[1]


def class_means(
    rows: Float[np.ndarray, "element channel"], phases: Float[np.ndarray, " element"]
) -> Float[np.ndarray, "phase channel"]:
    """The mean row of the elements of each phase, by ascending phase."""
    place = classes(phases)
    belongs = np.equal.outer(np.arange(place.max() + 1), place)
    return belongs @ rows / belongs.sum(1, keepdims=True)


def order_p_value(
    x: Float[np.ndarray, "element channel"], phases: Float[np.ndarray, " element"], *, permutations: int, seed: int
) -> float:
    """How often the mean rows of the phases, in a random order, have as much power once around as in their own."""
    means = class_means(x, phases)
    cyclic = harmonics(len(means), None)
    gram, orders = means @ means.T, permuted_rows(len(means), permutations, seed)
    once = translate_sums(gram, orders, cyclic) @ cyclic.kernels[0]
    return float(p_values(once[:, None] / np.trace(gram))[0])


def cross_validated_r2(
    x: Float[np.ndarray, "element channel"], projector: Float[np.ndarray, "element element"], *, folds: int, seed: int
) -> float | Missing:
    """1 - sum |y - prediction|^2 / sum |y - mean|^2 over held-out rows, prediction and mean fitted without them.

    The rows are held out in random parts: matrix entries of an irrep have no order of their own.

    Without refitting: the residual of the rows F fitted without them is (1 - H_FF)^-1 times their residual, H the
    projector onto the regressors.
    """
    _at_least_two(folds)
    n, squares = len(x), np.zeros(2)
    for i, hat in enumerate((np.full((n, n), 1 / n), projector + 1 / n)):
        residual = x - hat @ x
        for held in np.array_split(np.random.default_rng(seed).permutation(n), min(folds, n)):
            rest = np.eye(len(held)) - hat[np.ix_(held, held)]
            if np.linalg.eigvalsh(rest)[0] < 1e-9:
                return Missing(f"{n - len(held)} elements do not determine a prediction of the other {len(held)}")
            squares[i] += np.square(np.linalg.solve(rest, residual[held])).sum()
    return float(1 - squares[1] / squares[0])


def _at_least_two(folds: int) -> None:
    if folds < 2:
        raise ValueError(f"folds must be at least 2, got {folds}")
