"""Parallelograms against published counts and a slow exact elimination in fractions."""

import itertools

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.numerics import parallelograms
from grokscope.numerics.parallelograms import (
    Samples,
    implicit,
    nullity,
    predicted_accuracy,
    products,
    sums,
    unique_linear_probability,
)


def residues(p: int) -> Samples:
    return products(f"cyclic({p})")


def matrix(samples: Samples, pairs: np.ndarray) -> np.ndarray:
    """A: one row a parallelogram, E_i + E_j - E_m - E_n."""
    return samples.incidence[pairs[:, 0]] - samples.incidence[pairs[:, 1]]


def within(samples: Samples, trained: np.ndarray) -> np.ndarray:
    """The rows of A(P0(D)): the parallelograms between samples that are trained on."""
    return matrix(samples, samples.parallelograms[trained[samples.parallelograms].all(axis=1)])


def slow_parallelograms(samples: Samples) -> set[tuple[int, int]]:
    together = itertools.combinations(range(len(samples)), 2)
    return {(u, v) for u, v in together if samples.answers[u] == samples.answers[v]}


def slow_basis(rows: list[list[int]]) -> list[list[int]]:
    """Independent rows with the same span, by elimination in whole numbers of any size."""
    left, basis = rows, []
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in left if row[column]), None)
        if pivot is not None:
            basis.append(pivot)
            left = [[a * pivot[column] - b * row[column] for a, b in zip(row, pivot, strict=True)] for row in left]
            left = [row for row in left if any(row)]
    return basis


def slow_implicit(samples: Samples, trained: np.ndarray) -> set[tuple[int, int]]:
    """P(D) by definition: the members of P0 that do not raise the rank of A(P0(D))."""
    basis = slow_basis(within(samples, trained).tolist())
    every = matrix(samples, samples.parallelograms).tolist()
    pairs = map(tuple, samples.parallelograms.tolist())
    return {pair for pair, row in zip(pairs, every, strict=True) if len(slow_basis([*basis, row])) == len(basis)}


def implied(samples: Samples, trained: np.ndarray) -> set[tuple[int, int]]:
    labels, pairs = implicit(samples, trained), samples.parallelograms
    return set(map(tuple, pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]].tolist()))


def drawn(samples: Samples, n: int, seed: int) -> np.ndarray:
    mask = np.zeros(len(samples), dtype=bool)
    mask[np.random.default_rng(seed).permutation(len(samples))[:n]] = True
    return mask


@pytest.mark.parametrize(
    ("samples", "size", "count"),
    [(sums(10), 55, 70), (products("S3"), 36, 90), (residues(7), 28, 42), (residues(8), 36, 4 * 10 + 4 * 6)],
)
def test_the_published_counts_of_parallelograms(samples: Samples, size: int, count: int) -> None:
    """70 at p = 10 and 90 in S3: published. Z_p: (p + 1) / 2 samples an answer if p is odd, p / 2 and one more else."""
    assert len(samples) == size
    assert len(samples.parallelograms) == count
    assert set(map(tuple, samples.parallelograms.tolist())) == slow_parallelograms(samples)


def test_rows_add_up() -> None:
    samples = sums(3)  # 00 01 02 11 12 22: the only parallelogram is 02, 11
    assert matrix(samples, samples.parallelograms).tolist() == [[1, -2, 1]]


def test_the_published_eigenvalues_of_all_parallelograms() -> None:
    rows = matrix(sums(10), sums(10).parallelograms)
    expected = [0, 0, 30, 31.27, 36.55, 38.38, 42.14, 45.73, 47.31, 48.62]
    np.testing.assert_allclose(np.linalg.eigvalsh(rows.T @ rows), expected, atol=0.005)


def test_a_cyclic_group_is_sums_with_a_modulus() -> None:
    a, b = products("Z7"), sums(7)
    assert np.array_equal(a.pairs, b.pairs)
    assert np.array_equal(a.answers, b.answers % 7)


@pytest.mark.parametrize("samples", [sums(5), residues(6), residues(7), products("Z2xZ4")])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.7, 1.0])
def test_ranks_and_implicit_parallelograms_are_exact(samples: Samples, share: float) -> None:
    for seed in range(2):
        mask = drawn(samples, round(share * len(samples)), seed)
        rows = within(samples, mask).tolist()
        assert nullity(samples, mask) == samples.n_symbols - len(slow_basis(rows))
        expected = slow_implicit(samples, mask)
        assert implied(samples, mask) == expected


SUMS_7 = (0, 2, 3, 6, 8, 9, 13, 16, 18, 21, 23, 24, 25)  # nullity 2, but 3 modulo 3, where fewer samples are joined


