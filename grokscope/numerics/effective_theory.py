"""The effective theory of representations: how many parallelograms an embedding has, and how fast they form.

With S the samples of P0(D) (`numerics.parallelograms`), N = |P0(D)|, E~ the embedding less its mean and A the matrix of
parallelograms:

    l0 = sum |E~_i + E~_j - E~_m - E~_n|^2 [/ N],   Z0 = sum_k |E~_k|^2,   l_eff = l0 / Z0
    dE/dt = -d l_eff / dE = -H E + (2 l0 / Z0^2) E,   H = 2 A^T A / Z0 [/ N]

[/ N] is the normalisation "per_parallelogram", the paper's. "unnormalised", without it, is the released code's, which
sums over all of P0 whatever D is. The step counts of the published runs fit the unnormalised one: at p = 10, 70 times
as fast. l_eff depends neither on the scale of E nor on its mean. H has the eigenvalue 0 for E_k = a and, for sums
without a modulus, for E_k = k. The third eigenvalue, lambda_3, is the rate at which the last other direction dies out:
n_h = 1 / (lambda_3 eta) steps of gradient descent with rate eta. The loss l_eff falls twice as fast, as
exp(-2 lambda_3 t).

For residues mod p (odd) and all samples, l_eff = (p^2 + 3 p) / 2 [/ N] for every embedding. There the theory says
nothing, because sums of points on a circle are no parallelograms.

Source: Liu et al. 2022, arXiv:2205.10343, sections 3.1, 3.2 and appendix E, and the released toy. Departures: the paper
drops the second term of the flow, which keeps Z0 constant. sum_k E_k is conserved only because E~ has mean 0.
"""

import functools
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float

from grokscope.errors import Missing
from grokscope.numerics._points import back, cloud, in_units
from grokscope.numerics.parallelograms import Samples, checked, nullity
from grokscope.registry import unknown

Table = Float[np.ndarray, "symbol channel"]
Normalisation = Literal["per_parallelogram", "unnormalised"]
NORMALISATIONS: tuple[Normalisation, ...] = ("per_parallelogram", "unnormalised")


@dataclass(frozen=True, kw_only=True)
class Convention:
    """When an embedding has a parallelogram.

    scale: how the table is scaled first: not at all, each channel to mean 0 and variance 1 (ddof 1), or all entries to
    mean square 1. mean: the squared residual is averaged over channels, not summed. tolerance: the squared residual
    lies below it. first: parallelograms of symbols before this one do not count. matrices: rows are square matrices,
    multiplied and not added.
    """

    scale: Literal["raw", "channels", "entries"]
    mean: bool
    tolerance: float
    first: int = 0
    matrices: bool = False


CONVENTIONS = {
    "paper": Convention(scale="raw", mean=False, tolerance=0.01**2),
    "standardised": Convention(scale="channels", mean=True, tolerance=0.01),
    "sum": Convention(scale="channels", mean=False, tolerance=0.01, first=1),
    "matrices": Convention(scale="entries", mean=True, tolerance=0.5, matrices=True),
}


def standardised(table: Any) -> Table | Missing:
    """Each channel less its mean, over its standard deviation (ddof 1); channels that do not vary are left out.

    `Missing` where none varies. ValueError for anything but two-dimensional finite numbers.
    """
    rows, _ = in_units(cloud(table, centre=False))
    # Rounding of a mean leaves some 1e-16 of the size in equal entries, which is no variation.
    varies = np.ptp(rows, axis=0) > 1e-12 * np.abs(rows).max(axis=0, initial=0.0)
    if not varies.any():
        return Missing("all symbols have the same embedding")
    rows = rows[:, varies]
    return (rows - rows.mean(axis=0)) / rows.std(axis=0, ddof=1)


