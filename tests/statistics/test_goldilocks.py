"""Planted shells and laws are found, with intervals that cover; without an answer the reason is given."""

import math
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.statistics.goldilocks import Law, generalisation_law, reduced, shell
from grokscope.statistics.intervals import mean_effect

NORMS = 10 ** np.linspace(-1, 1, 11)
LOG = np.log(NORMS)


def planted_u(low: float, high: float) -> np.ndarray:
    """A test loss that is 10 times its minimum at low and at high: log-linear on both sides of a flat floor."""
    return np.exp(np.maximum(np.maximum(3 * (math.log(low) - LOG), 4 * (LOG - math.log(high))) + math.log(10), 0))


def law(*args: Any, **options: Any) -> Law:
    fit = generalisation_law(*args, **options)
    assert not isinstance(fit, Missing)
    return fit


def test_reduced_losses_are_means_with_the_intervals_of_the_house() -> None:
    rng = np.random.default_rng(0)
    train, test = np.exp(rng.normal(size=(2, 3, 5)))
    losses = reduced(np.outer(NORMS[:3], [1, 1, 1, 1, 4]), train, test)
    np.testing.assert_allclose(losses.norms, NORMS[:3] * 4**0.2)
    assert losses.train == tuple(mean_effect(row) for row in train)
    assert losses.test == tuple(mean_effect(row) for row in test)
    train[2, 1] = np.inf
    lost = reduced(NORMS[:3], train, test).train[2]
    assert isinstance(lost, Missing)
    assert lost.reason == "1 of 5 seeds ended with a loss that is not finite"


def test_a_planted_shell_is_found_exactly_where_it_is_log_linear() -> None:
    ends = [(0.2, 2.0), (0.3, 3.0), (0.25, 1.7), (0.22, 2.2), (0.4, 2.5)]
    zone = shell(NORMS, np.stack([planted_u(*each) for each in ends], axis=1), kind="loss")
    np.testing.assert_allclose(np.array(zone.edges, dtype=float), ends, rtol=1e-9)
    assert not isinstance(zone.low, Missing)
    assert zone.low.value == pytest.approx(np.exp(np.log([low for low, _ in ends]).mean()))
    assert zone.low.n == 5
    assert zone.never == 0
    scaled = shell(7 * NORMS, 3 * np.stack([planted_u(*each) for each in ends], axis=1), kind="loss")
    np.testing.assert_allclose(np.array(scaled.edges, dtype=float), 7 * np.array(ends), rtol=1e-9)


def test_the_edges_of_an_accuracy_are_interpolated_in_the_logarithm_of_the_norm() -> None:
    zone = shell([1, 2, 4, 8, 16], np.array([[0.0, 0.8, 1.0, 0.95, 0.45]]).T)
    assert zone.edges == ((pytest.approx(2 * 2**0.5), pytest.approx(8 * 2**0.1)),)
    assert not isinstance(zone.low, Missing)
    assert isinstance(zone.low.low, Missing)  # one seed has no interval
    assert zone.edges == shell([1, 2, 4, 8, 16], np.array([[0.0, 0.8, 1.0, 0.95, 0.45]]).T, least=0.9).edges


def test_intervals_of_a_shell_cover_the_planted_one() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        ends = np.exp(np.log([0.3, 2.0]) + 0.1 * rng.normal(size=(5, 2)))
        zone = shell(NORMS, np.stack([planted_u(*each) for each in ends], axis=1), kind="loss")
        assert not isinstance(zone.high, Missing)
        covered += zone.high.low <= 2.0 <= zone.high.high  # pyright: ignore[reportOperatorIssue]
    assert 178 <= covered <= 200  # 95 % of 200, four standard errors below


