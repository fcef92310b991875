"""Ratios of pairs of which some are censored: closed forms, a slow log-rank, and rates over made-up races."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from grokscope.errors import Missing
from grokscope.statistics.intervals import mean_ends
from grokscope.statistics.race import (
    Pairs,
    paired_ratio,
    proportional,
    restricted_mean,
    sign_test,
    stratified_log_rank,
)

BUDGET = 1000.0


def pairs(arm: Any, reference: Any, budget: float = BUDGET) -> Pairs:
    """Times beyond the budget are censored there."""
    t, r = np.asarray(arm, float), np.asarray(reference, float)
    return Pairs(
        arm=np.minimum(t, budget),
        arrived=t < budget,
        reference=np.minimum(r, budget),
        reference_arrived=r < budget,
    )


def drawn(rng: np.random.Generator, ratio: float, n: int = 20) -> Pairs:
    """Log-normal times around 500 that seeds share in part; the median of the ratio is known. A third is censored."""
    shared = rng.normal(size=n)
    r = 600 * np.exp(0.5 * shared + 0.5 * rng.normal(size=n))
    return pairs(r / ratio * np.exp(0.4 * rng.normal(size=n)), r)


def test_without_censoring_it_is_the_median_and_its_order_statistics() -> None:
    reference = np.arange(1, 21) * 10.0
    found = paired_ratio(pairs(np.full(20, 10.0), reference))
    assert found.bounds == pytest.approx((math.sqrt(110), math.sqrt(110)))
    # P(B(20, 1/2) <= 5) = .0207, of 6 it is .0577: the sixth value from each end.
    assert binom.cdf(5, 20, 0.5) < 0.025 < binom.cdf(6, 20, 0.5)
    assert found.intervals(0.95) == (6.0, 15.0)
    assert (found.n, found.open) == (20, 0)


def test_a_ratio_and_its_inverse_agree() -> None:
    one = drawn(np.random.default_rng(1), 2.0)
    other = Pairs(arm=one.reference, arrived=one.reference_arrived, reference=one.arm, reference_arrived=one.arrived)
    ours, theirs = paired_ratio(one), paired_ratio(other)
    inverse = [1 / end if end else math.inf for end in reversed(theirs.intervals(0.95))]
    assert ours.intervals(0.95) == pytest.approx(inverse)
    assert sign_test(one) == sign_test(other)


def test_censored_pairs_say_what_they_know() -> None:
    never = [2 * BUDGET] * 10
    only_arm = paired_ratio(pairs([100.0] * 10, never))
    assert only_arm.bounds == (10.0, math.inf)
    assert only_arm.intervals(0.95) == (10.0, math.inf)
    only_reference = paired_ratio(pairs(never, [100.0] * 10))
    assert only_reference.intervals(0.95) == (0.0, 0.1)
    neither = paired_ratio(pairs(never, never))
    assert neither.intervals(0.95) == (0.0, math.inf)
    assert neither.open == 10


def test_too_few_pairs_have_no_interval() -> None:
    assert paired_ratio(pairs([100.0] * 5, [200.0] * 5)).intervals(0.95) == (0.0, math.inf)
    assert paired_ratio(pairs([100.0] * 6, [200.0] * 6)).intervals(0.95) == (2.0, 2.0)
    for wrong in ({"arm": np.zeros(2)}, {"arm": np.ones(3)}):
        fields = {"arm": np.ones(2), "reference": np.ones(2)} | wrong
        with pytest.raises(ValueError, match=r"one time and one flag|above 0"):
            Pairs(**fields, arrived=np.ones(2, bool), reference_arrived=np.ones(2, bool))


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("level", [0.95, 1 - 0.05 / 11])
def test_intervals_cover_the_median_however_many_are_censored(ratio: float, level: float) -> None:
    rng, trials = np.random.default_rng(0), 1000
    hits = 0
    for _ in range(trials):
        low, high = paired_ratio(drawn(rng, ratio)).intervals(level)
        hits += low <= ratio <= high
    assert hits / trials > level - 4 * math.sqrt(level * (1 - level) / trials)


def test_the_sign_test_keeps_its_level() -> None:
    rng, trials = np.random.default_rng(2), 1000
    wrong = sum(sign_test(drawn(rng, 1.0)) <= 0.05 for _ in range(trials))
    assert wrong / trials < 0.05 + 4 * math.sqrt(0.05 * 0.95 / trials)
    assert sign_test(pairs([1.0] * 10, [2.0] * 10)) == pytest.approx(2 * 0.5**10)
    assert sign_test(pairs([2 * BUDGET] * 3, [2 * BUDGET] * 3)) == 1.0


def slow_log_rank(of: Pairs) -> float:
    """Observed less expected and their variance, risk set by risk set in each stratum."""
    from scipy.stats import chi2

    total = variance = 0.0
    for t, a, r, b in zip(of.arm, of.arrived, of.reference, of.reference_arrived, strict=True):
        runs = [(t, a, 1), (r, b, 0)]
        for time in sorted({time for time, event, _ in runs if event}):
            risk = [one for one in runs if one[0] >= time]
            n, n1 = len(risk), sum(one[2] for one in risk)
            dead = [one for one in risk if one[0] == time and one[1]]
            d, d1 = len(dead), sum(one[2] for one in dead)
            total += d1 - d * n1 / n
            variance += d * n1 * (n - n1) * (n - d) / (n**2 * (n - 1)) if n > 1 else 0.0
    return float(chi2.sf(total**2 / variance, 1))


@pytest.mark.parametrize("seed", range(5))
def test_the_log_rank_test_is_that_of_strata_of_two(seed: int) -> None:
    of = drawn(np.random.default_rng(seed), 1.4)
    assert stratified_log_rank(of) == pytest.approx(slow_log_rank(of), rel=1e-9)
    tied = pairs([100.0, 200.0, 300.0, 2000.0], [100.0, 250.0, 2000.0, 2000.0])
    assert stratified_log_rank(tied) == pytest.approx(slow_log_rank(tied), rel=1e-9)
    assert isinstance(stratified_log_rank(pairs([2000.0], [2000.0])), Missing)


def test_the_restricted_mean_stops_at_the_budget() -> None:
    found = restricted_mean([100.0, 200.0, 300.0, 400.0, BUDGET], BUDGET)
    assert found.value == 400.0
    assert not isinstance(found.low, Missing)
    assert found.low < 400 < found.high  # pyright: ignore[reportOperatorIssue]
    found = restricted_mean([500.0, 600.0, 700.0, 800.0, 900.0], BUDGET)
    assert found.value == 700.0
    assert (found.low, found.high) == pytest.approx(mean_ends(np.array([500.0, 600, 700, 800, 900]), 0.95))
    assert isinstance(restricted_mean([1.0, 2.0], BUDGET).low, Missing)


def test_the_interval_of_the_restricted_mean_lies_between_nothing_and_the_budget() -> None:
    late = restricted_mean([10.0] * 19 + [BUDGET], BUDGET)
    assert late.low == 0
    early = restricted_mean([BUDGET] * 19 + [BUDGET - 10], BUDGET)
    assert early.high == BUDGET
    never = restricted_mean([BUDGET] * 20, BUDGET)
    assert (never.low, never.high) == pytest.approx((BUDGET * 0.025 ** (1 / 20), BUDGET))


def test_crossing_curves_are_seen_and_proportional_ones_keep_the_level() -> None:
    rng, trials, n = np.random.default_rng(3), 150, 40
    wrong = 0
    for _ in range(trials):
        p = proportional(pairs(rng.exponential(200, n), rng.exponential(400, n)))
        assert not isinstance(p, Missing)
        wrong += p <= 0.05
    assert wrong / trials < 0.05 + 4 * math.sqrt(0.05 * 0.95 / trials)
    early_or_late = np.concatenate([rng.uniform(10, 100, n // 2), rng.uniform(800, 990, n // 2)])
    crossing = proportional(pairs(early_or_late, rng.uniform(300, 600, n)))
    assert not isinstance(crossing, Missing)
    assert crossing < 0.01
    assert isinstance(proportional(pairs([100.0] * 4, [100.0] * 4)), Missing)
