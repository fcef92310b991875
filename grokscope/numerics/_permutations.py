"""Which irreps carry more of a table's variance than chance gives, by permutations of its rows.

Power and distance follow from the Gram matrix G = X X^T of the centred table through the translate sums
A_x = sum_a G[a, a x]. The projector onto the matrix entries of an irrep is P(a, b) = kernel(a^-1 b), so its power is
sum_x kernel(x) A_x; the squared distances of the pairs (a, a x) sum to 2 (tr G - A_x). A permutation of the rows
therefore costs order^2 / 2 look-ups, for all irreps and the distances together, whatever the number of channels.

Sources: step-down maxima, Westfall & Young 1993, Resampling-Based Multiple Testing; permutation of residuals, Freedman
& Lane 1983, J. Bus. Econ. Stat. 1:292.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from grokscope.numerics._harmonics import Harmonics

Table = Float[np.ndarray, "element channel"]
Orders = Int[np.ndarray, "permutation element"]
Sums = Float[np.ndarray, "permutation element"]

# Look-ups held at a time: the index, the values and the permutations of so many stay in a core's cache.
BLOCK = 1 << 15


@dataclass(frozen=True, kw_only=True, eq=False)
class Permuted:
    """A centred table of a group with its rows in their own order and in random ones; sums: `_translate_sums`."""

    x: Table
    h: Harmonics
    orders: Orders
    sums: Sums

    def significance(self, *, level: float, floor: float) -> tuple[Float[np.ndarray, " irrep"], ...]:
        """Share of the variance and p-value of each irrep; level > 0 steps down, until no share is left above `floor`.

            share = tr(X^T P X) / tr(X^T X),   P(x, y) = d / (order dim End) chi(x^-1 y),   of rank d^2 / dim End

        p-value: (1 + permutations whose largest share reaches this one) / (1 + permutations), the shares standardised
        by size; otherwise the largest irrep would always have the largest share.

        Step down: what is significant at `level` is taken out of the table. The others are tested again among
        themselves, in the residual and its permutations. Without it a strong frequency, which the permutations scatter
        over all others, hides a weak one. As long as nothing is significant, nothing differs.
        """
        h, sums, left = self.h, self.sums, np.ones(len(self.h.keys), dtype=bool)
        shares = sums[0] @ h.kernels.T / sums[0, h.identity]
        p = np.ones(len(left))
        while left.any():
            powers = np.maximum(sums @ h.kernels[left].T, 0)
            p[left] = np.maximum(p_values(_standardised(powers, h.sizes[left])), p[~left].max(initial=0))
            significant = left & (p <= level)
            left &= ~significant
            if not significant.any() or not left.any() or shares[left].max() < max(floor, 1e-12):
                break
            sums = _translate_sums(self.x - h.projector(~left) @ self.x, self.orders, h)
        return np.maximum(shares, 0), p


def permuted_table(x: Table, h: Harmonics, permutations: int, seed: int, *, left: bool = False) -> Permuted:
    """A centred table in its own order and in `permutations` random orders. left: sums over left translates."""
    if permutations < 1:
        raise ValueError(f"permutations must be at least 1, got {permutations}")
    orders = np.tile(np.arange(len(x)), (permutations + 1, 1))
    orders[1:] = np.random.default_rng(seed).permuted(orders[1:], axis=1)
    return Permuted(x=x, h=h, orders=orders, sums=_translate_sums(x, orders, h, left=left))


def _translate_sums(x: Table, orders: Orders, h: Harmonics, *, left: bool = False) -> Sums:
    """A_x = sum_a G[a, a x] (left: G[a, x a]) of the centred table with its rows in each order."""
    gram = x @ x.T
    n, flat, sums = len(gram), gram.ravel(), np.empty(orders.shape)
    sums[:, h.identity] = np.trace(gram)
    translates = [(g, h.product[g] if left else h.product[:, g]) for g in range(n) if g != h.identity]
    for start in range(0, len(orders), max(1, BLOCK // n)):
        block = slice(start, start + max(1, BLOCK // n))
        at = np.ascontiguousarray(orders[block].T)
        base = at * n
        for g, to in translates:
            if g <= h.inverse[g]:  # G is symmetric, so g and its inverse have the same sum
                sums[block, g] = sums[block, h.inverse[g]] = flat.take(base + at[to]).sum(0)
    return sums


def p_values(values: Float[np.ndarray, "permutation statistic"]) -> Float[np.ndarray, " statistic"]:
    """(1 + permuted maxima that reach the value) / (1 + permutations); the first row is the one observed."""
    highest = values[1:].max(1)
    # A permutation that is a symmetry of the group gives the same value up to rounding, and counts as reaching it.
    return (1 + (highest[:, None] >= values[:1] - 1e-9).sum(0)) / len(values)


def _standardised(
    powers: Float[np.ndarray, "permutation irrep"], sizes: Int[np.ndarray, " irrep"]
) -> Float[np.ndarray, "permutation irrep"]:
    """Shares of the power, less their mean by chance, in units that make irreps of different sizes comparable.

    For Gaussian rows in d channels the share of an irrep of size m out of M dimensions is Beta(d m / 2, d (M - m) / 2):
    mean m / M and a variance proportional to m (M - m).
    """
    whole, other = sizes.sum(), sizes.sum() - sizes
    shares = powers / np.maximum(powers.sum(1, keepdims=True), np.finfo(np.float64).tiny)
    return (shares - sizes / whole) * whole / np.sqrt(np.where(other > 0, sizes * other, np.inf))