@pytest.mark.parametrize("primes", [(2, 2**31 - 1), (3, 2**31 - 1), (2**31 - 1, 3)])
def test_an_unlucky_prime_is_outvoted(primes: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """0 + 0 = 4 + 4 mod 8 is the row (2, -2): modulo 2 it vanishes, and false implications appear."""
    monkeypatch.setattr(parallelograms, "_primes", lambda n: primes)
    doubles = tuple(i for i, pair in enumerate(residues(8).pairs.tolist()) if pair in ([0, 0], [4, 4]))
    for samples, members in ((sums(7), SUMS_7), (residues(8), doubles)):
        trained = np.isin(np.arange(len(samples)), members)
        parallelograms._solved.cache_clear()
        rank = len(slow_basis(within(samples, trained).tolist()))
        assert nullity(samples, trained) == samples.n_symbols - rank
        assert implied(samples, trained) == slow_implicit(samples, trained)
    parallelograms._solved.cache_clear()


@pytest.mark.parametrize("n", [10, 20, 21, 59, 113, 500])
def test_enough_primes_for_proof(n: int) -> None:
    """The product of the primes exceeds every minor, 8^(n / 2), and elimination stays within 64 bits."""
    primes = parallelograms._primes(n)
    assert sum(np.log2(np.array(primes, dtype=float))) > 1.5 * n
    assert len(set(primes)) == len(primes)
    assert max(primes) < 2**31


@pytest.mark.parametrize(
    ("n", "published"), [(18, 0.0373), (20, 0.1754), (22, 0.4270), (24, 0.7085), (26, 0.8666), (30, 0.9814)]
)
def test_the_published_probabilities_of_a_unique_linear_representation(n: int, published: float) -> None:
    """10,000 trials there; here 3,000: both errors count."""
    estimate, error = unique_linear_probability(10, n, trials=3000, seed=0)
    assert error == pytest.approx(np.sqrt(estimate * (1 - estimate) / 3000))
    assert abs(estimate - published) < 4 * np.hypot(np.sqrt(published * (1 - published) / 10_000), error)


def test_probabilities_at_the_ends_are_certain() -> None:
    assert unique_linear_probability(10, 55, trials=5) == (1.0, 0.0)
    assert unique_linear_probability(10, 5, trials=5) == (0.0, 0.0)
    assert unique_linear_probability(10, 22, trials=50, seed=3) == unique_linear_probability(10, 22, trials=50, seed=3)


def test_predicted_accuracy_by_hand() -> None:
    """Sums of 0..2: only 02 and 11 share an answer. If one is trained, the other follows only if the row holds."""
    samples, mask = sums(3), np.array([True, False, True, False, False, False])
    assert predicted_accuracy(samples, mask, np.array([True])) == pytest.approx(3 / 6)
    assert predicted_accuracy(samples, mask, np.array([False])) == pytest.approx(2 / 6)
    assert predicted_accuracy(samples, mask, np.array([True]), split="test") == pytest.approx(1 / 4)
    assert predicted_accuracy(samples, mask) == pytest.approx(2 / 6)  # D has no parallelogram that would imply it
    assert isinstance(predicted_accuracy(samples, np.ones(6, dtype=bool), split="test"), Missing)


def test_the_upper_bound_is_the_published_definition() -> None:
    samples = sums(7)
    for seed in range(5):
        mask = drawn(samples, 16, seed)
        expected = slow_implicit(samples, mask)
        reached = {u for u in range(28) if mask[u]} | {
            w for u, v in expected for w, other in ((u, v), (v, u)) if mask[other]
        }
        assert predicted_accuracy(samples, mask) == pytest.approx(len(reached) / 28)


def test_bad_input_is_answered_clearly() -> None:
    samples = sums(4)
    with pytest.raises(ValueError, match=r"n must lie in 1..55, the samples of p = 10; got 56"):
        unique_linear_probability(10, 56)
    with pytest.raises(ValueError, match="trials must be at least 1, got 0"):
        unique_linear_probability(10, 20, trials=0)
    with pytest.raises(ValueError, match=r"p must lie in 2..500, got 1"):
        sums(1)
    with pytest.raises(ValueError, match="expected 10 booleans"):
        nullity(samples, np.ones(9, dtype=bool))
    with pytest.raises(ValueError, match="trained is float64"):
        implicit(samples, np.ones(10))
    with pytest.raises(ValueError, match="holds has shape"):
        predicted_accuracy(samples, np.ones(10, dtype=bool), np.array([True]))
    with pytest.raises(ValueError, match="split must be 'all' or 'test'"):
        predicted_accuracy(samples, np.ones(10, dtype=bool), split="fresh")
