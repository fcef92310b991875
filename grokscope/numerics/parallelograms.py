"""Parallelograms: pairs of samples with equal answers, what they force on an embedding, exactly.

A sample is a pair of symbols (i, j) with an answer. Two samples of equal answer are a parallelogram: an embedding that
a decoder sees only through sums can give both one answer if

    E_i + E_j = E_m + E_n,   a row of the matrix A: +1 at i and j, -1 at m and n (entries add up: 2 at i = j)

D0 is the set of all samples, P0 that of all parallelograms, P0(D) those between samples of D. P(D), the implicit ones,
are the members of P0 that follow from P0(D): they lie in the span of its rows. Where the nullity of A(P0(D)) is 2 (of
sums without a modulus), only linear representations are possible: E_k = a + k b.

Ranks are exact. Elimination is modulo primes just below 2^31. A rank modulo a prime can only be too small, and only if
the prime divides every minor that is not 0. Such a minor is at most 8^(r/2) (Hadamard; a row is at most (2, -2)).
Primes whose product exceeds that cannot all divide it. So the largest rank among them is the rank: one prime is enough
up to 20 symbols, three for 59.

Source: Liu et al. 2022, arXiv:2205.10343, section 3 and appendices; the released code decides by eigenvalues > 1e-8.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from grokscope.errors import Missing
from grokscope.numerics.groups import group, is_prime

LARGEST_PRIME = 2**31 - 1  # products of two residues stay below 2^62
CHUNK = 1000  # trials eliminated at once: some 50 MB at p = 10
LARGEST = 500  # symbols of the toy, as of the task


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """D0: pairs of symbols and their answers.

    pairs: symbols 0..n_symbols-1, each sample once. answers: whole numbers from 0 on, equal or not.
    """

    pairs: Int[np.ndarray, "sample 2"]
    answers: Int[np.ndarray, " sample"]
    n_symbols: int

    def __len__(self) -> int:
        return len(self.answers)

    @functools.cached_property
    def parallelograms(self) -> Int[np.ndarray, "parallelogram 2"]:
        """P0: indices u < v of samples with equal answers."""
        pairs = [np.empty((0, 2), dtype=np.int64)]
        for answer in np.unique(self.answers):
            members = np.flatnonzero(self.answers == answer)
            first, second = np.triu_indices(len(members), 1)
            pairs.append(np.stack([members[first], members[second]], axis=1))
        return np.concatenate(pairs)

    @functools.cached_property
    def incidence(self) -> Int[np.ndarray, "sample symbol"]:
        """How often each symbol is in each sample: 1, or 2 where i = j. A row of A is the difference of two."""
        rows = np.zeros((len(self), self.n_symbols), dtype=np.int64)
        np.add.at(rows, (np.arange(len(self))[:, None], self.pairs), 1)
        return rows


def sums(p: int) -> Samples:
    """The toy: unordered pairs i <= j of 0..p-1 and i + j, no modulus: p (p + 1) / 2 samples, 55 at p = 10."""
    if not 2 <= p <= LARGEST:
        raise ValueError(f"p must lie in 2..{LARGEST}, got {p}")
    first, second = np.triu_indices(p)
    return Samples(pairs=np.stack([first, second], axis=1), answers=first + second, n_symbols=p)


def products(name: str) -> Samples:
    """A group by name (`numerics.groups`): unordered pairs if it commutes, else all pairs; S3 has 36 and |P0| = 90.

    Of residues mod an odd p the only exact solution over the reals is E_k = a.
    """
    of = group(name)
    x, y = np.triu_indices(of.order) if of.is_commutative else np.indices((of.order, of.order)).reshape(2, -1)
    return Samples(pairs=np.stack([x, y], axis=1), answers=of.table.numpy()[x, y], n_symbols=of.order)


def nullity(samples: Samples, trained: Bool[np.ndarray, " sample"]) -> int:
    """n_symbols - rank A(P0(D)), exact: the dimensions of the one-dimensional representations that D allows."""
    return min(_dimension(codes) for codes, _ in _free_codes(samples, trained))


def implicit(samples: Samples, trained: Bool[np.ndarray, " sample"]) -> Int[np.ndarray, " sample"]:
    """P(D) as a label of each sample: two samples of equal answer are an implicit parallelogram if their labels agree.

    Labels are enough because being implied is transitive; being within a tolerance is not. A sample's label is the sum
    of its symbols in the freest representation that D allows (a basis of the null space of A(P0(D))), exactly.
    """
    smallest = nullity(samples, trained)  # a prime with a larger one gave too small a rank
    labels = [samples.answers[:, None]]
    for codes, prime in _free_codes(samples, trained):
        if _dimension(codes) == smallest:
            free = codes[:, codes.any(axis=0)]
            labels.append(free[samples.pairs].sum(axis=1) % prime)
    return np.unique(np.concatenate(labels, axis=1), axis=0, return_inverse=True)[1].ravel()


def predicted_accuracy(
    samples: Samples,
    trained: Bool[np.ndarray, " sample"],
    holds: Bool[np.ndarray, " parallelogram"] | None = None,
    *,
    split: str = "all",
) -> float | Missing:
    """|D-bar| / |D0|, D-bar = D and every sample that a parallelogram joins to one of D [1].

    holds: which of P0 the representation has, P(R, delta): the published Acc-hat. None: the implicit ones, P(D), the
    published upper bound. split "test": the share of the samples outside D; `Missing` where there are none.
    """
    mask = checked(samples, trained)
    if split not in ("all", "test"):
        raise ValueError(f"split must be 'all' or 'test', got {split!r}")
    if split == "test" and mask.all():
        return Missing("every sample is trained on: none is left to test")
    reached = mask.copy()
    if holds is None:
        labels = implicit(samples, mask)
        reached |= np.isin(labels, labels[mask])
    else:
        if np.shape(holds) != (len(samples.parallelograms),):
            raise ValueError(f"holds has shape {np.shape(holds)}: expected one of {len(samples.parallelograms)} each")
        first, second = samples.parallelograms[np.asarray(holds, dtype=bool)].T
        reached[first[mask[second]]] = True
        reached[second[mask[first]]] = True
    return float(reached.mean() if split == "all" else reached[~mask].mean())


def unique_linear_probability(p: int, n: int, trials: int = 10_000, seed: int = 0) -> tuple[float, float]:
    """The probability that n samples of the toy allow linear representations only, and its standard error.

    trials: random sets D of n of the p (p + 1) / 2 samples; each counts if the nullity of A(P0(D)) is 2, by exact rank.
    Standard error sqrt(q (1 - q) / trials). Published for 10,000 trials at p = 10: .0373 at n = 18, .4270 at 22, .9814
    at 30.
    """
    samples = sums(p)
    if not 1 <= n <= len(samples):
        raise ValueError(f"n must lie in 1..{len(samples)}, the samples of p = {p}; got {n}")
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    generator, unique = np.random.default_rng(seed), 0
    for start in range(0, trials, CHUNK):
        size = min(CHUNK, trials - start)
        drawn = np.zeros((size, len(samples)), dtype=bool)
        order = generator.random(drawn.shape).argpartition(n - 1, axis=1)[:, :n]
        np.put_along_axis(drawn, order, True, axis=1)
        rows = _chains(samples, drawn)
        ranks = [_reduced(rows, prime).diagonal(axis1=1, axis2=2).sum(axis=1) for prime in _primes(p)]
        unique += int((np.max(ranks, axis=0) == p - 2).sum())
    share = unique / trials
    return share, math.sqrt(share * (1 - share) / trials)


def checked(samples: Samples, trained: Bool[np.ndarray, " sample"]) -> Bool[np.ndarray, " sample"]:
    """The mask of training samples; ValueError unless it is one boolean a sample."""
    mask = np.asarray(trained)
    if mask.shape != (len(samples),) or mask.dtype != bool:
        raise ValueError(
            f"trained is {mask.dtype} of shape {mask.shape}: expected {len(samples)} booleans, one a sample"
        )
    return mask


@functools.lru_cache(maxsize=16)
def _primes(n_symbols: int) -> tuple[int, ...]:
    """The largest primes below 2^31, their product above every minor of a matrix with n_symbols columns."""
    primes, candidate = [], LARGEST_PRIME
    while sum(map(math.log2, primes)) <= 1.5 * n_symbols:  # log2 of 8^(n/2)
        if is_prime(candidate):
            primes.append(candidate)
        candidate -= 2
    return tuple(primes)


def _chains(samples: Samples, drawn: Bool[np.ndarray, "trial sample"]) -> Int[np.ndarray, "trial sample symbol"]:
    """Rows that span those of P0(D): each drawn sample less the drawn one before it with the same answer; 0 without."""
    order = np.argsort(samples.answers, kind="stable")
    answers, incidence, chosen = samples.answers[order], samples.incidence[order], drawn[:, order]
    place = np.where(chosen, np.arange(len(order)), -1)
    before = np.maximum.accumulate(place, axis=1)
    before = np.concatenate([np.full((len(drawn), 1), -1), before[:, :-1]], axis=1)
    linked = chosen & (before >= 0) & (answers[before] == answers)
    return (incidence - incidence[before]) * linked[..., None]


def _reduced(rows: Int[np.ndarray, "trial row symbol"], prime: int) -> Int[np.ndarray, "trial symbol symbol"]:
    """Reduced row echelon forms modulo a prime: the row with its pivot in column c stands in place c, others are 0."""
    rows = rows % prime
    form = np.zeros((len(rows), rows.shape[2], rows.shape[2]), dtype=np.int64)
    trial = np.arange(len(rows))
    for c in range(rows.shape[2]):
        at = (rows[:, :, c] != 0).argmax(axis=1)
        pivot = rows[trial, at]
        pivot = pivot * _inverse(pivot[:, c], prime)[:, None] % prime  # 0 where the column has no pivot
        rows = (rows - rows[:, :, c, None] * pivot[:, None]) % prime
        form = (form - form[:, :, c, None] * pivot[:, None]) % prime
        form[:, c] = pivot
    return form


def _inverse(values: Int[np.ndarray, " trial"], prime: int) -> Int[np.ndarray, " trial"]:
    """x^(prime - 2) modulo the prime: the inverse of x, and 0 of 0."""
    result, power, exponent = np.ones_like(values), values.copy(), prime - 2
    while exponent:
        if exponent & 1:
            result = result * power % prime
        power, exponent = power * power % prime, exponent >> 1
    return result


def _free_codes(
    samples: Samples, trained: Bool[np.ndarray, " sample"]
) -> tuple[tuple[Int[np.ndarray, "symbol direction"], int], ...]:
    """For each prime a basis of the null space of A(P0(D)) in its columns, 0 where a symbol is a pivot, and the prime.

    Cached, because the training samples of a run are the same at every checkpoint.
    """
    mask = checked(samples, trained)
    return _solved(samples.pairs.tobytes(), samples.answers.tobytes(), samples.n_symbols, mask.tobytes())


@functools.lru_cache(maxsize=64)
def _solved(
    pairs: bytes, answers: bytes, n_symbols: int, trained: bytes
) -> tuple[tuple[Int[np.ndarray, "symbol direction"], int], ...]:
    samples = Samples(
        pairs=np.frombuffer(pairs, dtype=np.int64).reshape(-1, 2),
        answers=np.frombuffer(answers, dtype=np.int64),
        n_symbols=n_symbols,
    )
    rows = _chains(samples, np.frombuffer(trained, dtype=bool)[None])[0]
    rows = rows[rows.any(axis=1)]
    # E_k = 1 solves every row, and E_k = k the rows of sums: where no other direction is left, one prime is a proof.
    known = 1 + int(not (rows @ np.arange(n_symbols)).any())
    bases = []
    for prime in _primes(n_symbols):
        bases.append((_null_space(rows, prime), prime))
        if _dimension(bases[0][0]) == known:
            break
    return tuple(bases)


def _dimension(codes: Int[np.ndarray, "symbol direction"]) -> int:
    return int(codes.any(axis=0).sum())


def _null_space(rows: Int[np.ndarray, "row symbol"], prime: int) -> Int[np.ndarray, "symbol direction"]:
    """The null space by elimination of few rows: some at a time of those that the rows so far do not imply."""
    n = rows.shape[1]
    form = np.zeros((n, n), dtype=np.int64)
    while True:
        codes = (np.eye(n, dtype=np.int64) - form) % prime
        # In floating point for speed, yet exact: the sizes of a row's entries add up to 4, codes lie below 2^31.
        images = rows.astype(np.float64) @ codes.astype(np.float64)
        open_rows = rows[(images % prime != 0).any(axis=1)]
        if not len(open_rows):
            return codes
        some = open_rows[:: max(1, len(open_rows) // (2 * n))]
        form = _reduced(np.concatenate([form[form.any(axis=1)], some])[None], prime)[0]