def represented(
    table: Any, samples: Samples, convention: str = "standardised", tolerance: float | None = None
) -> Bool[np.ndarray, " parallelogram"] | Missing:
    """P(R, delta): which of `samples.parallelograms` the embedding has.

    convention: a key of CONVENTIONS. "paper": |E_i + E_j - E_m - E_n| <= 0.01 without scaling, so that a shrinking
    embedding ends with all. "standardised", the released code: channels standardised, the mean square of the residual
    over the channels below 0.01. "sum", older notebooks: the sum over the channels, and symbol 0 left out (of
    `quality_index`). "matrices", for groups that do not commute: rows are d x d matrices (flat), all divided by their
    root mean square, mean square of the entries of E_a E_b - E_c E_d below 0.5.
    tolerance: another bound on the squared residual.

    `Missing` where the table cannot be scaled. ValueError for a table of other than one row a symbol.
    """
    rule = _rule(convention)
    bound = rule.tolerance if tolerance is None else tolerance
    if not bound >= 0:
        raise ValueError(f"tolerance, a bound on a square, must not be below 0, got {bound}")
    rows = _rows(table, samples)
    if rule.scale == "channels":
        scaled = standardised(rows)
        if isinstance(scaled, Missing):
            return scaled
        rows = scaled
    rows, exponent = in_units(rows)
    if rule.scale == "entries":
        size = float(np.sqrt(np.square(rows).mean()))
        if size == 0:
            return Missing("the embedding is 0")
        rows, exponent = rows / size, 0
    squares = _squared_residuals(rows, samples, matrices=rule.matrices)
    # Residuals of sums have the unit of the rows; rows that are multiplied have none.
    squares = back(squares / rows.shape[1] if rule.mean else squares, 2 * exponent)
    return np.less_equal(squares, bound) if rule.scale == "raw" else np.less(squares, bound)


def quality_index(
    table: Any, samples: Samples, convention: str = "standardised", tolerance: float | None = None
) -> float | Missing:
    """RQI = |P(R, delta)| / |P0|, the share of all parallelograms that the embedding has [1]; as `represented`."""
    holds = represented(table, samples, convention, tolerance)
    if isinstance(holds, Missing):
        return holds
    if first := _rule(convention).first:
        holds = holds[samples.pairs.min(axis=1)[samples.parallelograms].min(axis=1) >= first]
    if not len(holds):
        return Missing("no two samples have equal answers: there is no parallelogram")
    return float(holds.mean())


def effective_loss(
    table: Any,
    samples: Samples,
    trained: Bool[np.ndarray, " sample"] | None = None,
    normalisation: Normalisation = "per_parallelogram",
) -> float | Missing:
    """l_eff = l0 / Z0 over P0(D), both summed over channels [1]. trained: D; None: all samples, as the released code.

    `Missing` without a parallelogram in D, or where all symbols have the same embedding.
    """
    rows, _ = in_units(_rows(table, samples))
    rows, _ = in_units(rows - rows.mean(axis=0))
    z0 = float(np.square(rows).sum())
    count, classes = _by_answer(samples, trained)
    if not count:
        return Missing("no two training samples have equal answers: there is no parallelogram")
    if isinstance(scaled := standardised(table), Missing):
        return scaled
    # The sum over pairs of |s_u - s_v|^2 is n times that of |s_u - mean|^2, which loses no digits to cancellation.
    sums = (rows[samples.pairs[members]].sum(axis=1) for members in classes)
    l0 = sum(len(images) * float(np.square(images - images.mean(axis=0)).sum()) for images in sums)
    return l0 / z0 / _divisor(normalisation, count)


def hessian(
    samples: Samples,
    trained: Bool[np.ndarray, " sample"] | None = None,
    normalisation: Normalisation = "per_parallelogram",
    z0: float | None = None,
) -> Float[np.ndarray, "symbol symbol"] | Missing:
    """H = 2 A^T A / Z0 [/ N]. z0: n_symbols - 1 unless given, that of one standardised channel (9 at p = 10)."""
    count, classes = _by_answer(samples, trained)
    if not count:
        return Missing("no two training samples have equal answers: there is no parallelogram")
    if z0 is not None and not z0 > 0:
        raise ValueError(f"z0, a sum of squares, must be above 0, got {z0}")
    gram = np.zeros((samples.n_symbols, samples.n_symbols))
    for members in classes:
        rows = samples.incidence[members] - samples.incidence[members].mean(axis=0)
        gram += len(members) * rows.T @ rows
    return 2 * gram / (samples.n_symbols - 1 if z0 is None else z0) / _divisor(normalisation, count)


def third_eigenvalue(
    samples: Samples,
    trained: Bool[np.ndarray, " sample"] | None = None,
    normalisation: Normalisation = "per_parallelogram",
    z0: float | None = None,
) -> float | Missing:
    """lambda_3 of H, the grokking rate [1 / time]; 0 exactly where the nullity of A(P0(D)), by exact rank, exceeds 2.

    At p = 10 from all samples: 60 / 9 unnormalised, 60 / 630 per parallelogram.
    """
    H = hessian(samples, trained, normalisation, z0)
    if isinstance(H, Missing):
        return H
    mask = np.ones(len(samples), dtype=bool) if trained is None else trained
    return float(np.linalg.eigvalsh(H)[2]) if len(H) > 2 and nullity(samples, mask) <= 2 else 0.0


