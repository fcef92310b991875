"""Survival curves, log-rank and hazard ratios against published examples, literal versions and simulated truth."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, chi2, ecdf

from grokscope.errors import Missing
from grokscope.statistics.survival import HazardRatio, hazard_ratio, kaplan_meier, log_rank

# Weeks in remission of 42 children with leukaemia, on 6-mercaptopurine and on placebo: Freireich et al. 1963, Blood 21,
# 699, as in Cox 1972.
TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
SEEN = [True] * 9 + [False] * 12
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
ALL = [True] * 21
BOTH = (TREATED + PLACEBO, SEEN + ALL, [False] * 21 + [True] * 21)

runs = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=25)


def ratio(times: object, observed: object, treated: object, level: float = 0.95) -> HazardRatio:
    hazard = hazard_ratio(times, observed, treated, level)  # pyright: ignore[reportArgumentType]
    assert isinstance(hazard, HazardRatio)
    return hazard


def test_the_published_survival_curve() -> None:
    """Shares and their Greenwood errors of Freireich's data as every textbook has them."""
    curve = kaplan_meier(TREATED, SEEN)
    events = curve.n_events > 0
    assert curve.times[events].tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.n_at_risk[events].tolist() == [21, 17, 15, 12, 11, 7, 6]
    expected = [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    np.testing.assert_allclose(curve.survival[events], expected, atol=5e-5)
    assert curve.n_censored.sum() == 12
    assert curve.times[curve.n_censored > 0].tolist() == [6, 9, 10, 11, 17, 19, 20, 25, 32, 34, 35]
    # log(-log) interval from the published error at 10 weeks, 0.0963.
    reach = math.exp(1.959964 * 0.0963 / (0.7529 * -math.log(0.7529)))
    at = int(np.flatnonzero(curve.times == 10)[0])
    assert curve.low[at] == pytest.approx(0.7529**reach, abs=2e-4)
    assert curve.high[at] == pytest.approx(0.7529 ** (1 / reach), abs=2e-4)


def test_the_published_medians() -> None:
    """23 weeks (13, open) and 8 weeks (4, 11), as SAS and R print them for the log-log interval."""
    one, other = kaplan_meier(TREATED, SEEN).median, kaplan_meier(PLACEBO, ALL).median
    assert (one.value, one.low, one.high) == (23, 13, None)
    assert (other.value, other.low, other.high) == (8, 4, 11)


def test_the_published_log_rank_and_hazard_ratio() -> None:
    """chi2 16.79; Efron's log ratio 1.572 and likelihood ratio 16.35 (p = 5.26e-5), not Breslow's 1.509 and 15.21."""
    p = log_rank((TREATED, SEEN), (PLACEBO, ALL))
    assert isinstance(p, float)
    assert chi2.isf(p, 1) == pytest.approx(16.79, abs=5e-3)
    hazard = ratio(*BOTH)
    assert math.log(hazard.value) == pytest.approx(1.572, abs=5e-4)
    assert hazard.p == pytest.approx(5.26e-5, abs=5e-8)
    assert chi2.isf(hazard.p, 1) == pytest.approx(16.35, abs=5e-3)


@given(runs)
def test_curves_are_scipys(sample: list[tuple[int, bool]]) -> None:
    times, observed = (np.array(column) for column in zip(*sample, strict=True))
    curve = kaplan_meier(times, observed)
    expected = ecdf(CensoredData(uncensored=times[observed], right=times[~observed])).sf
    assert curve.times.tolist() == expected.quantiles.tolist()
    np.testing.assert_allclose(curve.survival, expected.probabilities, atol=1e-9)
    assert (curve.low <= curve.survival + 1e-12).all()
    assert (curve.survival <= curve.high + 1e-12).all()
    assert curve.n_events.sum() + curve.n_censored.sum() == len(times)
    inside = (curve.survival > 1e-9) & (curve.survival < 1 - 1e-9)
    with np.errstate(all="ignore"), pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # of points where it has no interval
        low, high = (end.probabilities for end in expected.confidence_interval(method="log-log"))
    np.testing.assert_allclose(curve.low[inside], low[inside], atol=1e-9)
    np.testing.assert_allclose(curve.high[inside], high[inside], atol=1e-9)


def test_where_nothing_or_everything_has_happened_the_interval_is_binomial() -> None:
    none = kaplan_meier([100.0] * 10, [False] * 10)
    assert none.low[0] == pytest.approx(0.025**0.1, abs=1e-9)
    assert none.high[0] == none.survival[0] == 1
    assert (none.median.value, none.median.low, none.median.high) == (None, None, None)
    once = kaplan_meier([3.0] * 10, [True] * 10)
    assert (once.survival[0], once.low[0]) == (0, 0)
    assert once.high[0] == pytest.approx(1 - 0.025**0.1, abs=1e-9)
    spread = kaplan_meier(np.arange(1, 11), [True] * 10)
    assert spread.survival[-1] == 0
    assert spread.high[-1] == spread.high[-2] < 0.5
    wide = kaplan_meier([1, 2], [True, True], level=0.99)
    assert wide.high[-1] > 0.9


@given(st.lists(st.integers(1, 40), min_size=1, max_size=15))
def test_without_censoring_the_median_is_the_samples_lower_one(times: list[int]) -> None:
    assert kaplan_meier(times, [True] * len(times)).median.value == sorted(times)[(len(times) - 1) // 2]


def test_the_hazard_ratio_is_the_maximum_of_the_literal_likelihood() -> None:
    rng = np.random.default_rng(0)
    times, observed = rng.integers(1, 6, 16).astype(float), rng.random(16) < 0.7
    treated = rng.random(16) < 0.5

    def likelihood(b: float) -> float:
        total, weight = 0.0, np.exp(b * treated)
        for time in sorted(set(times[observed])):
            dead, risk = observed & (times == time), times >= time
            total += b * treated[dead].sum()
            for i in range(dead.sum()):
                total -= math.log(weight[risk].sum() - i / dead.sum() * weight[dead].sum())
        return total

    hazard = ratio(times, observed, treated)
    best = math.log(hazard.value)
    assert likelihood(best) > max(likelihood(best - 1e-3), likelihood(best + 1e-3))
    for end in (hazard.low, hazard.high):
        assert 2 * (likelihood(best) - likelihood(math.log(end))) == pytest.approx(3.841459, abs=1e-5)
    assert hazard.p == pytest.approx(chi2.sf(2 * (likelihood(best) - likelihood(0)), 1), abs=1e-9)
    assert ratio(times, observed, treated, level=0.5).low > hazard.low


def test_an_arm_without_events_has_an_open_end() -> None:
    """Five events first and none later: at each the treated are 5, 4, .. 1 of 10, 9, .. 6 at risk."""
    times, treated = [1, 2, 3, 4, 5] + [9] * 5, [True] * 5 + [False] * 5
    hazard = ratio(times, treated, treated)
    assert hazard.value == hazard.high == math.inf
    excess = sum(2 * math.log1p(5 / (k * hazard.low)) for k in range(1, 6))
    assert excess == pytest.approx(3.841459, abs=1e-5)
    mirrored = ratio(times, treated, np.logical_not(treated))
    assert (mirrored.value, mirrored.low) == (0, 0)
    assert mirrored.high == pytest.approx(1 / hazard.low, rel=1e-6)
    assert mirrored.p == pytest.approx(hazard.p, rel=1e-9)
    # Both arms have events, but one is over before the other begins: the likelihood is as monotone.
    assert ratio(np.arange(10), [True] * 10, treated).value == math.inf


@pytest.mark.parametrize(("times", "observed"), [([4, 4, 9, 9], [0, 0, 1, 1]), ([9] * 4, [0] * 4), ([9] * 4, [1] * 4)])
def test_without_information_there_is_no_answer(times: list[int], observed: list[int]) -> None:
    """Censored before any event; no event; all at once."""
    assert isinstance(hazard_ratio(times, observed, [0, 0, 1, 1]), Missing)
    assert isinstance(log_rank((times[:2], observed[:2]), (times[2:], observed[2:])), Missing)


@pytest.mark.parametrize("clock", [np.log, lambda t: 1000 * t + 7, lambda t: t**3])
def test_only_the_order_of_times_counts(clock: Callable[[np.ndarray], np.ndarray]) -> None:
    times, observed, treated = (np.array(part) for part in BOTH)
    order = np.random.default_rng(0).permutation(42)
    moved = clock(times.astype(float))[order], observed[order], treated[order]
    expected, answer = ratio(*BOTH), ratio(*moved)
    assert (answer.value, answer.low, answer.high, answer.p) == pytest.approx(
        (expected.value, expected.low, expected.high, expected.p), rel=1e-9
    )
    arm = treated[order]
    p = log_rank((moved[0][arm], moved[1][arm]), (moved[0][~arm], moved[1][~arm]))
    assert p == pytest.approx(log_rank((TREATED, SEEN), (PLACEBO, ALL)), rel=1e-9)
    curve, other = kaplan_meier(times, observed), kaplan_meier(moved[0], moved[1])
    np.testing.assert_allclose(other.low, curve.low, atol=1e-9)
    np.testing.assert_allclose(other.times, clock(curve.times), atol=1e-9)


def test_swapping_the_arms_inverts_the_ratio() -> None:
    answer, swapped = ratio(*BOTH), ratio(BOTH[0], BOTH[1], np.logical_not(BOTH[2]))
    assert (swapped.value, swapped.low, swapped.high) == pytest.approx(
        (1 / answer.value, 1 / answer.high, 1 / answer.low), rel=1e-6
    )


@pytest.mark.parametrize("truth", [1.0, 3.0])
def test_intervals_cover_the_truth_and_tests_keep_their_level(truth: float) -> None:
    """Two arms of ten, exponential, censored at 1.5: nominal 95 %, within 4 standard errors of 300 draws."""
    rng, n, draws = np.random.default_rng(1), 10, 300
    treated = np.repeat([True, False], n)
    covered, at_half, log_ranks, ratios = 0, 0, 0, 0
    for _ in range(draws):
        times = rng.exponential(1, 2 * n) / np.where(treated, truth, 1)
        observed, times = times < 1.5, np.minimum(times, 1.5)
        hazard = ratio(times, observed, treated)
        covered += hazard.low <= truth <= hazard.high
        ratios += hazard.p < 0.05
        p = log_rank((times[:n], observed[:n]), (times[n:], observed[n:]))
        log_ranks += isinstance(p, float) and p < 0.05
        median = kaplan_meier(times[n:], observed[n:]).median
        at_half += (median.low or math.inf) <= math.log(2) <= (median.high or math.inf)
        assert (hazard.p < 0.05) == (not hazard.low <= 1 <= hazard.high)
    error = 4 * math.sqrt(0.95 * 0.05 / draws)
    assert covered / draws > 0.95 - error
    assert at_half / draws > 0.95 - error
    if truth == 1:
        assert log_ranks / draws < 0.05 + error
        assert ratios / draws < 0.05 + error
    else:
        assert min(log_ranks, ratios) / draws > 0.4  # the power to see a factor of 3 with ten a side


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kaplan_meier([], []), "at least one run"),
        (lambda: kaplan_meier([[1.0]], [True]), "one time a run"),
        (lambda: kaplan_meier([1, math.inf], [True, False]), "times must be finite"),
        (lambda: kaplan_meier([1, 2], [True]), r"observed has the shape \(1,\): expected one flag for each of 2"),
        (lambda: kaplan_meier([1, 2], [True, 2]), "observed must be true or false, got"),
        (lambda: kaplan_meier([1], [True], level=95), "level must lie between 0 and 1, got 95"),
        (lambda: hazard_ratio([1, 2], [1, 1], [1, 1]), "treated is True for all 2 runs: expected both arms"),
        (lambda: hazard_ratio([1, 2], [1, 1], [1]), "treated has the shape"),
        (lambda: hazard_ratio([1, 2], [1, 1], [0, 1], 0.0), "level"),
        (lambda: log_rank(([1], [True]), ([], [])), "at least one run"),
    ],
)
def test_bad_arguments_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