def test_seeds_without_a_shell_and_shells_without_an_end() -> None:
    good, never, open_low = [0, 1, 1, 0], [0, 0.5, 0.8, 0.1], [1, 1, 1, 0]
    some = shell([1, 2, 4, 8], np.array([good, never, good]).T)
    assert (some.never, some.edges[1]) == (1, None)
    assert not isinstance(some.low, Missing)
    assert some.low.n == 2
    ended = shell([1, 2, 4, 8], np.array([good, open_low]).T)
    assert isinstance(ended.low, Missing)
    assert ended.low.reason == "in 1 of 2 seeds the shell goes on beyond the smallest norm"
    assert ended.edges[1] == (None, pytest.approx(4 * 2**0.1))
    assert not isinstance(ended.high, Missing)
    nowhere = shell([1, 2, 4, 8], np.array([never, [math.nan] * 4]).T)
    assert isinstance(nowhere.low, Missing)
    assert nowhere.low.reason == nowhere.high.reason == "the criterion holds at no norm in any of 2 seeds"  # pyright: ignore
    lost = shell([1, 2, 4, 8], np.array([[9.0, 1.0, 1.0, math.nan]]).T, kind="loss", factor=3)
    assert lost.edges[0][1] == pytest.approx(4.0)  # pyright: ignore[reportOptionalSubscript]
    assert shell([1, 2], np.full((2, 1), np.inf), kind="loss").never == 1


def test_of_several_stretches_the_one_with_the_best_value_counts_and_then_the_widest() -> None:
    norms = [1, 2, 4, 8, 16, 32]
    best = shell(norms, np.array([[0, 1, 0, 0.95, 0.95, 0]]).T)
    assert best.edges[0] == (pytest.approx(2**0.9), pytest.approx(2 * 2**0.1))
    wide = shell(norms, np.array([[0, 1, 0, 1, 1, 0]]).T)
    assert wide.edges[0] == (pytest.approx(4 * 2**0.9), pytest.approx(16 * 2**0.1))


def test_a_line_without_noise_is_found_exactly() -> None:
    w0 = np.repeat([1.0, 2.0, 4.0], 2)
    fit = law(w0, 500 * np.log(w0 / 0.4), rate=1e-3, decay=2.0)
    assert fit.slope.value == pytest.approx(500)
    assert fit.w_c.value == pytest.approx(0.4)
    assert (fit.r_squared, fit.predicted) == (pytest.approx(1), pytest.approx(500))
    assert (fit.n, fit.n_censored) == (6, 0)
    assert fit.w_c.low == pytest.approx(0.4)
    np.testing.assert_allclose(fit.at([0.4, 0.8]), [0, 500 * math.log(2)], atol=1e-9)


def test_without_censoring_it_is_least_squares() -> None:
    from scipy.stats import linregress, t

    rng = np.random.default_rng(2)
    x = np.repeat(np.linspace(0, 1.4, 5), 5)
    y = 900 + 1000 * x + 120 * rng.normal(size=25)
    answer, expected = law(np.exp(x), y), linregress(x, y)
    assert answer.slope.value == pytest.approx(expected.slope, rel=1e-6)  # pyright: ignore
    assert answer.slope.high - answer.slope.low == pytest.approx(  # pyright: ignore
        2 * t.isf(0.025, 23) * expected.stderr,  # pyright: ignore
        rel=1e-6,
    )
    assert answer.r_squared == pytest.approx(expected.rvalue**2)  # pyright: ignore
    assert math.log(answer.w_c.value) == pytest.approx(-expected.intercept / expected.slope, abs=1e-6)  # pyright: ignore
    # Fieller: at the ends of w_c's interval the line is just significantly different from 0.
    for end in (answer.w_c.low, answer.w_c.high):
        at = math.log(float(end))  # pyright: ignore
        error = expected.stderr * math.sqrt(((x - x.mean()) ** 2).sum() / 25 + (at - x.mean()) ** 2)  # pyright: ignore
        line = expected.intercept + expected.slope * at  # pyright: ignore
        assert abs(line) == pytest.approx(t.isf(0.025, 23) * error, rel=1e-5)