def flow(
    table: Any,
    samples: Samples,
    times: Any,
    trained: Bool[np.ndarray, " sample"] | None = None,
    normalisation: Normalisation = "per_parallelogram",
) -> Float[np.ndarray, "time symbol channel"] | Missing:
    """The embedding at the times of the exact gradient flow on l_eff, from the table at time 0.

        E~(t) = sqrt(Z0) exp(-H t) E~(0) / |exp(-H t) E~(0)|

    sum_k E_k and Z0 are conserved. times: in units of the flow, steps times learning rate, all 0 or later. The speed is
    proportional to 1 / Z0: published times are those of a standardised table.
    """
    at = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if at.ndim != 1 or not (np.isfinite(at).all() and (at >= 0).all()):
        raise ValueError("times must be finite, one-dimensional and not below 0")
    rows, exponent = in_units(_rows(table, samples))
    mean = rows.mean(axis=0)
    z0 = float(np.square(rows - mean).sum())
    if isinstance(scaled := standardised(table), Missing):
        return scaled
    H = hessian(samples, trained, normalisation, z0)
    if isinstance(H, Missing):
        return H
    # Z0 has the table's unit squared, and so have times.
    at = np.minimum(back(at, -2 * exponent), np.finfo(np.float64).max)
    rates, directions = np.linalg.eigh(H)
    parts = directions.T @ (rows - mean)
    # Rates are counted from that of the slowest part present: so nothing underflows in the end.
    there = np.square(parts).sum(axis=1) > 1e-24 * z0
    slowest = rates[there].min()
    with np.errstate(over="ignore", under="ignore"):
        decay = np.where(there, np.exp(-np.maximum(rates - slowest, 0) * at[:, None]), 0.0)
    parts = decay[:, :, None] * parts
    size = np.sqrt(np.square(parts).sum(axis=(1, 2), keepdims=True))
    return back(mean + np.sqrt(z0) * (directions @ (parts / size)), exponent)


def _rule(convention: str) -> Convention:
    if convention not in CONVENTIONS:
        raise ValueError(unknown("convention", convention, CONVENTIONS))
    return CONVENTIONS[convention]


def _rows(table: Any, samples: Samples) -> Table:
    rows = cloud(table, centre=False)
    if len(rows) != samples.n_symbols:
        raise ValueError(f"the table has {len(rows)} rows: expected {samples.n_symbols}, one a symbol")
    return rows


def _divisor(normalisation: str, count: int) -> int:
    if normalisation not in NORMALISATIONS:
        raise ValueError(unknown("normalisation", normalisation, NORMALISATIONS))
    return count if normalisation == "per_parallelogram" else 1


def _by_answer(samples: Samples, trained: Bool[np.ndarray, " sample"] | None) -> tuple[int, list[np.ndarray]]:
    """|P0(D)|, and the samples of D by their answers."""
    chosen = np.arange(len(samples)) if trained is None else np.flatnonzero(checked(samples, trained))
    order = chosen[np.argsort(samples.answers[chosen], kind="stable")]
    classes = np.split(order, np.flatnonzero(np.diff(samples.answers[order])) + 1)
    return sum(len(members) * (len(members) - 1) // 2 for members in classes), classes


def _squared_residuals(rows: Table, samples: Samples, *, matrices: bool) -> Float[np.ndarray, " parallelogram"]:
    """|s_u - s_v|^2 of all parallelograms in order, s the sum (or the product) of a sample's two symbols."""
    left, right = rows[samples.pairs[:, 0]], rows[samples.pairs[:, 1]]
    if matrices:
        d = round(rows.shape[1] ** 0.5)
        if d * d != rows.shape[1]:
            raise ValueError(f"rows of {rows.shape[1]} entries are no square matrices")
        images = (left.reshape(-1, d, d) @ right.reshape(-1, d, d)).reshape(len(left), -1)
    else:
        images = left + right
    squares = []
    for members in _by_answer(samples, None)[1]:
        # From inner products, much faster than differences; centred, so that few digits cancel.
        centred = images[members] - images[members].mean(axis=0)
        inner = centred @ centred.T
        size = inner.diagonal()
        squares.append((size[:, None] + size - 2 * inner)[_above(len(members))])
    return np.maximum(np.concatenate(squares), 0)


@functools.lru_cache(maxsize=512)  # classes come in few sizes
def _above(n: int) -> Bool[np.ndarray, "row column"]:
    """The places above the diagonal, in the order of `Samples.parallelograms`."""
    return np.triu(np.ones((n, n), dtype=bool), 1)