@pytest.mark.parametrize("last", [math.inf, 2100.0])
def test_intervals_cover_the_planted_law_also_where_runs_never_generalised(last: float) -> None:
    """Over 200 simulations, with a fifth of the runs censored or none; dropping those would bias the slope."""
    rng = np.random.default_rng(3)
    x = np.repeat(np.linspace(0, 1.4, 5), 5)
    slopes, naive, covered, censored = [], [], np.zeros(2), 0
    for _ in range(200):
        y = 900 + 1000 * x + 200 * rng.normal(size=25)
        events = y < last
        fit = law(np.exp(x), np.minimum(y, last), events)
        slopes.append(fit.slope.value)
        naive.append(np.polyfit(x[events], y[events], 1)[0])
        censored += fit.n_censored
        for which, (effect, truth) in enumerate(((fit.slope, 1000), (fit.w_c, math.exp(-0.9)))):
            covered[which] += effect.low <= truth <= effect.high  # pyright: ignore[reportOperatorIssue]
    assert (covered >= 178).all()
    error = 4 * np.std(slopes) / math.sqrt(200)
    assert abs(np.mean(slopes) - 1000) < error + 10  # a maximum likelihood of 25 runs: biased by less than 1 %
    assert (censored > 500) == (last < math.inf)
    if censored:
        assert np.mean(naive) < 1000 - 2 * error


def test_a_law_that_cannot_be_had_says_why() -> None:
    for args in (([1.0, 2.0], [5.0, 6.0]), ([2.0, 2.0, 2.0], [5.0, 6.0, 7.0])):
        fit = generalisation_law(*args)
        assert isinstance(fit, Missing)
        assert "a line needs 3 and two norms" in fit.reason
    flat = law([1, 2, 4, 8], [100.0, 90.0, 110.0, 95.0])
    assert isinstance(flat.w_c.low, Missing)
    assert "the slope cannot be told from 0" in flat.w_c.low.reason
    alone = generalisation_law([1, 2, 4, 8], np.log([1.0, 2, 4, 6]) * 100 + 100, [1, 1, 1, 0])
    assert isinstance(alone, (Missing, Law))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: reduced([1, 2], [[1.0], [1.0]], [[1.0]]), "train and test differ in shape"),
        (lambda: shell([1, 2], [0.5, 0.5]), r"shape \(2,\): expected \(norm, seed\)"),
        (lambda: shell([1, 2, 3], [[0.5], [0.5]]), r"norms have the shape \(3,\)"),
        (lambda: shell([2, 1], [[0.5], [0.5]]), "positive, finite and ascending"),
        (lambda: shell([0, 1], [[0.5], [0.5]]), "positive, finite and ascending"),
        (lambda: shell([1], [[0.5]], least=1.5), r"least must lie in \(0, 1\], got 1.5"),
        (lambda: shell([1], [[0.5]], kind="loss", factor=1), "factor must be above 1, got 1"),
        (lambda: shell([1], [[0.5]], kind="los"), "kind must be accuracy or loss, got 'los'"),  # pyright: ignore
        (lambda: generalisation_law([1, 2], [1]), "one norm, time and flag a run"),
        (lambda: generalisation_law([0, 1, 2], [1, 2, 3]), "norms must be positive"),
        (lambda: generalisation_law([1, 2, 3], [1, 2, math.inf]), "censored runs have their last step"),
    ],
)
def test_bad_input_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_times_that_do_not_grow_with_the_norm_have_a_slope_of_0() -> None:
    """w_c, where the line would reach 0, lies beyond all numbers; an error here would end a scorecard."""
    norms = [1.0, 2.0, 4.0, 8.0]
    for times in ([500.0] * 4, [500.0, 501.0, 499.0, 500.5], [500.0, 499.9, 499.9, 500.0]):
        fit = generalisation_law(norms, times)
        assert not isinstance(fit, Missing)
        assert abs(fit.slope.value) < 1
        assert fit.w_c.value in (0, np.inf)
